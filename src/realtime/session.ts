import type { Clock } from '../base/clock.ts'
import type { Connection } from './connection.ts'
import type { TokenUser } from './door/token.ts'
import type { Hub } from './hub.ts'
import type { RealtimeMetrics } from './metrics.ts'

export interface SessionParts {
  /** The channel of a topic such as `ride:<id>`. */
  readonly channelOf: (topic: string) => string
  readonly hub: Hub
  /** Begins to read what the socket has not got. */
  readonly catchUp: (connection: Connection) => void
  /** A client of this user has shown everything up to this number. */
  readonly onShown: (userId: string, seq: number) => void
  readonly clock: Clock
  readonly metrics: Pick<RealtimeMetrics, 'shown'>
}

/** What a command may do to the connection that it came over. */
export class Session {
  readonly #connection: Connection
  readonly #parts: SessionParts

  constructor(connection: Connection, parts: SessionParts) {
    this.#connection = connection
    this.#parts = parts
  }

  get user(): TokenUser {
    return this.#connection.user
  }

  get connectionId(): string {
    return this.#connection.id
  }

  /** How many topics beside its own the connection listens to. */
  get topics(): number {
    return this.#connection.channels?.size ?? 0
  }

  listensTo(topic: string): boolean {
    return this.#connection.channels?.has(this.#parts.channelOf(topic)) ?? false
  }

  /** Listens to a topic from now on. A second time changes nothing, and so does a command that outlived its connection. */
  async subscribe(topic: string): Promise<void> {
    // What the connection held is given back when it ends; nobody would give back what comes after that.
    if (!this.#connection.isOpen) return
    const channel = this.#parts.channelOf(topic)
    this.#connection.channels ??= new Set()
    this.#connection.channels.add(channel)
    await this.#parts.hub.join(channel, this.#connection)
  }

  unsubscribe(topic: string): void {
    const channel = this.#parts.channelOf(topic)
    if (this.#connection.channels?.delete(channel)) this.#parts.hub.leave(channel, this.#connection)
  }

  /** Sends everything after `since` again, and goes on from there. */
  resume(since: number): void {
    if (this.#connection.cursor.restart(since)) this.#parts.catchUp(this.#connection)
  }

  /** The client has shown everything up to this number. What was never sent to it cannot have been shown. */
  acknowledged(seq: number): void {
    const { cursor, user } = this.#connection
    if (seq >= cursor.next) return
    const bornAtMs = this.#connection.noteShown(seq)
    this.#parts.metrics.shown(bornAtMs === null ? null : this.#parts.clock.nowMs() - bornAtMs)
    this.#parts.onShown(user.userId, seq)
  }

  /** The connection lives on with a newer token of the same user. */
  renew(user: TokenUser): void {
    // The same end is not announced again: a client that has no newer token would renew with the old one in a circle.
    if (user.expiresAtMs > this.#connection.user.expiresAtMs) this.#connection.isWarned = false
    this.#connection.user = user
  }
}
