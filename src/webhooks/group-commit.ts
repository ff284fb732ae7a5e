import type { Pool } from '../../db/pools.ts'
import { INGEST_CONNECTIONS } from '../../db/pools.ts'
import type { Id } from '../base/ids.ts'
import { type BatchOutcome, commitBatch, RowRefused, StoreUnavailable, type Verdict } from './commit-batch.ts'
import type { NewEvent } from './event.ts'

export interface GroupCommitOptions {
  readonly pool: Pool
  /** Hears the ids of events that this batch stored and that have work to do, after the commit. Must not throw. */
  readonly onStored: (ids: readonly Id[]) => void
  /** Hears of every batch: its size, and how long its statement took, in milliseconds. */
  readonly onBatch?: (size: number, durationMs: number) => void
  /** From store() to an answer, waiting included. Default 1,500 ms. */
  readonly deadlineMs?: number
}

const MAX_BATCH_ROWS = 128
/** Well under MariaDB's default max_allowed_packet of 16 MiB; one body is at most 1 MiB. */
const MAX_BATCH_BYTES = 4 * 1024 * 1024
/** Beyond these the answer is 503 at once: a queue that cannot be emptied within the deadline only burns memory. */
const MAX_QUEUED_ROWS = 20_000
const MAX_QUEUED_BYTES = 64 * 1024 * 1024
/** Two seconds are promised to a gateway; half a second is left for the way there and back on a busy machine. */
const DEFAULT_DEADLINE_MS = 1_500
/**
 * A batch has as long as its oldest row. In an overload the head of the queue is always about to expire, so whoever has
 * less than this part of the deadline left (225 ms) is given up, and does not take the younger ones of its batch along.
 */
const LEAST_PART_LEFT = 0.15

interface Waiting {
  readonly event: NewEvent
  readonly deadlineMs: number
  readonly resolve: (verdict: Verdict) => void
  readonly reject: (error: Error) => void
}

/**
 * Shares one multi-row insert among the requests that wait at the same moment. While every writer is busy the next batch
 * grows by itself, so load makes batches larger and nobody waits for a timer when there is none.
 */
export class GroupCommit {
  readonly #options: GroupCommitOptions
  readonly #deadlineMs: number
  #queue: Waiting[] = []
  #queuedBytes = 0
  #writing = 0
  #scheduled = false

  constructor(options: GroupCommitOptions) {
    this.#options = options
    this.#deadlineMs = options.deadlineMs ?? DEFAULT_DEADLINE_MS
  }

  /**
   * Makes the event durable and says what it was. Rejects with StoreUnavailable (answer 503; it may be stored or not) or
   * RowRefused (a defect; answer 500). Never resolves before the commit.
   */
  store(event: NewEvent): Promise<Verdict> {
    if (this.#queue.length >= MAX_QUEUED_ROWS || this.#queuedBytes >= MAX_QUEUED_BYTES) {
      return Promise.reject(new StoreUnavailable('too many deliveries are waiting for the database'))
    }
    return new Promise((resolve, reject) => {
      this.#queue.push({ event, deadlineMs: performance.now() + this.#deadlineMs, resolve, reject })
      this.#queuedBytes += event.body.length
      this.#schedule()
    })
  }

  /** How many deliveries wait for a writer. */
  get waiting(): number {
    return this.#queue.length
  }

  /** Requests that were parsed in the same turn of the event loop go into the same batch. */
  #schedule(): void {
    if (this.#scheduled || this.#writing >= INGEST_CONNECTIONS) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#startWriters()
    })
  }

  #startWriters(): void {
    this.#expire()
    while (this.#writing < INGEST_CONNECTIONS && this.#queue.length > 0) {
      this.#writing += 1
      void this.#write(this.#takeBatch()).finally(() => {
        this.#writing -= 1
        if (this.#queue.length > 0) this.#schedule()
      })
    }
  }

  #takeBatch(): Waiting[] {
    let bytes = 0
    let count = 0
    for (const { event } of this.#queue) {
      bytes += event.body.length
      if (count > 0 && (bytes > MAX_BATCH_BYTES || count >= MAX_BATCH_ROWS)) break
      count += 1
    }
    const batch = this.#queue.splice(0, count)
    for (const { event } of batch) this.#queuedBytes -= event.body.length
    return batch
  }

  async #write(batch: Waiting[]): Promise<void> {
    const startedMs = performance.now()
    const deadlineMs = batch[0]?.deadlineMs ?? startedMs
    const outcomes = await commitBatch(
      this.#options.pool,
      batch.map(({ event }) => event),
      deadlineMs,
    )
    this.#options.onBatch?.(batch.length, performance.now() - startedMs)
    this.#settle(batch, outcomes)
  }

  #settle(batch: Waiting[], outcomes: readonly BatchOutcome[]): void {
    const toRing: Id[] = []
    for (const [index, waiting] of batch.entries()) {
      const outcome = outcomes[index] ?? new StoreUnavailable('no outcome')
      if (outcome instanceof StoreUnavailable || outcome instanceof RowRefused) {
        waiting.reject(outcome)
        continue
      }
      if (outcome.kind === 'stored' && waiting.event.state === 'received') toRing.push(outcome.id)
      waiting.resolve(outcome)
    }
    if (toRing.length > 0) this.#options.onStored(toRing)
  }

  /**
   * Rejects those for whom it is too late. The queue is in the order of deadlines, so nobody is forgotten behind a stuck
   * database: every batch in the writers' hands ends at a deadline that is no later than that of anyone who waits.
   */
  #expire(): void {
    const limitMs = performance.now() + this.#deadlineMs * LEAST_PART_LEFT
    const alive = this.#queue.findIndex(({ deadlineMs }) => deadlineMs > limitMs)
    const expired = this.#queue.splice(0, alive === -1 ? this.#queue.length : alive)
    for (const { event, reject } of expired) {
      this.#queuedBytes -= event.body.length
      reject(new StoreUnavailable('the database did not commit in time'))
    }
  }
}
