import { setTimeout as pause } from 'node:timers/promises'
import type { Pool } from '../db/pools.ts'
import { countRows } from './data.ts'
import { WrongResult } from './report.ts'

const OPEN = `outbox WHERE topic = 'laravel' AND state IN ('pending', 'sending')`
/** A look at a long backlog costs the database some milliseconds, which are not the service's. */
const LOOK_MS = 500

/** The callbacks as the database sees them. */
export class Outbox {
  readonly #pool: Pool

  constructor(pool: Pool) {
    this.#pool = pool
  }

  unfinished(): Promise<number> {
    return countRows(this.#pool, OPEN)
  }

  /** Resolves when none is open. */
  untilFinished(timeoutSeconds: number): Promise<void> {
    return this.#until(timeoutSeconds, OPEN)
  }

  /** Resolves when none is open of those that are there now, while others come. */
  async untilCaughtUp(timeoutSeconds: number): Promise<void> {
    const [rows] = await this.#pool.query('SELECT MAX(seq) AS last FROM outbox')
    const last = Number((rows as unknown as { last: string }[])[0]?.last)
    await this.#until(timeoutSeconds, `${OPEN} AND seq <= ${last}`)
  }

  async #until(timeoutSeconds: number, from: string): Promise<void> {
    const endMs = performance.now() + timeoutSeconds * 1_000
    for (let open = await countRows(this.#pool, from); open > 0; open = await countRows(this.#pool, from)) {
      if (performance.now() > endMs) throw new WrongResult(`${open} callbacks were not delivered in time`)
      await pause(LOOK_MS)
    }
  }

  async totals(): Promise<{ events: number; written: number; done: number }> {
    return {
      events: await countRows(this.#pool, 'webhook_events'),
      written: await countRows(this.#pool, 'outbox'),
      done: await countRows(this.#pool, `outbox WHERE state = 'done'`),
    }
  }
}
