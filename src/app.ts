import { readFileSync } from 'node:fs'
import { collectDefaultMetrics, Registry } from 'prom-client'
import { watch } from '../db/watch.ts'
import { openBridge } from './app/bridge.ts'
import { openCallbacks } from './app/callbacks.ts'
import { type Dispatch, openDispatch } from './app/dispatch.ts'
import { openDrivers } from './app/drivers.ts'
import { openFeed } from './app/feed.ts'
import { openIdempotency } from './app/idempotency.ts'
import { assembleInternalApi } from './app/internal-api.ts'
import { assembleOps } from './app/ops.ts'
import type { App, AppOptions } from './app/options.ts'
import { assemblePlayground } from './app/playground.ts'
import { assembleRealtime } from './app/realtime.ts'
import { openLimits, openResources } from './app/resources.ts'
import { assembleWebhooks } from './app/webhooks.ts'
import { assert } from './base/assert.ts'
import { openApiDocument } from './base/openapi.ts'
import { createHttpApp, createHttpServer, listen, stopListening } from './http.ts'
import { NOTIFY_OPERATIONS } from './laravel/notify-operations.ts'
import { PAYMENT_OPERATIONS } from './laravel/payment-operations.ts'
import { TRIP_OPERATIONS } from './laravel/trip-operations.ts'
import { docsRoutes } from './ops/docs-routes.ts'
import { OPS_OPERATIONS } from './ops/operations.ts'
import { asyncApiDocument } from './realtime/asyncapi.ts'
import { REALTIME_OPERATIONS } from './realtime/door/operations.ts'
import { readBacklog } from './webhooks/backlog.ts'
import { createWebhookMetrics } from './webhooks/metrics.ts'
import { WEBHOOK_OPERATIONS } from './webhooks/operations.ts'
import { webhookRoutes } from './webhooks/routes.ts'

export type { App, AppOptions } from './app/options.ts'

/** A request may take fifteen seconds to come; what the requests do not need is the workers'. */
const HTTP_SHARE = 0.5
/** Goodbyes to Redis and to the database, at the end of the time to stop. */
const CLOSE_MS = 1_500
const DATABASE_CLOSE_MS = 500

export const VERSION: string = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
).version

const API_INFO = {
  title: 'Onceline',
  version: VERSION,
  description:
    "Payment webhooks that take effect once, and the internal API for the company's own backend. Amounts are integers of " +
    'minor units beside an ISO 4217 currency, times are ISO 8601 in UTC, refusals are problem documents (RFC 9457).',
  tags: {
    webhooks: 'for payment gateways',
    payments: "for the company's own backend",
    trips: "for the company's own backend",
    notifications: "for the company's own backend",
    realtime: 'for apps of riders and drivers',
    operations: 'for probes and monitoring',
  },
}

const API_OPERATIONS = [
  ...WEBHOOK_OPERATIONS,
  ...PAYMENT_OPERATIONS,
  ...TRIP_OPERATIONS,
  ...NOTIFY_OPERATIONS,
  ...REALTIME_OPERATIONS,
  ...OPS_OPERATIONS,
]

function openDocs(): ReturnType<typeof docsRoutes> {
  return docsRoutes(
    openApiDocument(API_OPERATIONS, API_INFO),
    asyncApiDocument({ title: 'Onceline', version: VERSION }),
  )
}

/** Builds the service: the only place where things are constructed and joined. Connects to nothing by itself. */
export function createApp(options: AppOptions): App {
  const registry = options.registry ?? new Registry()
  collectDefaultMetrics({ register: registry })
  const resources = openResources(options)
  const metrics = createWebhookMetrics(registry)
  const feed = openFeed(options, resources, registry)
  const callbacks = openCallbacks(options, { resources, feed }, registry)
  const webhooks = assembleWebhooks(options, resources, metrics, { callbacks, feed })
  const { ingest, processor, sweepers } = webhooks
  const ops = assembleOps(options, resources, registry, VERSION)
  const onFree: Dispatch['freed'] = (workplace) => dispatch.freed(workplace)
  const drivers = openDrivers(options, { resources, feed, onFree }, registry)
  const dispatch: Dispatch = openDispatch(options, { resources, callbacks, feed, drivers }, registry)
  const limits = openLimits(options, resources, registry)
  const bridge = openBridge(options, { resources, callbacks, feed, dispatch }, registry)
  const pieces = { resources, limits, webhooks, feed, callbacks, dispatch, drivers }
  const internal = assembleInternalApi(options, pieces, registry)
  const docs = openDocs()
  const realtime = assembleRealtime(options, pieces, registry)
  const playground = assemblePlayground(options, resources, webhooks)
  const doors = [webhookRoutes({ ingest, metrics }), realtime.routes, ...playground]
  const isSeparate = options.internalApi?.isSeparate ?? false
  const serverOf = (parts: Parameters<typeof createHttpApp>[0]) =>
    createHttpServer(createHttpApp(parts, options.log))
  const server = serverOf(isSeparate ? [...doors, ops] : [...doors, ops, docs, internal])
  realtime.attach(server)
  const internalServer = isSeparate ? serverOf([ops, docs, internal]) : null
  const backlogTimer = watch(resources.database.commands, 'backlog', readBacklog, metrics.backlog)
  const loops = [...sweepers, openIdempotency(options, resources, registry), feed.pruner, drivers, dispatch]
  return {
    server,
    listen: (port, host) => listen(server, port, host),
    listenInternally: (port, host) => {
      assert(internalServer !== null, 'the internal API has no listener of its own')
      return listen(internalServer, port, host)
    },
    work: () => {
      resources.ring.answer((ids, suspect) => processor.process(ids, suspect), options.workerConcurrency)
      for (const loop of loops) loop.start()
      realtime.start()
      callbacks?.work()
      bridge?.work()
    },
    stop: async (timeoutMs) => {
      resources.isDraining = true
      const endMs = performance.now() + timeoutMs
      clearInterval(backlogTimer)
      await bridge?.unsubscribe()
      const servers = internalServer === null ? [server] : [server, internalServer]
      const doorsMs = timeoutMs * HTTP_SHARE
      await Promise.all([realtime.drain(doorsMs), ...servers.map((one) => stopListening(one, doorsMs))])
      const drainMs = Math.max(endMs - CLOSE_MS - performance.now(), 0)
      await Promise.all([
        ...loops.map((loop) => loop.stop(drainMs)),
        resources.ring.stopAnswering(drainMs),
        callbacks?.stop(drainMs),
        bridge?.stop(drainMs),
        realtime.stop(drainMs),
      ])
      await Promise.all([resources.ring.close(0), resources.database.close(DATABASE_CLOSE_MS)])
      resources.control.disconnect()
      feed.close()
      resources.limits.disconnect()
    },
  }
}
