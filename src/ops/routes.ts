import type { HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import { problem } from '../base/problem.ts'
import { requestIdOf } from '../base/request-id.ts'
import { maySeeInternals } from './access.ts'
import type { Readiness } from './health.ts'

export interface OpsRoutesOptions {
  readonly readiness: () => Promise<Readiness>
  /** The exposition text of every metric of this service, all its processes included. */
  readonly metricsText: () => Promise<string>
  /** INTERNAL_API_KEY and its predecessor. */
  readonly internalKeys: readonly string[]
  readonly metricsNeedKey: boolean
  readonly version: string
}

/** A probe storm costs the dependencies one look a second. */
const READINESS_FRESH_MS = 1_000

/** `/health`: the process runs. `/ready`: may it be sent work, with reasons. `/metrics`: Prometheus text. */
export function opsRoutes(options: OpsRoutesOptions): Hono<{ Bindings: HttpBindings }> {
  const routes = new Hono<{ Bindings: HttpBindings }>()
  const look = remember(options.readiness, READINESS_FRESH_MS)
  routes.get('/health', (context) =>
    context.json({ status: 'alive', version: options.version, uptimeSeconds: Math.round(process.uptime()) }),
  )
  routes.get('/ready', async (context) => {
    const { ready, dependencies } = await look()
    return context.json({ status: ready ? 'ready' : 'not_ready', dependencies }, ready ? 200 : 503)
  })
  routes.get('/metrics', async (context) => {
    if (!maySeeInternals(context.env.incoming, options)) {
      return problem({
        status: 401,
        code: 'api_key_required',
        detail: 'From other machines, and through a proxy, send X-API-Key.',
        requestId: requestIdOf(context.req.header('x-request-id')),
      })
    }
    return context.text(await options.metricsText(), 200, {
      'content-type': 'text/plain; version=0.0.4; charset=utf-8',
    })
  })
  return routes
}

/** Concurrent and quickly repeated calls share one answer. */
function remember<T>(ask: () => Promise<T>, freshMs: number): () => Promise<T> {
  let last: { answer: Promise<T>; atMs: number } | null = null
  return () => {
    if (last === null || performance.now() - last.atMs > freshMs)
      last = { answer: ask(), atMs: performance.now() }
    return last.answer
  }
}
