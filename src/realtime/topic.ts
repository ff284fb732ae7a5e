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

/** One channel's sockets in this process, and what came for them in this turn of the event loop. */
export class Topic {
  /** Nearly always one: a rider has one phone. */
  #only: Connection | null = null
  #several: Set<Connection> | null = null
  #numbered: Numbered[] = []
  #others: Outgoing[] = []
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
      this.#numbered.push({ seq, bornAtMs, message: { kind: 'kept', frame } })
    } else if (envelope.type === 'latest') {
      this.#latest ??= new Map()
      this.#latest.set(envelope.key, { kind: 'latest', frame, key: envelope.key })
    } else if (envelope.type === 'offer') {
      this.#others.push({ kind: 'offer', frame, expiresAtMs: envelope.expiresAtMs })
    } else this.#others.push({ kind: 'ephemeral', frame })
  }

  /** Everything that is held, the positions last and only if asked for. */
  release(withLatest: boolean): Pending {
    const pending = { numbered: this.#numbered, others: this.#others }
    if (this.#numbered.length > 0) this.#numbered = []
    if (this.#others.length > 0) this.#others = []
    if (!withLatest || this.#latest === null) return pending
    const latest = this.#latest
    this.#latest = null
    return { ...pending, others: [...pending.others, ...latest.values()] }
  }
}
