import type { Clock } from '../base/clock.ts'
import { type Envelope, parseEnvelope } from '../feed/envelope.ts'
import type { Connection } from './connection.ts'
import type { RealtimeMetrics } from './metrics.ts'
import type { Outgoing } from './send-queue.ts'
import { type Numbered, Topic } from './topic.ts'

/** Where the hub asks for channels: Subscriptions. */
export interface Listening {
  /** False: Redis is away, and the channel is listened to when it is back. */
  add(channel: string): Promise<boolean>
  remove(channel: string): void
}

export interface HubOptions {
  readonly clock: Clock
  readonly metrics: Pick<RealtimeMetrics, 'delivered' | 'malformedEnvelope'>
  /** A socket misses messages: somebody has to read them from MySQL. Must not throw. */
  readonly onGap: (connection: Connection) => void
  /** A newer session of this socket's driver was told of. Must not throw. */
  readonly onFence: (connection: Connection) => void
}

/**
 * Which sockets of this process listen to which channels, and the way of a message from Redis to them. What comes in one turn
 * of the event loop is written at its end: a frame is made once for all sockets of a channel, and several messages of a channel
 * are one write. Messages of the feed come before others of the same turn.
 */
export class Hub {
  readonly #options: HubOptions
  readonly #topics = new Map<string, Topic>()
  readonly #touched = new Set<Topic>()
  #listening: Listening | null = null
  #isScheduled = false
  #holdsLatest = false

  constructor(options: HubOptions) {
    this.#options = options
  }

  /** Where channels are asked for; before this none can be joined. */
  listenWith(listening: Listening): void {
    this.#listening = listening
  }

  /** Resolves once Redis has acknowledged the channel: what is published from then on comes. False: not yet. Never rejects. */
  async join(channel: string, connection: Connection): Promise<boolean> {
    let topic = this.#topics.get(channel)
    if (topic === undefined) {
      topic = new Topic()
      this.#topics.set(channel, topic)
    }
    topic.add(connection)
    return (await this.#listening?.add(channel)) ?? false
  }

  leave(channel: string, connection: Connection): void {
    const topic = this.#topics.get(channel)
    if (topic === undefined || !topic.remove(connection) || topic.size > 0) return
    this.#topics.delete(channel)
    this.#touched.delete(topic)
    this.#listening?.remove(channel)
  }

  /** Each socket of this process that listens to the channel. */
  forEach(channel: string, visit: (connection: Connection) => void): void {
    this.#topics.get(channel)?.forEach(visit)
  }

  /** While a process is short of time, positions wait for `releaseLatest`, and only the newest of each goes out then. */
  holdLatest(holds: boolean): void {
    this.#holdsLatest = holds
    if (!holds) this.releaseLatest()
  }

  releaseLatest(): void {
    for (const topic of this.#topics.values()) if (topic.hasLatest) this.#deliver(topic, true)
  }

  /** A message of a channel. What cannot be read is counted: others may write to this Redis. */
  receive(channel: string, payload: Buffer): void {
    const topic = this.#topics.get(channel)
    if (topic === undefined) return
    const envelope = parseEnvelope(payload)
    if (envelope === null) this.#options.metrics.malformedEnvelope()
    else this.#take(topic, envelope)
  }

  #take(topic: Topic, envelope: Envelope): void {
    if (envelope.type === 'fence') {
      topic.forEach((connection) => {
        if (connection.fence > 0 && connection.fence < envelope.fence) this.#options.onFence(connection)
      })
      return
    }
    topic.hold(envelope)
    if (envelope.type === 'latest' && this.#holdsLatest) return
    this.#touched.add(topic)
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => this.#flush())
  }

  #flush(): void {
    this.#isScheduled = false
    for (const topic of this.#touched) this.#deliver(topic, !this.#holdsLatest)
    this.#touched.clear()
  }

  #deliver(topic: Topic, withLatest: boolean): void {
    const { numbered, others } = topic.release(withLatest)
    const nowMs = this.#options.clock.nowMs()
    const live = others.filter((message) => message.kind !== 'offer' || message.expiresAtMs > nowMs)
    const joined = joinedFrames(live)
    let sent = 0
    topic.forEach((connection) => {
      for (const one of numbered) if (this.#deliverNumbered(connection, one)) sent += 1
      if (joined === null || !connection.isReady) return
      connection.pushJoined(live, joined)
      sent += live.length
    })
    this.#options.metrics.delivered(sent, numbered, nowMs)
  }

  #deliverNumbered(connection: Connection, { seq, bornAtMs, message }: Numbered): boolean {
    const heard = connection.cursor.hear(seq)
    if (heard === 'read') this.#options.onGap(connection)
    if (heard !== 'send') return false
    connection.push(message)
    connection.noteSent(seq, bornAtMs)
    return true
  }
}

function joinedFrames(messages: readonly Outgoing[]): Buffer | null {
  const [first] = messages
  if (first === undefined) return null
  return messages.length === 1 ? first.frame : Buffer.concat(messages.map(({ frame }) => frame))
}
