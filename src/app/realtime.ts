import type { Server } from 'node:http'
import type { Registry } from 'prom-client'
import { AddressRanges } from '../base/addresses.ts'
import { type Clock, systemClock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { createSampler } from '../base/sampler.ts'
import type { Limits } from '../limits/limits.ts'
import { Acks } from '../realtime/acks.ts'
import type { AdmissionOptions, SeatBook } from '../realtime/admission.ts'
import { CatchUp } from '../realtime/catch-up.ts'
import type { Connection } from '../realtime/connection.ts'
import { Door } from '../realtime/door.ts'
import { drain } from '../realtime/drain.ts'
import { Greeter } from '../realtime/greeting.ts'
import { HeadsCheck } from '../realtime/heads-check.ts'
import { Heartbeat, type HeartbeatTempo } from '../realtime/heartbeat.ts'
import { Hub } from '../realtime/hub.ts'
import { LoadMonitor } from '../realtime/load.ts'
import { createRealtimeMetrics, type RealtimeMetrics } from '../realtime/metrics.ts'
import { originRule } from '../realtime/origins.ts'
import { type SessionBook, Sessions } from '../realtime/sessions.ts'
import { Subscriptions } from '../realtime/subscriptions.ts'
import { ticketRoutes } from '../realtime/ticket-routes.ts'
import { tokenRules } from '../realtime/token.ts'
import type { Feed } from './feed.ts'
import type { AppOptions } from './options.ts'
import { LOG_LINES, type Resources } from './resources.ts'

/** While a process is short of time, positions go out this often. */
const HELD_LATEST_MS = 1_000
const MESSAGES_PER_SECOND = 50

/** The connections' times. */
export interface RealtimeTempo {
  readonly heartbeat?: HeartbeatTempo
  /** Between two comparisons of heads. */
  readonly headsMs?: number
}

interface Pieces {
  readonly resources: Resources
  readonly limits: Limits
  readonly feed: Feed
}

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

export function assembleRealtime(options: AppOptions, pieces: Pieces, registry: Registry): Realtime {
  const { clock = systemClock } = options
  const metrics = createRealtimeMetrics(registry)
  const live = assembleLive(options, pieces, metrics)
  const { sessions, load } = live
  const admission = { ...admissionOf(options, pieces, metrics, clock), seats: live.seats }
  const { log } = options
  const refusals = createSampler({ ...LOG_LINES, clock })
  const door = new Door({
    admission: { ...admission, isClosed: () => pieces.resources.isDraining || load.load === 'overloaded' },
    metrics,
    log,
    refusals,
    onOpen: (ws, socket, admitted) => sessions.open(ws, socket, admitted),
  })
  return {
    routes: ticketRoutes({ ...admission, metrics, log, refusals }),
    attach: (server) => door.attach(server),
    start: live.start,
    drain: (timeoutMs) => {
      sessions.drain()
      return drain({ connections: sessions.connections, timeoutMs })
    },
    stop: live.stop,
  }
}

/** How a token, a ticket, a page and an address are judged, at both doors. */
function admissionOf(
  { database, realtime, internalApi }: AppOptions,
  { resources, limits }: Pieces,
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
    allowsOrigin: originRule(realtime?.allowedOrigins ?? []),
    trustedProxies: new AddressRanges(internalApi?.trustedProxies ?? []),
    limits,
    metrics,
  }
}

/** Connections, and everything that works for them in the background. */
function assembleLive(options: AppOptions, { resources, feed }: Pieces, metrics: RealtimeMetrics) {
  const { log, clock = systemClock } = options
  const tempo = options.realtime?.tempo ?? {}
  const { realtime: pool } = resources.database
  const installation = options.database.database
  const failures = createSampler({ ...LOG_LINES, clock })
  const greeter = new Greeter({ pool })
  const onGap = (connection: Connection) => sessions.catchUp(connection)
  const hub = new Hub({ clock, metrics, onGap, onFence: (connection) => sessions.replace(connection) })
  const presence: SessionBook = { opened: async () => 1, closed: () => undefined }
  const seats: SeatBook = { take: async () => 'taken', free: () => undefined }
  const acks = new Acks({ pool, log })
  const sessions: Sessions = new Sessions({
    installation,
    hub,
    catchUp: new CatchUp({ pool, log, failures, metrics, greet: (user) => greeter.read(user) }),
    greet: (user) => greeter.read(user),
    presence,
    tellFence: (userId, fence) => void feed.publisher.publish([{ userId, fence }]),
    seats,
    inbox: {
      messagesPerSecond: MESSAGES_PER_SECOND,
      receive: async () => ({ reply: null, malformed: false }),
    },
    clock,
    metrics,
    log,
    failures,
  })
  const { connections } = sessions
  const heads = new HeadsCheck({
    pool,
    log,
    metrics,
    connections,
    onGap,
    ...(tempo.headsMs === undefined ? {} : { intervalMs: tempo.headsMs }),
  })
  const subscriptions = new Subscriptions({
    redis: options.redis,
    onMessage: (channel, payload) => hub.receive(channel, payload),
    onResubscribed: () => void heads.runOnce().catch(() => undefined),
    onError: resources.onRedisError,
  })
  hub.listenWith(subscriptions)
  const heartbeat = new Heartbeat({
    connections,
    clock,
    metrics,
    ...(tempo.heartbeat === undefined ? {} : { tempo: tempo.heartbeat }),
  })
  const load = watchLoad(hub, metrics, log, clock)
  const loops = [heads, acks]
  return {
    sessions,
    load,
    seats,
    start: () => {
      for (const one of [...loops, heartbeat, load]) one.start()
    },
    stop: async (timeoutMs: number) => {
      heartbeat.stop()
      load.stop()
      await Promise.all(loops.map((loop) => loop.stop(timeoutMs)))
      await subscriptions.close()
    },
  }
}

/** Watches how late the event loop is, and holds positions back where it is. */
function watchLoad(hub: Hub, metrics: RealtimeMetrics, log: Log, clock: Clock): LoadMonitor {
  let timer: NodeJS.Timeout | undefined
  return new LoadMonitor({
    clock,
    onChange: (load, lagMs) => {
      metrics.loadChanged(load)
      log[load === 'calm' ? 'info' : 'warn']({ load, lagMs }, 'the load of this process has changed')
      clearInterval(timer)
      if (load !== 'calm') timer = setInterval(() => hub.releaseLatest(), HELD_LATEST_MS).unref()
      hub.holdLatest(load !== 'calm')
    },
  })
}
