import { StatementTimeout } from '../../db/errors.ts'
import type { Pool } from '../../db/pools.ts'
import { withConnection } from '../../db/transaction.ts'
import { within } from '../base/within.ts'
import { type KeyRecord, readRecords } from './store.ts'

interface Question {
  readonly key: Buffer
  readonly resolve: (found: KeyRecord | undefined) => void
  readonly reject: (error: unknown) => void
}

/** Keys in one statement. Above some dozens a longer list saves nothing more. */
const MAX_KEYS = 64
/** Some hundred times what a read takes; whoever waits longer, for others too, asks with its INSERT. */
const READ_TIMEOUT_MS = 1_500
/** A second one may be asked while the first is answered; more would only make the lists shorter. */
const MAX_READS = 2

/**
 * Reads records for many requests together, as the group commit writes for many: those that ask at the same moment, or while
 * others are being answered, share one statement. So a replay under load costs a fraction of a round trip.
 */
export class RecordReader {
  readonly #pool: Pool
  readonly #waiting = new Set<Question>()
  #reads = 0
  #scheduled = false

  constructor(pool: Pool) {
    this.#pool = pool
  }

  /**
   * What stands under the key, committed at some moment after this call; undefined where nothing does. Waits for no other
   * transaction. Throws what the database throws, and a StatementTimeout after a second and a half, however many others ask.
   */
  async read(key: Buffer): Promise<KeyRecord | undefined> {
    const { promise, resolve, reject } = Promise.withResolvers<KeyRecord | undefined>()
    const question = { key, resolve, reject }
    this.#waiting.add(question)
    this.#schedule()
    const found = await within(READ_TIMEOUT_MS, promise)
    if (found !== 'late') return found
    this.#waiting.delete(question)
    throw new StatementTimeout('read keys', READ_TIMEOUT_MS)
  }

  /** At the end of this turn of the event loop, when all that came with it have asked. */
  #schedule(): void {
    if (this.#scheduled || this.#waiting.size === 0 || this.#reads >= MAX_READS) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      while (this.#waiting.size > 0 && this.#reads < MAX_READS) void this.#answer()
    })
  }

  #takeOldest(): Question[] {
    const questions: Question[] = []
    for (const question of this.#waiting) {
      if (questions.length === MAX_KEYS) break
      questions.push(question)
      this.#waiting.delete(question)
    }
    return questions
  }

  /** Never rejects: whoever asked is told. */
  async #answer(): Promise<void> {
    const questions = this.#takeOldest()
    this.#reads += 1
    try {
      const keys = questions.map(({ key }) => key)
      const records = await withConnection(this.#pool, 'read keys', READ_TIMEOUT_MS, (connection) =>
        readRecords(connection, keys),
      )
      for (const { key, resolve } of questions) resolve(records.get(key.toString('latin1')))
    } catch (error) {
      for (const { reject } of questions) reject(error)
    } finally {
      this.#reads -= 1
      this.#schedule()
    }
  }
}
