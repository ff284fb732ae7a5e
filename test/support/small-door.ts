import { Registry } from 'prom-client'
import { openPool, type Pool } from '../../db/pools.ts'
import { AddressRanges } from '../../src/base/addresses.ts'
import { type Clock, systemClock } from '../../src/base/clock.ts'
import { createLogger } from '../../src/base/log.ts'
import { createSampler } from '../../src/base/sampler.ts'
import { createHttpApp, createHttpServer, listen, stopListening } from '../../src/http.ts'
import { Certificates } from '../../src/webhooks/certificates.ts'
import type { FetchText } from '../../src/webhooks/fetch-text.ts'
import type { GatewayAccount, GatewayAdapter } from '../../src/webhooks/gateways/adapter.ts'
import { GroupCommit } from '../../src/webhooks/group-commit.ts'
import { Ingest } from '../../src/webhooks/ingest.ts'
import { createWebhookMetrics } from '../../src/webhooks/metrics.ts'
import { webhookRoutes } from '../../src/webhooks/routes.ts'
import type { TestDatabase } from './database.ts'

export interface SmallDoorOptions {
  readonly adapters: readonly GatewayAdapter[]
  readonly accounts: readonly GatewayAccount[]
  readonly fetchText?: FetchText
  readonly clock?: Clock
  readonly trustedProxies?: readonly string[]
}

/** The webhooks' door alone, over a real database and a port of its own, for gateways that a test makes up. */
export class SmallDoor {
  readonly lines: string[] = []
  readonly #registry = new Registry()
  readonly #pool: Pool
  readonly #server: ReturnType<typeof createHttpServer>
  port = 0

  private constructor(database: TestDatabase, options: SmallDoorOptions) {
    const { clock = systemClock, fetchText = () => Promise.reject(new Error('nobody is fetched from')) } =
      options
    this.#pool = openPool(database.address, {
      connectionLimit: 2,
      lockWaitSeconds: 1,
      countChangedRows: true,
    })
    const metrics = createWebhookMetrics(this.#registry)
    const log = createLogger({ level: 'info', destination: { write: (line) => void this.lines.push(line) } })
    const sampler = createSampler({ perSecond: 1_000, burst: 1_000 })
    const ingest = new Ingest({
      adapters: new Map(options.adapters.map((adapter) => [adapter.name, adapter])),
      accounts: bookOf(options.accounts),
      commit: new GroupCommit({ pool: this.#pool, onStored: () => undefined }),
      clock,
      metrics,
      certificates: new Certificates({ fetchText, clock }),
      fetchText,
      trustedProxies: new AddressRanges(options.trustedProxies ?? []),
      log,
      samplers: { refusals: sampler, acknowledgements: sampler },
    })
    this.#server = createHttpServer(createHttpApp([webhookRoutes({ ingest, metrics })], log))
  }

  static async open(database: TestDatabase, options: SmallDoorOptions): Promise<SmallDoor> {
    const door = new SmallDoor(database, options)
    door.port = await listen(door.#server, 0, '127.0.0.1')
    return door
  }

  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.port}${path}`, init)
  }

  post(path: string, body: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
    return this.fetch(path, { method: 'POST', body, headers })
  }

  /** Every line of the metrics that starts so. */
  async metrics(start: string): Promise<string[]> {
    return (await this.#registry.metrics()).split('\n').filter((line) => line.startsWith(start))
  }

  async close(): Promise<void> {
    await stopListening(this.#server, 1_000)
    await this.#pool.end()
  }
}

function bookOf(accounts: readonly GatewayAccount[]): Map<string, Map<string, GatewayAccount>> {
  const book = new Map<string, Map<string, GatewayAccount>>()
  for (const account of accounts) {
    const byName = book.get(account.gateway) ?? new Map<string, GatewayAccount>()
    book.set(account.gateway, byName.set(account.account, account))
  }
  return book
}

/** The default account of a gateway, with these secrets and settings. */
export function accountOf(
  gateway: string,
  secrets: readonly string[] = [],
  settings: GatewayAccount['settings'] = {},
  account = 'default',
): GatewayAccount {
  return { gateway, account, secrets, settings }
}
