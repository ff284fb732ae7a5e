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

  /** Resolves when every event is processed, which writes the last callbacks, and none of these is open. */
  async untilFinished(timeoutSeconds: number): Promise<void> {
    await this.#until(
      timeoutSeconds,
      `webhook_events WHERE state <> 'processed'`,
      'events were not processed',
    )
    await this.#until(timeoutSeconds, OPEN)
  }

  /** Resolves when none is open of those that are there now, while others come. */
  async untilCaughtUp(timeoutSeconds: number): Promise<void> {
    const [rows] = await this.#pool.query('SELECT MAX(seq) AS last FROM outbox')
    const last = Number((rows as unknown as { last: string }[])[0]?.last)
    await this.#until(timeoutSeconds, `${OPEN} AND seq <= ${last}`)
  }

  async #until(timeoutSeconds: number, from: string, what = 'callbacks were not delivered'): Promise<void> {
    const endMs = performance.now() + timeoutSeconds * 1_000
    for (let open = await countRows(this.#pool, from); open > 0; open = await countRows(this.#pool, from)) {
      if (performance.now() > endMs) throw new WrongResult(`${open} ${what} in time`)
      await pause(LOOK_MS)
    }
  }

  /** `late`: events that came to be processed after a later one of their payment; they change nothing, and nobody is told. */
  async totals(): Promise<{ events: number; late: number; written: number; done: number }> {
    return {
      events: await countRows(this.#pool, 'webhook_events'),
      late: await countRows(this.#pool, `webhook_events WHERE outcome = 'no_effect'`),
      written: await countRows(this.#pool, 'outbox'),
      done: await countRows(this.#pool, `outbox WHERE state = 'done'`),
    }
  }
}
