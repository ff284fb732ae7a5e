import type { Server } from 'node:http'
import type { Registry } from 'prom-client'
import { AddressRanges } from '../base/addresses.ts'
import { type Clock, systemClock } from '../base/clock.ts'
import { createSampler } from '../base/sampler.ts'
import type { AdmissionOptions } from '../realtime/door/admission.ts'
import { Door } from '../realtime/door/door.ts'
import { originRule } from '../realtime/door/origins.ts'
import { ticketRoutes } from '../realtime/door/ticket-routes.ts'
import { tokenRules } from '../realtime/door/token.ts'
import { drain } from '../realtime/drain.ts'
import { createRealtimeMetrics, type RealtimeMetrics } from '../realtime/metrics.ts'
import { assembleLive, type LivePieces } from './live.ts'
import type { AppOptions } from './options.ts'
import { LOG_LINES } from './resources.ts'

/** What apps of riders and drivers reach: tickets and WebSockets. */
export interface Realtime {
  readonly routes: ReturnType<typeof ticketRoutes>
  /** Answers the server's upgrade requests from now on. */
  attach(server: Server): void
  start(): void
  /** Sends all sockets elsewhere, and lets nobody in; resolves when they are gone, within `timeoutMs`. */
  drain(timeoutMs: number): Promise<void>
  /** Ends what works in the background, after the drain, within `timeoutMs`. Never throws. */
  stop(timeoutMs: number): Promise<void>
}

/** Both doors, and what is behind them. */
export function assembleRealtime(options: AppOptions, pieces: LivePieces, registry: Registry): Realtime {
  const { log, clock = systemClock } = options
  const metrics = createRealtimeMetrics(registry)
  const { sessions, load, seats, start, stop } = assembleLive(options, pieces, metrics, registry)
  const admission = admissionOf(options, pieces, metrics, clock)
  const refusals = createSampler({ ...LOG_LINES, clock })
  const isClosed = () => pieces.resources.isDraining || load.load === 'overloaded'
  const door = new Door({
    admission: { ...admission, seats, isClosed },
    metrics,
    log,
    refusals,
    onOpen: (ws, socket, admitted) => sessions.open(ws, socket, admitted),
  })
  return {
    routes: ticketRoutes({ ...admission, metrics, log, refusals }),
    attach: (server) => door.attach(server),
    start,
    drain: (timeoutMs) => {
      sessions.drain()
      return drain({ connections: sessions.connections, timeoutMs })
    },
    stop,
  }
}

/** How a token, a ticket, a page and an address are judged, at both doors. */
function admissionOf(
  { database, realtime, internalApi }: AppOptions,
  { resources, limits }: LivePieces,
  metrics: RealtimeMetrics,
  clock: Clock,
): Omit<AdmissionOptions, 'isClosed' | 'seats'> {
  return {
    tokens: tokenRules(realtime?.jwtSecrets ?? [], clock),
    desk: {
      redis: resources.limits,
      installation: database.database,
      clock,
      metrics,
      onRedisError: resources.onRedisError,
    },
    allowsOrigin: originRule(realtime?.allowedOrigins ?? [], realtime?.allowsThisMachine),
    trustedProxies: new AddressRanges(internalApi?.trustedProxies ?? []),
    limits,
    metrics,
  }
}
