import type { Registry } from 'prom-client'
import { assert } from '../base/assert.ts'
import { type Clock, systemClock } from '../base/clock.ts'
import type { Id } from '../base/ids.ts'
import type { Log } from '../base/log.ts'
import { createSampler } from '../base/sampler.ts'
import { rideChannel } from '../feed/publish.ts'
import type { PoolTempo } from '../matching/drivers/pool-tempo.ts'
import type { Told } from '../matching/trips/announce.ts'
import { tellCommitted } from '../matching/trips/perform.ts'
import { Acks } from '../realtime/acks.ts'
import { CatchUp } from '../realtime/catch-up.ts'
import { Subscriptions } from '../realtime/channels/subscriptions.ts'
import type { Connection } from '../realtime/connection.ts'
import type { SeatBook } from '../realtime/door/admission.ts'
import { createSeatMetrics } from '../realtime/door/seat-metrics.ts'
import { NO_SEAT_RULES, Seats } from '../realtime/door/seats.ts'
import { Greeter } from '../realtime/greeting.ts'
import { HeadsCheck } from '../realtime/heads-check.ts'
import { Heartbeat, type HeartbeatTempo } from '../realtime/heartbeat.ts'
import { Hub } from '../realtime/hub.ts'
import { LoadMonitor } from '../realtime/load.ts'
import type { RealtimeMetrics } from '../realtime/metrics.ts'
import { Presence } from '../realtime/presence/presence.ts'
import { createPresenceMetrics } from '../realtime/presence/presence-metrics.ts'
import type { PresenceTempo } from '../realtime/presence/presence-tempo.ts'
import { Session } from '../realtime/session.ts'
import { Sessions } from '../realtime/sessions.ts'
import { assembleCommands, type CommandPieces } from './commands.ts'
import type { AppOptions } from './options.ts'
import { LOG_LINES, type Resources } from './resources.ts'

/** The connections' times. */
export interface RealtimeTempo {
  readonly heartbeat?: Partial<HeartbeatTempo>
  readonly presence?: Partial<PresenceTempo>
  readonly drivers?: Partial<PoolTempo>
  /** Between two comparisons of heads. */
  readonly headsMs?: number
}

export type LivePieces = CommandPieces

/** Connections, and what works for them in the background. */
export interface Live {
  readonly sessions: Sessions
  readonly load: LoadMonitor
  readonly seats: SeatBook
  start(): void
  stop(timeoutMs: number): Promise<void>
}

/** While a process is short of time, positions go out this often. */
const HELD_LATEST_MS = 1_000
const MESSAGES_PER_SECOND = 50

export function assembleLive(
  options: AppOptions,
  pieces: LivePieces,
  metrics: RealtimeMetrics,
  registry: Registry,
): Live {
  const { log, clock = systemClock } = options
  const { resources, feed, drivers } = pieces
  const { realtime: pool } = resources.database
  const tempo = options.realtime?.tempo ?? {}
  const installation = options.database.database
  const failures = createSampler({ ...LOG_LINES, clock })
  const greeter = new Greeter({ pool })
  const greet = greeter.read.bind(greeter)
  const onGap = (connection: Connection) => sessions.catchUp(connection)
  const hub = new Hub({ clock, metrics, onGap, onFence: (connection) => sessions.replace(connection) })
  const presence = openPresence(options, pieces, registry, (...who) => sessions.evict(...who))
  const seats = openSeats(options, resources, registry, presence)
  const acks = new Acks({ pool, log })
  const commands = assembleCommands(options, pieces, metrics, registry)
  const onShown = acks.note.bind(acks)
  const session = { channelOf: topicChannel(installation), hub, catchUp: onGap, onShown, clock, metrics }
  const sessions: Sessions = new Sessions({
    installation,
    hub,
    catchUp: new CatchUp({ pool, log, failures, metrics, greet }),
    greet,
    presence,
    drivers: drivers.pool,
    tellFence: (userId, fence) => void feed.publisher.publish([{ userId, fence }]),
    seats,
    inbox: {
      messagesPerSecond: MESSAGES_PER_SECOND,
      receive: (connection, text) => commands.receive(new Session(connection, session), text),
    },
    clock,
    metrics,
    log,
    failures,
  })
  const { connections } = sessions
  const heads = new HeadsCheck({ pool, log, metrics, connections, onGap, intervalMs: tempo.headsMs })
  const subscriptions = listen(options, resources, hub, heads)
  const heartbeat = new Heartbeat({ connections, clock, metrics, tempo: tempo.heartbeat })
  const load = watchLoad(hub, metrics, log, clock)
  const loops = [heads, seats, presence, acks]
  return {
    sessions,
    load,
    seats,
    start: () => {
      for (const one of [...loops, heartbeat, load]) one.start()
    },
    stop: async (timeoutMs) => {
      heartbeat.stop()
      load.stop()
      await Promise.all(loops.map((loop) => loop.stop(timeoutMs)))
      await subscriptions.close()
    },
  }
}

const RIDE = 'ride:'

/** The only topics that there are, so far. */
function topicChannel(installation: string): (topic: string) => string {
  return (topic) => {
    assert(topic.startsWith(RIDE), 'a topic that is no ride')
    return rideChannel(installation, topic.slice(RIDE.length))
  }
}

function openPresence(
  { log, realtime }: AppOptions,
  { resources, feed, callbacks, dispatch }: LivePieces,
  registry: Registry,
  evict: ConstructorParameters<typeof Presence>[0]['evict'],
): Presence {
  const tempo = realtime?.tempo?.presence
  const metrics = createPresenceMetrics(registry)
  const tellers = {
    ...dispatch,
    ring: (ids: readonly Id[]) => callbacks?.ring(ids),
    publish: feed.publisher.publish.bind(feed.publisher),
  }
  const tell = (told: Told) => tellCommitted(tellers, told)
  return new Presence({
    pool: resources.database.presence,
    ...{ log, metrics, evict, tell },
    ...(tempo && { tempo }),
  })
}

function openSeats(
  { log, realtime, database, clock = systemClock }: AppOptions,
  { limits: redis }: Resources,
  registry: Registry,
  presence: Presence,
): Seats {
  return new Seats({
    redis,
    installation: database.database,
    rules: realtime?.sockets ?? NO_SEAT_RULES,
    nodeId: presence.nodeId,
    liveNodes: () => presence.liveNodes(),
    metrics: createSeatMetrics(registry),
    log,
    clock,
  })
}

/** What was published while nobody listened is found by its number. */
function listen(options: AppOptions, resources: Resources, hub: Hub, heads: HeadsCheck): Subscriptions {
  const subscriptions = new Subscriptions({
    redis: options.redis,
    onMessage: (channel, payload) => hub.receive(channel, payload),
    // A comparison that fails is made again by the next turn.
    onResubscribed: () => void heads.runOnce().catch(() => undefined),
    onError: resources.onRedisError,
  })
  hub.listenWith(subscriptions)
  return subscriptions
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
