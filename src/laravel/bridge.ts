import type { Registry } from 'prom-client'
import { isUnavailable } from '../../db/errors.ts'
import type { CommandPool } from '../../db/pools.ts'
import type { RedisAddress } from '../../db/redis.ts'
import { assertNever } from '../base/assert.ts'
import { backoffMs } from '../base/backoff.ts'
import { type Clock, systemClock } from '../base/clock.ts'
import type { Id } from '../base/ids.ts'
import type { Log } from '../base/log.ts'
import { createSampler, type Sampler } from '../base/sampler.ts'
import type { Push } from '../feed/envelope.ts'
import { jsonReply } from '../idempotency/answer.ts'
import { Once, type OnceRequest } from '../idempotency/once.ts'
import type { DispatchRules } from '../matching/dispatch/settings.ts'
import { type Acted, refused } from './bridge-acts.ts'
import { BRIDGE_CHANNELS, type BridgeChannel, type ReadMessage } from './bridge-channels.ts'
import { messageKey } from './bridge-key.ts'
import { type BridgeMetrics, type BridgeOutcome, createBridgeMetrics } from './bridge-metrics.ts'
import { Subscription } from './bridge-subscription.ts'
import { Lanes } from './lanes.ts'

export interface BridgeOptions {
  readonly redis: RedisAddress
  /** What Laravel's Redis client puts before every name: REDIS_PREFIX. */
  readonly prefix: string
  /** Of amounts whose message names no currency. */
  readonly currency: string
  /** Its sessions should wait one second for a lock. */
  readonly pool: CommandPool
  readonly registry: Registry
  readonly log: Log
  /** Rings for callbacks that were committed. Must not throw. */
  readonly ring: (ids: readonly Id[]) => void
  /** Tells users what was committed. Must not reject. */
  readonly publish: (pushes: readonly Push[]) => Promise<unknown>
  /** How drivers are looked for. */
  readonly rules: DispatchRules
  /** Lets the dispatcher look at these trips at once. Must not throw. */
  readonly wake: (tripIds: readonly string[]) => void
  readonly clock?: Clock
  readonly capacity?: number
  readonly tempo?: BridgeTempo
}

export interface BridgeTempo {
  /** How long a message is tried while the database is away, or another process is at it. */
  readonly patienceMs: number
  /** How long one that is not allowed (yet) is tried. */
  readonly graceMs: number
}

/** Some kilobytes are what the publisher sends; a batch's thousand ids are 40. */
export const MAX_MESSAGE_BYTES = 64 * 1024
/** Four of the messages that all processes heard at once wait for each other's keys; more would only hold connections. */
const CONCURRENCY = 4
const CAPACITY = 1_000
/** A restart of the database takes seconds; what is older than a minute is no news to anybody, and the tables tell more. */
const TEMPO: BridgeTempo = { patienceMs: 60_000, graceMs: 3_000 }
const BACKOFF = { baseMs: 200, capMs: 5_000, random: Math.random }
const LOG_LINES = { perSecond: 1, burst: 20 }
/** Redis away makes an error a second. */
const DEAF_LINES = { perSecond: 1 / 30, burst: 1 }

interface Heard {
  readonly channel: string
  readonly message: ReadMessage
  readonly request: OnceRequest
  readonly heardAtMs: number
  attempt: number
}

/**
 * Acts on what Laravel publishes on Redis, each message once however many processes hear it. Every process hears every
 * message and tries to claim its key; one gets it. Publishing is at most once by nature: what nobody heard is lost.
 */
export class Bridge {
  readonly #options: BridgeOptions
  readonly #once: Once
  readonly #lanes: Lanes
  readonly #metrics: BridgeMetrics
  readonly #lines: Sampler
  readonly #deafLines: Sampler
  readonly #clock: Clock
  readonly #tempo: BridgeTempo
  readonly #channels: ReadonlyMap<string, BridgeChannel>
  #subscription: Subscription | null = null

  constructor(options: BridgeOptions) {
    this.#options = options
    // Whoever meets a lock comes again, and holds no connection meanwhile.
    this.#once = new Once({ pool: options.pool, waitMs: 0 })
    this.#lanes = new Lanes({ concurrency: CONCURRENCY, capacity: options.capacity ?? CAPACITY })
    this.#metrics = createBridgeMetrics(options.registry, () => this.#lanes.size)
    this.#clock = options.clock ?? systemClock
    this.#lines = createSampler({ ...LOG_LINES, clock: this.#clock })
    this.#deafLines = createSampler({ ...DEAF_LINES, clock: this.#clock })
    this.#tempo = options.tempo ?? TEMPO
    this.#channels = new Map(BRIDGE_CHANNELS.map((channel) => [options.prefix + channel.name, channel]))
  }

  work(): void {
    this.#subscription ??= new Subscription({
      redis: this.#options.redis,
      channels: [...this.#channels.keys()],
      onMessage: (channel, text) => this.hear(channel, text),
      onListening: this.#metrics.listening,
      onError: (err) => this.#deaf(err),
    })
  }

  /** Hears nothing more. */
  async unsubscribe(): Promise<void> {
    await this.#subscription?.close()
    this.#metrics.listening(false)
  }

  /** Finishes what was heard, within `timeoutMs`; other processes have heard the rest, too. */
  async stop(timeoutMs: number): Promise<void> {
    const left = await this.#lanes.close(timeoutMs)
    if (left > 0) this.#options.log.warn({ left }, 'messages of Laravel were left undone at the end')
  }

  /** A message came. Never throws. */
  hear(channelName: string, text: string): void {
    const channel = this.#channels.get(channelName)
    if (!channel) return
    const { name } = channel
    const read = Buffer.byteLength(text) > MAX_MESSAGE_BYTES ? 'oversize' : readMessage(channel, text)
    if (read === 'oversize') this.#drop(name, 'oversize', {})
    else if ('errors' in read) this.#drop(name, 'malformed', read)
    else {
      const heard: Heard = { ...read, channel: name, heardAtMs: this.#clock.monotonicMs(), attempt: 0 }
      const isTaken = this.#lanes.push(read.message.lane, () => this.#try(heard))
      if (!isTaken) this.#drop(name, 'overflow', { traceId: read.message.traceId })
    }
  }

  /** Null when it is over; otherwise after how many milliseconds to try again. */
  async #try(heard: Heard): Promise<number | null> {
    heard.attempt += 1
    try {
      return await this.#act(heard)
    } catch (err) {
      const againMs = isUnavailable(err) ? this.#againMs(heard, this.#tempo.patienceMs) : null
      if (againMs === null) this.#drop(heard.channel, 'failed', { err, traceId: heard.message.traceId })
      return againMs
    }
  }

  async #act(heard: Heard): Promise<number | null> {
    const { message, request, channel } = heard
    const { currency, rules } = this.#options
    let acted: Acted = refused('not tried')
    const result = await this.#once.run(request, async (connection) => {
      acted = await message.act(connection, { currency, rules, traceId: message.traceId })
      const isDone = acted.kind === 'done'
      return { ...jsonReply(isDone ? 200 : 409, { acted: isDone }), keep: isDone }
    })
    switch (result.kind) {
      case 'executed':
        this.#metrics.message(channel, 'acted')
        await this.#tellOthers(acted)
        return null
      case 'refused':
        return this.#refused(heard, acted)
      case 'replayed':
      case 'expired':
        this.#metrics.message(channel, 'replayed')
        return null
      case 'in_flight':
        return this.#inFlight(heard)
      case 'mismatch':
        this.#drop(channel, 'mismatch', { traceId: message.traceId })
        return null
      default:
        return assertNever(result)
    }
  }

  /** All of it is committed: what is missed here, sweepers and compared numbers find. */
  async #tellOthers(acted: Acted): Promise<void> {
    if (acted.kind !== 'done') return
    const { rings, pushes, wakes = [] } = acted.told
    if (rings.length > 0) this.#options.ring(rings)
    if (wakes.length > 0) this.#options.wake(wakes)
    if (pushes.length > 0) await this.#options.publish(pushes)
  }

  /** Another process is at it, or a row that it needs is locked: asked again, the key tells which. */
  #inFlight(heard: Heard): number | null {
    const againMs = this.#againMs(heard, this.#tempo.patienceMs)
    if (againMs === null) this.#metrics.message(heard.channel, 'elsewhere')
    return againMs
  }

  #refused(heard: Heard, acted: Acted): number | null {
    if (acted.kind !== 'refused') return null
    const againMs = acted.mayPass ? this.#againMs(heard, this.#tempo.graceMs) : null
    if (againMs === null) {
      const { traceId, subject } = heard.message
      this.#drop(heard.channel, 'refused', { reason: acted.reason, subject, traceId })
    }
    return againMs
  }

  #againMs({ heardAtMs, attempt }: Heard, withinMs: number): number | null {
    const againMs = backoffMs(attempt, BACKOFF)
    return this.#clock.monotonicMs() + againMs - heardAtMs > withinMs ? null : againMs
  }

  #deaf(err: Error): void {
    const permission = this.#deafLines.allow()
    if (permission)
      this.#options.log.warn({ err, ...permission }, "Laravel's Redis channels are not heard; trying again")
  }

  /** Counted always and said now and then, without anything of what it carried but names and ids. */
  #drop(channel: string, outcome: BridgeOutcome, told: Readonly<Record<string, unknown>>): void {
    this.#metrics.message(channel, outcome)
    const permission = this.#lines.allow()
    if (permission)
      this.#options.log.warn(
        { channel, outcome, ...told, ...permission },
        "a message of Laravel's was dropped",
      )
  }
}

type Read = { readonly message: ReadMessage; readonly request: OnceRequest } | { readonly errors: unknown }

function readMessage(channel: BridgeChannel, text: string): Read {
  try {
    const parsed = channel.read(JSON.parse(text))
    if (!parsed.ok) return { errors: parsed.errors }
    return { message: parsed.value, request: messageKey(parsed.value, text) }
  } catch {
    return { errors: 'no JSON' }
  }
}
