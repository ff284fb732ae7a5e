import type { Redis } from '../../db/redis.ts'
import { Pulse } from './pulse.ts'
import { Removals } from './removals.ts'

export interface LinkOptions {
  /** A connection of the role `subscriber` that nobody else uses. */
  readonly redis: Redis
  readonly onMessage: (channel: string, payload: Buffer) => void
  /** Channels whose add() was answered with false, or that were lost with a connection, are subscribed now. */
  readonly onRestored: () => void
  /** Called often while Redis is away, or refuses the channels. */
  readonly onError: (error: Error) => void
  readonly heartbeatMs: number
  readonly removalMs: number
}

/** Channels that are asked for with one SUBSCRIBE, and answered as one. */
interface Batch {
  readonly channels: string[]
  readonly answer: Promise<boolean>
  readonly settle: (isSubscribed: boolean) => void
  /** Somebody was told false, or nobody waits: what was published before is to be looked for once it is subscribed. */
  isLate: boolean
}

/**
 *     (absent) ──add()──▶ Batch ──acknowledged──▶ 'on' ──remove(), a while──▶ (absent)
 *                          ▲ │ refused, or the link lost        │
 *               link ready │ ▼                                  │ the link lost
 *                        'missing' ◀────────────────────────────┘
 */
type State = 'missing' | Batch | 'on'

/** One command carries so many channels: its answers are a few tens of kilobytes. */
const BATCH_CHANNELS = 1_000
/** What somebody who connects waits for at most; the channel is subscribed later, and he is told what he missed then. */
const ADD_TIMEOUT_MS = 500

const YES = Promise.resolve(true)
const NO = Promise.resolve(false)

/** One connection to one Redis, and the channels that are wanted of it. */
export class SubscriberLink {
  readonly #options: LinkOptions
  readonly #redis: Redis
  readonly #pulse: Pulse
  readonly #channels = new Map<string, State>()
  readonly #removals: Removals
  /** What this tick adds. */
  #opened: Batch[] = []
  /** Counts connections, so that an answer on an old one is not believed. */
  #epoch = 0
  #isReady = false
  #hasMissing = false
  #lateInFlight = 0
  #hasRestored = false
  #isClosed = false

  constructor(options: LinkOptions) {
    const { redis, heartbeatMs, removalMs } = options
    this.#options = options
    this.#redis = redis
    this.#removals = new Removals(removalMs, (due) => this.#end(due))
    this.#pulse = new Pulse({
      redis,
      intervalMs: heartbeatMs,
      onAlive: () => this.#askForMissing(),
      onDead: (error) => this.#leaveConnection(error),
    })
    redis.on('messageBuffer', (channel: Buffer, payload: Buffer) => {
      if (!this.#isClosed) options.onMessage(channel.toString(), payload)
    })
    redis.on('ready', () => this.#onReady())
    redis.on('close', () => this.#onLost())
  }

  /** Connected, and everything is subscribed but what is just being added. */
  get isListening(): boolean {
    return this.#isReady && !this.#hasMissing && this.#lateInFlight === 0
  }

  /** How many channels are wanted, or were a moment ago. */
  get size(): number {
    return this.#channels.size
  }

  /** As Subscriptions.add(). */
  add(channel: string): Promise<boolean> {
    if (this.#isClosed) return NO
    this.#removals.rescue(channel)
    const state = this.#channels.get(channel)
    if (state === 'on') return YES
    if (typeof state === 'object') return state.answer
    if (!this.#isReady) {
      this.#channels.set(channel, 'missing')
      this.#hasMissing = true
      return NO
    }
    return this.#enlist(channel, false).answer
  }

  /** As Subscriptions.remove(). */
  remove(channel: string): void {
    const state = this.#channels.get(channel)
    if (state === 'missing') this.#channels.delete(channel)
    else if (state !== undefined) this.#removals.add(channel)
  }

  close(): void {
    this.#isClosed = true
    this.#onLost()
    this.#redis.disconnect()
  }

  /** Puts a channel into a batch of this tick. */
  #enlist(channel: string, isLate: boolean): Batch {
    let batch = this.#opened.at(-1)
    if (batch === undefined || batch.channels.length >= BATCH_CHANNELS || batch.isLate !== isLate) {
      if (this.#opened.length === 0) setImmediate(() => this.#flush())
      batch = newBatch(isLate)
      this.#opened.push(batch)
    }
    batch.channels.push(channel)
    this.#channels.set(channel, batch)
    return batch
  }

  #flush(): void {
    for (const batch of this.#opened.splice(0)) void this.#ask(batch)
  }

  async #ask(batch: Batch): Promise<void> {
    const epoch = this.#epoch
    if (batch.isLate) this.#lateInFlight++
    const late = setTimeout(() => {
      batch.settle(false)
      if (batch.isLate || epoch !== this.#epoch) return
      batch.isLate = true
      this.#lateInFlight++
    }, ADD_TIMEOUT_MS)
    try {
      await this.#redis.subscribe(...batch.channels)
      if (epoch === this.#epoch) this.#onSubscribed(batch)
    } catch (error) {
      if (epoch === this.#epoch) this.#onRefused(batch, error as Error)
    } finally {
      clearTimeout(late)
      batch.settle(false)
    }
  }

  #onSubscribed(batch: Batch): void {
    for (const channel of batch.channels) this.#channels.set(channel, 'on')
    batch.settle(true)
    if (!batch.isLate) return
    this.#hasRestored = true
    this.#oneLateLess()
  }

  /** Asked for again at the next beat. Asking for what Redis did subscribe, and said too late, changes nothing. */
  #onRefused(batch: Batch, error: Error): void {
    for (const channel of batch.channels) this.#channels.set(channel, 'missing')
    this.#hasMissing = true
    this.#options.onError(error)
    if (batch.isLate) this.#oneLateLess()
  }

  #oneLateLess(): void {
    this.#lateInFlight--
    if (this.#lateInFlight > 0 || !this.#hasRestored) return
    this.#hasRestored = false
    this.#options.onRestored()
  }

  #onReady(): void {
    if (this.#isClosed) return
    this.#isReady = true
    this.#pulse.start()
    this.#askForMissing()
  }

  #askForMissing(): void {
    if (!this.#hasMissing) return
    this.#hasMissing = false
    for (const [channel, state] of this.#channels) {
      if (state !== 'missing') continue
      if (this.#removals.rescue(channel)) this.#channels.delete(channel)
      else this.#enlist(channel, true)
    }
  }

  /** Everything is missing now, and whoever waits is told. */
  #onLost(): void {
    this.#epoch++
    if (!this.#isReady) return
    this.#isReady = false
    this.#pulse.stop()
    for (const batch of this.#opened.splice(0)) batch.settle(false)
    for (const channel of this.#removals.takeAll()) this.#channels.delete(channel)
    for (const [channel, state] of this.#channels) {
      if (typeof state !== 'string') state.settle(false)
      this.#channels.set(channel, 'missing')
    }
    this.#hasMissing = this.#channels.size > 0
    this.#lateInFlight = 0
    this.#hasRestored = false
  }

  /** Unsubscribes from what was removed a while ago. */
  #end(due: ReadonlySet<string>): void {
    const gone: string[] = []
    for (const channel of due) {
      const state = this.#channels.get(channel)
      if (typeof state === 'object') {
        // Its SUBSCRIBE is not answered yet.
        this.#removals.add(channel)
        continue
      }
      this.#channels.delete(channel)
      if (state === 'on') gone.push(channel)
    }
    for (let start = 0; start < gone.length; start += BATCH_CHANNELS)
      void this.#unsubscribe(gone.slice(start, start + BATCH_CHANNELS))
  }

  async #unsubscribe(channels: readonly string[]): Promise<void> {
    const epoch = this.#epoch
    try {
      await this.#redis.unsubscribe(...channels)
    } catch (error) {
      if (epoch !== this.#epoch) return
      this.#options.onError(error as Error)
      for (const channel of channels) {
        if (this.#channels.has(channel)) continue
        this.#channels.set(channel, 'on')
        this.#removals.add(channel)
      }
    }
  }

  #leaveConnection(error: Error): void {
    this.#options.onError(error)
    this.#onLost()
    this.#redis.disconnect(true)
  }
}

function newBatch(isLate: boolean): Batch {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  return { channels: [], answer: promise, settle: resolve, isLate }
}
