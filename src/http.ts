import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { getRequestListener, type HttpBindings, RequestError } from '@hono/node-server'
import { Hono } from 'hono'
import { isUnavailable } from '../db/errors.ts'
import type { Log } from './base/log.ts'
import { problem } from './base/problem.ts'
import { requestIdOf } from './base/request-id.ts'

/** The whole of a request must have come within this, so that a slow sender holds nothing for long. */
const REQUEST_TIMEOUT_MS = 15_000
const HEADERS_TIMEOUT_MS = 10_000
/** Node looks for those who are over their time only this often; its default, 30 s, would treble the limits above. */
const TIMEOUT_CHECK_MS = 2_000
/** Longer than the proxy's own (Nginx: 60 s), so that it is never we who close a connection it is about to use. */
const KEEP_ALIVE_TIMEOUT_MS = 75_000
const MAX_HEADER_BYTES = 16 * 1024
/**
 * A proxy keeps some hundred connections open, and a WebSocket stays one for as long as its phone is there. Each may hold 16 KiB
 * of headers, or an idle socket's few kilobytes, and a file descriptor: at this number they take at most some hundred
 * megabytes together, and whatever connects beyond it is dropped while the rest is served.
 */
const MAX_CONNECTIONS = 25_000
const DATABASE_AWAY = 'The database is away. Try again.'
const RETRY = { 'retry-after': '5' }
const OUR_DEFECT = 'This is our defect; it has been logged.'

/** Joins the routes under one application that answers everything else with a problem. */
export function createHttpApp(
  parts: readonly Hono<{ Bindings: HttpBindings }>[],
  log: Log,
): Hono<{ Bindings: HttpBindings }> {
  const app = new Hono<{ Bindings: HttpBindings }>()
  for (const part of parts) app.route('/', part)
  app.notFound((context) =>
    problem({
      status: 404,
      code: 'not_found',
      detail: 'There is nothing at this path.',
      requestId: requestIdOf(context.req.header('x-request-id')),
    }),
  )
  app.onError((error, context) => {
    const requestId = requestIdOf(context.req.header('x-request-id'))
    if (isUnavailable(error))
      return problem({
        status: 503,
        code: 'database_unavailable',
        detail: DATABASE_AWAY,
        requestId,
        headers: RETRY,
      })
    log.error({ err: error, requestId, path: context.req.path }, 'request failed')
    return problem({ status: 500, code: 'internal_error', detail: OUR_DEFECT, requestId })
  })
  return app
}

/** A server for the application, not listening yet. */
export function createHttpServer(app: Hono<{ Bindings: HttpBindings }>): Server {
  const limits = {
    requestTimeout: REQUEST_TIMEOUT_MS,
    headersTimeout: HEADERS_TIMEOUT_MS,
    connectionsCheckingInterval: TIMEOUT_CHECK_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    maxHeaderSize: MAX_HEADER_BYTES,
    // Others, such as h2c, are requests like any other (RFC 9110 7.8: whoever does not know a protocol goes on with his own),
    // and so are all where nobody opens WebSockets.
    shouldUpgradeCallback: ({ headers }: IncomingMessage) =>
      headers.upgrade?.toLowerCase() === 'websocket' && server.listenerCount('upgrade') > 0,
  }
  const server: Server = createServer(limits, getRequestListener(app.fetch, { errorHandler: unroutable }))
  server.maxConnections = MAX_CONNECTIONS
  openSockets.set(server, trackSockets(server))
  return server
}

const openSockets = new WeakMap<Server, ReadonlySet<Socket>>()
/** Sockets that are closed are forgotten when there are so many, and then again whenever their number has doubled, */
const FEWEST_TO_FORGET = 1_024
/** and as often as this: after a spike nobody might connect any more, and each holds some kilobytes. */
const FORGET_INTERVAL_MS = 10_000

/**
 * The server's sockets; closed ones are among them until they are forgotten, now and then. A `close` listener on each
 * would be simpler, but Node adds and removes its own with every request, and beside a standing one that is slow (Node 24,
 * measured: 62,000 requests instead of 100,000), and requests outlive the young generation: collections of 15 ms instead of 1.
 */
export function trackSockets(server: Server, forgetIntervalMs = FORGET_INTERVAL_MS): ReadonlySet<Socket> {
  const open = new Set<Socket>()
  let forgetAt = FEWEST_TO_FORGET
  const forgetClosed = (): void => {
    for (const one of open) if (one.destroyed) open.delete(one)
    forgetAt = Math.max(FEWEST_TO_FORGET, open.size * 2)
  }
  server.on('connection', (socket) => {
    open.add(socket)
    if (open.size >= forgetAt) forgetClosed()
  })
  server.once('listening', () => {
    const timer = setInterval(forgetClosed, forgetIntervalMs).unref()
    server.once('close', () => clearInterval(timer))
  })
  return open
}

/** What fails before the application sees it: a request line or a host of which no URL can be made. Must not throw. */
function unroutable(error: unknown): Response {
  const requestId = requestIdOf(null)
  // The application answers its own errors, so anything else would be a defect of the listener.
  if (!(error instanceof RequestError))
    return problem({ status: 500, code: 'internal_error', detail: 'This is our defect.', requestId })
  return problem({
    status: 400,
    code: 'malformed_request',
    detail: 'The request line or the Host header makes no URL.',
    requestId,
  })
}

/** Listens, and returns the port (the one that was free, for port 0). Throws what the system says: EADDRINUSE, EACCES. */
export async function listen(server: Server, port: number, host: string): Promise<number> {
  server.listen(port, host)
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/**
 * Takes no new connections, lets requests in flight finish for at most `timeoutMs`, then cuts what is left, sockets that were or are
 * being upgraded among it.
 */
export async function stopListening(server: Server, timeoutMs: number): Promise<void> {
  if (!server.listening) return
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  server.closeIdleConnections()
  const sweep = setInterval(() => closeUnused(server), SWEEP_INTERVAL_MS)
  const cut = setTimeout(() => {
    server.closeAllConnections()
    for (const socket of openSockets.get(server) ?? []) socket.destroy()
  }, timeoutMs)
  await closed
  clearInterval(sweep)
  clearTimeout(cut)
}

const SWEEP_INTERVAL_MS = 100

/** Node calls a connection idle only after its first request; one that a proxy opened in advance would be waited for. */
function closeUnused(server: Server): void {
  server.closeIdleConnections()
  for (const socket of openSockets.get(server) ?? []) if (socket.bytesRead === 0) socket.destroy()
}
