import { createServer, type Server } from 'node:http'
import { Registry } from 'prom-client'
import type { DatabaseAddress } from '../db/pools.ts'
import type { RedisAddress } from '../db/redis.ts'
import { createApp } from '../src/app.ts'
import { AddressRanges } from '../src/base/addresses.ts'
import { systemClock } from '../src/base/clock.ts'
import { newId } from '../src/base/ids.ts'
import { createLogger } from '../src/base/log.ts'
import { createSampler } from '../src/base/sampler.ts'
import { createHttpApp, createHttpServer, listen } from '../src/http.ts'
import { Certificates } from '../src/webhooks/certificates.ts'
import { fetchText } from '../src/webhooks/fetch-text.ts'
import { adapters } from '../src/webhooks/gateways/registry.ts'
import { Ingest } from '../src/webhooks/ingest.ts'
import { createWebhookMetrics } from '../src/webhooks/metrics.ts'
import { webhookRoutes } from '../src/webhooks/routes.ts'
import { serve } from './child.ts'

/**
 * bare: node:http reads the body and answers 200. verify: the service's routes, adapters and metrics with a store that
 * answers at once. durable: the service, its workers off. working: the service with its workers on.
 */
export type Variant = 'bare' | 'verify' | 'durable' | 'working'

export interface ServerOrder {
  readonly variant: Variant
  /** Only durable and working use it. */
  readonly database: DatabaseAddress
  readonly redis: RedisAddress
  readonly gateway: string
  readonly secret: string
}

/** What the service is configured with by default (src/config/variables.ts). */
const WORKER_CONCURRENCY = 8
const MAX_ATTEMPTS = 12

const log = createLogger({ level: 'error' })

serve({ start })

/** Returns the port. */
async function start(order: ServerOrder): Promise<number> {
  switch (order.variant) {
    case 'bare':
      return listen(bareServer(), 0, '127.0.0.1')
    case 'verify':
      return listen(verifyServer(order), 0, '127.0.0.1')
    case 'durable':
    case 'working': {
      const app = createApp({
        database: order.database,
        redis: order.redis,
        accounts: accountsOf(order),
        internalKeys: [],
        callbacks: true,
        workerConcurrency: WORKER_CONCURRENCY,
        maxAttempts: MAX_ATTEMPTS,
        log,
      })
      const port = await app.listen(0, '127.0.0.1')
      if (order.variant === 'working') app.work()
      return port
    }
  }
}

function bareServer(): Server {
  return createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const answer = `{"received":${Buffer.concat(chunks).length}}`
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': answer.length })
      response.end(answer)
    })
  })
}

function verifyServer(order: ServerOrder): Server {
  const metrics = createWebhookMetrics(new Registry())
  const ingest = new Ingest({
    adapters,
    accounts: accountsOf(order),
    commit: { store: async () => ({ kind: 'stored', id: newId() }) },
    clock: systemClock,
    metrics,
    certificates: new Certificates({ fetchText, clock: systemClock }),
    fetchText,
    trustedProxies: new AddressRanges([]),
    log,
    samplers: {
      refusals: createSampler({ perSecond: 1, burst: 1 }),
      acknowledgements: createSampler({ perSecond: 1, burst: 1 }),
    },
  })
  return createHttpServer(createHttpApp([webhookRoutes({ ingest, metrics })], log))
}

function accountsOf({ gateway, secret }: ServerOrder) {
  const account = { gateway, account: 'default', secrets: [secret], settings: {} }
  return new Map([[gateway, new Map([['default', account]])]])
}
