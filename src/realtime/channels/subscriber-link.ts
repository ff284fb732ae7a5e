import { isRefusal, type RedisNode } from '../../../db/redis.ts'
import { type Batch, Batches, inParts } from './channel-batches.ts'
import type { ChannelDialect } from './channel-dialect.ts'
import { Pulse } from './pulse.ts'
import { Removals } from './removals.ts'
import { Restoration } from './restoration.ts'

export interface LinkOptions {
  /** A connection of the role `subscriber` that nobody else uses. */
  readonly redis: RedisNode
  readonly dialect: ChannelDialect
  readonly onMessage: (channel: string, payload: Buffer) => void
  /** Channels whose add() was answered with false, or that were lost with a connection, are subscribed now. */
  readonly onRestored: () => void
  /** Called often while Redis is away, or refuses the channels. */
  readonly onError: (error: Error) => void
  readonly heartbeatMs: number
  readonly removalMs: number
}

/**
 *     (absent) ──add()──▶ Batch ──acknowledged──▶ 'on' ──remove(), a while──▶ (absent)
 *                          ▲ │ refused, or the link lost        │
 *               link ready │ ▼                                  │ the link lost
 *                        'missing' ◀────────────────────────────┘
 */
type State = 'missing' | Batch | 'on'

/** What somebody who connects waits for at most; the channel is subscribed later, and he is told what he missed then. */
const ADD_TIMEOUT_MS = 500

const YES = Promise.resolve(true)
const NO = Promise.resolve(false)

/** One connection to one Redis, and the channels that are wanted of it. */
export class SubscriberLink {
  readonly #options: LinkOptions
  readonly #redis: RedisNode
  readonly #pulse: Pulse
  readonly #channels = new Map<string, State>()
  readonly #removals: Removals
  readonly #batches: Batches
  readonly #restoration: Restoration
  /** Counts connections, so that an answer on an old one is not believed. */
  #epoch = 0
  #isReady = false
  #hasMissing = false
  #isClosed = false

  constructor(options: LinkOptions) {
    const { redis, dialect, heartbeatMs, removalMs } = options
    this.#options = options
    this.#redis = redis
    this.#removals = new Removals(removalMs, (due) => this.#end(due))
    this.#restoration = new Restoration(options.onRestored)
    this.#batches = new Batches(dialect.groupOf, (batches) => void this.#askFor(batches))
    this.#pulse = new Pulse({
      redis,
      intervalMs: heartbeatMs,
      onAlive: () => this.#askForMissing(),
      onDead: (error) => this.#leaveConnection(error),
    })
    redis.on(dialect.event, (channel: Buffer, payload: Buffer) => {
      if (!this.#isClosed) options.onMessage(channel.toString(), payload)
    })
    redis.on('ready', () => this.#onReady())
    redis.on('close', () => this.#onLost())
  }

  /** Connected, and everything is subscribed but what is just being added. */
  get isListening(): boolean {
    return this.#isReady && !this.#hasMissing && !this.#restoration.isPending
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
    if (this.#isReady) return this.#enlist(channel, state === 'missing').answer
    this.restore(channel)
    return NO
  }

  /** As Subscriptions.remove(). */
  remove(channel: string): void {
    const state = this.#channels.get(channel)
    if (state === 'missing') this.#channels.delete(channel)
    else if (state !== undefined) this.#removals.add(channel)
  }

  /** Adds a channel that was somebody else's: what was published meanwhile is to be looked for. */
  restore(channel: string): void {
    this.#channels.set(channel, 'missing')
    this.#hasMissing = true
  }

  /** All channels, removed ones too. */
  channels(): string[] {
    return [...this.#channels.keys()]
  }

  /** Forgets a channel that Redis does not have here any more. Whether it is still wanted. */
  release(channel: string): boolean {
    this.#channels.delete(channel)
    return !this.#removals.rescue(channel)
  }

  /** Asks for what is missing, now and not at the next beat. With `anew` also for what is believed to be there. */
  ask({ anew }: { readonly anew: boolean }): void {
    if (!this.#isReady) return
    if (anew) for (const [channel, state] of this.#channels) if (state === 'on') this.restore(channel)
    this.#askForMissing()
  }

  close(): void {
    this.#isClosed = true
    this.#onLost()
    this.#redis.disconnect()
  }

  #enlist(channel: string, isLate: boolean): Batch {
    const batch = this.#batches.put(channel, isLate)
    if (isLate && batch.channels.length === 1) this.#restoration.begin()
    this.#channels.set(channel, batch)
    return batch
  }

  async #askFor(batches: readonly Batch[]): Promise<void> {
    const epoch = this.#epoch
    const late = setTimeout(() => this.#onLate(batches, epoch), ADD_TIMEOUT_MS)
    const { stream } = this.#redis
    stream.cork()
    const answers = batches.map((batch) => this.#ask(batch, epoch))
    stream.uncork()
    await Promise.all(answers)
    clearTimeout(late)
  }

  async #ask(batch: Batch, epoch: number): Promise<void> {
    try {
      await this.#options.dialect.subscribe(this.#redis, batch.channels)
      if (epoch === this.#epoch) this.#onSubscribed(batch)
    } catch (error) {
      if (epoch === this.#epoch) this.#onRefused(batch, error as Error)
    }
    batch.isDone = true
    batch.settle(false)
  }

  /** Whoever still waits is told false, and then of what he missed. */
  #onLate(batches: readonly Batch[], epoch: number): void {
    for (const batch of batches) {
      batch.settle(false)
      if (batch.isDone || batch.isLate || epoch !== this.#epoch) continue
      batch.isLate = true
      this.#restoration.begin()
    }
  }

  #onSubscribed(batch: Batch): void {
    this.#mark(batch, 'on')
    batch.settle(true)
    if (batch.isLate) this.#restoration.end(true)
  }

  /** Asked for again at the next beat. Asking for what Redis did subscribe, and said too late, changes nothing. */
  #onRefused(batch: Batch, error: Error): void {
    this.#mark(batch, 'missing')
    this.#hasMissing = true
    this.#options.onError(error)
    if (batch.isLate) this.#restoration.end(false)
  }

  #mark(batch: Batch, state: State): void {
    for (const channel of batch.channels)
      if (this.#channels.get(channel) === batch) this.#channels.set(channel, state)
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
    this.#batches.drop()
    for (const channel of this.#removals.takeAll()) this.#channels.delete(channel)
    for (const [channel, state] of this.#channels) {
      if (typeof state === 'object') state.settle(false)
      this.#channels.set(channel, 'missing')
    }
    this.#hasMissing = this.#channels.size > 0
    this.#restoration.reset()
  }

  /** Unsubscribes from what was removed a while ago. */
  #end(due: ReadonlySet<string>): void {
    const gone: string[] = []
    for (const channel of due) {
      const state = this.#channels.get(channel)
      // Not answered yet: later.
      if (typeof state === 'object') this.#removals.add(channel)
      else this.#channels.delete(channel)
      if (state === 'on') gone.push(channel)
    }
    for (const part of inParts(gone, this.#options.dialect.groupOf)) void this.#unsubscribe(part)
  }

  async #unsubscribe(channels: readonly string[]): Promise<void> {
    const epoch = this.#epoch
    try {
      await this.#options.dialect.unsubscribe(this.#redis, channels)
    } catch (error) {
      if (epoch !== this.#epoch) return
      this.#options.onError(error as Error)
      // Too late: it is done before whatever this connection asks for next, or the connection is over.
      if (!isRefusal(error)) return
      for (const channel of channels.filter((one) => !this.#channels.has(one))) {
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
