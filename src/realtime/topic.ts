import type { Envelope } from '../feed/envelope.ts'
import type { Connection } from './connection.ts'
import { textFrame } from './frames.ts'
import type { Outgoing } from './send-queue.ts'

type Carried = Exclude<Envelope, { type: 'fence' }>

/** A message of the feed on its way. */
export interface Numbered {
  readonly seq: number
  /** When the fact that it tells of reached us, wall clock. */
  readonly bornAtMs: number
  readonly message: Outgoing
}

/** What came for a channel and is not written yet. */
export interface Pending {
  readonly numbered: readonly Numbered[]
  readonly others: readonly Outgoing[]
}

const NONE: readonly never[] = []

/** One channel's sockets in this process, and what came for them in this turn of the event loop. */
export class Topic {
  // Most topics are silent nearly always, and hold no list for it.
  /** Nearly always one: a rider has one phone. */
  #only: Connection | null = null
  #several: Set<Connection> | null = null
  #numbered: Numbered[] | null = null
  #others: Outgoing[] | null = null
  #latest: Map<string, Outgoing> | null = null

  get size(): number {
    return this.#several?.size ?? (this.#only === null ? 0 : 1)
  }

  /** Whether positions wait. */
  get hasLatest(): boolean {
    return this.#latest !== null
  }

  add(connection: Connection): void {
    if (this.#several !== null) this.#several.add(connection)
    else if (this.#only === null) this.#only = connection
    else if (this.#only !== connection) {
      this.#several = new Set([this.#only, connection])
      this.#only = null
    }
  }

  /** False: it was not there. */
  remove(connection: Connection): boolean {
    if (this.#several !== null) return this.#several.delete(connection)
    if (this.#only !== connection) return false
    this.#only = null
    return true
  }

  /** Each of them; whoever comes or goes meanwhile may be among them or not. */
  forEach(visit: (connection: Connection) => void): void {
    if (this.#only !== null) visit(this.#only)
    else this.#several?.forEach(visit)
  }

  /** Keeps a message until the turn's end; a position replaces the one before it. */
  hold(envelope: Carried): void {
    const frame = textFrame(envelope.frame)
    if (envelope.type === 'durable') {
      const { seq, bornAtMs } = envelope
      this.#numbered ??= []
      this.#numbered.push({ seq, bornAtMs, message: { kind: 'kept', frame } })
    } else if (envelope.type === 'latest') {
      this.#latest ??= new Map()
      this.#latest.set(envelope.key, { kind: 'latest', frame, key: envelope.key })
    } else {
      this.#others ??= []
      this.#others.push(
        envelope.type === 'offer'
          ? { kind: 'offer', frame, expiresAtMs: envelope.expiresAtMs }
          : { kind: 'ephemeral', frame },
      )
    }
  }

  /** Everything that is held, the positions last and only if asked for. */
  release(withLatest: boolean): Pending {
    const pending = { numbered: this.#numbered ?? NONE, others: this.#others ?? NONE }
    this.#numbered = null
    this.#others = null
    if (!withLatest || this.#latest === null) return pending
    const latest = this.#latest
    this.#latest = null
    return { ...pending, others: [...pending.others, ...latest.values()] }
  }
}
