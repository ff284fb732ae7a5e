import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import { tallyCounter } from '../base/tally.ts'
import { CLOSE } from './close-codes.ts'
import type { UserType } from './door/token.ts'
import type { Load } from './load.ts'
import type { OutgoingKind } from './send-queue.ts'
import type { Numbered } from './topic.ts'

export interface ConnectionMetrics {
  /** What became of an upgrade request. */
  handshake(outcome: string): void
  opened(userType: UserType): void
  closed(userType: UserType, code: number): void
  /** A message of a client. */
  received(): void
  /** Messages written to sockets of this process; those of the feed tell how old they are. */
  delivered(count: number, numbered: readonly Numbered[], nowMs: number): void
  /** Messages of the feed that a socket got from MySQL. */
  replayed(count: number): void
  /** A client's place in the feed was lost, and it began anew. */
  reset(): void
  /** Only a comparison of heads found that a socket lacked something. */
  missed(): void
  /** Messages that a slow socket did not get, and need not. */
  dropped(kind: OutgoingKind, count: number): void
  tooSlow(): void
  /** A socket did not answer a ping. */
  silent(): void
  malformedEnvelope(): void
  /** A client has shown a message; null: when it was born is not known any more. */
  shown(ageMs: number | null): void
  loadChanged(load: Load): void
}

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
/** Clients may close with any code; a label for each would be a flood of series. */
const KNOWN_CODES = new Set<number>([
  1000,
  1001,
  1002,
  1003,
  1005,
  1006,
  1007,
  1008,
  1009,
  1011,
  ...Object.values(CLOSE),
])
const LOADS: readonly Load[] = ['calm', 'strained', 'overloaded']

/** Registers the connections' metrics. Names and labels are documented in docs/operations.md. */
export function createConnectionMetrics(registry: Registry): ConnectionMetrics {
  return { ...createLifeMetrics(registry), ...createMessageMetrics(registry) }
}

type LifeMetrics = Pick<
  ConnectionMetrics,
  'handshake' | 'opened' | 'closed' | 'tooSlow' | 'silent' | 'loadChanged'
>

function createLifeMetrics(registry: Registry): LifeMetrics {
  const counter = counters(registry)
  const open = new Gauge({
    name: 'onceline_realtime_connections',
    help: 'Open WebSockets.',
    labelNames: ['user_type'],
    registers: [registry],
  })
  const load = new Gauge({
    name: 'onceline_realtime_load',
    help: '0: calm, 1: positions are held back, 2: new connections are refused.',
    registers: [registry],
    aggregator: 'max',
  })
  const handshakes = counter('handshakes_total', 'Upgrade requests by what became of them.', 'outcome')
  const closes = counter('closes_total', 'Ended WebSockets by their close codes.', 'code')
  const slow = counter('slow_sockets_total', 'Sockets that were closed with 4408.')
  const silent = counter('silent_sockets_total', 'Sockets that did not answer a ping.')
  return {
    handshake: (outcome) => handshakes.inc({ outcome }),
    opened: (userType) => open.inc({ user_type: userType }),
    closed: (userType, code) => {
      open.dec({ user_type: userType })
      closes.inc({ code: KNOWN_CODES.has(code) ? String(code) : 'other' })
    },
    tooSlow: () => slow.inc(),
    silent: () => silent.inc(),
    loadChanged: (to) => load.set(LOADS.indexOf(to)),
  }
}

function createMessageMetrics(registry: Registry): Omit<ConnectionMetrics, keyof LifeMetrics> {
  const counter = counters(registry)
  const ages = (name: string, help: string) =>
    new Histogram({ name: `onceline_realtime_${name}`, help, buckets: SECONDS, registers: [registry] })
  const received = tallyCounter({
    registry,
    name: 'onceline_realtime_messages_received_total',
    help: 'Frames of clients.',
    labelNames: [],
  })({})
  const delivered = counter(
    'messages_delivered_total',
    'Messages written to sockets as they came from Redis.',
  )
  const replayed = counter('messages_replayed_total', 'Messages of feeds that sockets got from MySQL.')
  const resets = counter(
    'feed_resets_total',
    'Clients that began anew, since their place in the feed is pruned.',
  )
  const missed = counter('missed_total', 'Sockets that lacked what only a comparison of heads found.')
  const dropped = counter('messages_dropped_total', 'Messages that slow sockets did not get.', 'class')
  const malformed = counter('malformed_envelopes_total', 'Messages of our channels that are none of ours.')
  const toSocket = ages(
    'receipt_to_socket_seconds',
    'From the fact until its message was written to a socket.',
  )
  const toScreen = ages('receipt_to_screen_seconds', 'From the fact until a client acknowledged its message.')
  return {
    received: () => {
      received.count += 1
    },
    delivered: (count, numbered, nowMs) => {
      if (count === 0) return
      delivered.inc(count)
      for (const { bornAtMs } of numbered) toSocket.observe(Math.max(nowMs - bornAtMs, 0) / 1_000)
    },
    replayed: (count) => replayed.inc(count),
    reset: () => resets.inc(),
    missed: () => missed.inc(),
    dropped: (kind, count) => dropped.inc({ class: kind }, count),
    malformedEnvelope: () => malformed.inc(),
    shown: (ageMs) => {
      if (ageMs !== null) toScreen.observe(Math.max(ageMs, 0) / 1_000)
    },
  }
}

function counters(registry: Registry) {
  return (name: string, help: string, label?: string) =>
    new Counter({
      name: `onceline_realtime_${name}`,
      help,
      labelNames: label === undefined ? [] : [label],
      registers: [registry],
    })
}
