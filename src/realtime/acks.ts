import type { Pool } from '../../db/pools.ts'
import { inTransaction } from '../../db/transaction.ts'
import type { Log } from '../base/log.ts'
import { Loop } from '../base/loop.ts'
import { within } from '../base/within.ts'
import { raiseAcks } from '../feed/acks.ts'

export interface AcksOptions {
  readonly pool: Pool
  readonly log: Log
  readonly intervalMs?: number
  /** Users a transaction. */
  readonly batch?: number
}

/** A client acknowledges what it shows; a reinstalled one that asks a second later misses a second's worth, and shows it twice. */
const INTERVAL_MS = 1_000
const BATCH = 500
const WRITE_TIMEOUT_MS = 5_000

/**
 * Collects how far users' clients have acknowledged their feeds, and writes it once a second. What is lost with a process is
 * said again by the next acknowledgement.
 */
export class Acks {
  readonly #pool: Pool
  readonly #batch: number
  readonly #loop: Loop
  readonly #noted = new Map<string, number>()

  constructor({ pool, log, intervalMs = INTERVAL_MS, batch = BATCH }: AcksOptions) {
    this.#pool = pool
    this.#batch = batch
    this.#loop = new Loop({
      turn: async () => (await this.runOnce()) === batch,
      intervalMs,
      onError: (err) => log.warn({ err }, 'acknowledgements were not written; the next turn tries again'),
    })
  }

  /** Users with something to be written. */
  get waiting(): number {
    return this.#noted.size
  }

  /** A client of this user has shown all up to `seq`. The highest one counts. Costs no more than a place in a map. */
  note(userId: string, seq: number): void {
    if (seq > (this.#noted.get(userId) ?? 0)) this.#noted.set(userId, seq)
  }

  start(): void {
    this.#loop.start()
  }

  /** Writes what is left and ends, within `timeoutMs`. Never throws. */
  async stop(timeoutMs: number): Promise<void> {
    const endMs = performance.now() + timeoutMs
    await this.#loop.stop(timeoutMs)
    const rest = this.#writeAll().catch(() => undefined)
    await within(endMs - performance.now(), rest)
  }

  /** One batch in one transaction; returns how many users it had. Where it fails they wait for the next turn. */
  async runOnce(): Promise<number> {
    const acks = new Map([...this.#noted].slice(0, this.#batch))
    if (acks.size === 0) return 0
    for (const userId of acks.keys()) this.#noted.delete(userId)
    try {
      await inTransaction(this.#pool, 'note acks', (connection) => raiseAcks(connection, acks), {
        timeoutMs: WRITE_TIMEOUT_MS,
      })
    } catch (error) {
      for (const [userId, seq] of acks) this.note(userId, seq)
      throw error
    }
    return acks.size
  }

  async #writeAll(): Promise<void> {
    while ((await this.runOnce()) > 0);
  }
}
