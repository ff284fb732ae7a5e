import type { Reading } from '../../../db/moment.ts'
import type { Pool } from '../../../db/pools.ts'
import { inTransaction } from '../../../db/transaction.ts'

/** A driver took an offer, or did not: he rejected it or let it pass. */
export interface OfferAnswer {
  readonly driverId: string
  readonly accepted: boolean
}

/** What counts of a driver beside his position. */
export interface Standing {
  /** From 0 to 1. */
  readonly acceptanceRate: number
  readonly idleSeconds: number | null
}

/** Of who has answered nothing yet. */
export const PRIOR = 0.8
/** How much the last answer counts: after twenty the ones before are a tenth. */
const SHARE = 0.1
const ROWS_A_STATEMENT = 500
/** A database that is away for long must not fill the memory; what is lost are answers of a moment. */
const MAX_WAITING = 20_000

/**
 * Counts how drivers answer, some time after they did. Not in the transaction of the answer: it must be as short as can be, and an answer
 * more or less changes nothing.
 */
export class Standings {
  readonly #pool: Pool
  #waiting: OfferAnswer[] = []

  constructor(pool: Pool) {
    this.#pool = pool
  }

  note(answers: readonly OfferAnswer[]): void {
    if (this.#waiting.length + answers.length <= MAX_WAITING) this.#waiting.push(...answers)
  }

  /** Writes what was noted. What cannot be written is forgotten. Uses the primary key. */
  async flush(): Promise<void> {
    const answers = this.#waiting.toSorted((a, b) => (a.driverId < b.driverId ? -1 : 1))
    this.#waiting = []
    for (let start = 0; start < answers.length; start += ROWS_A_STATEMENT) {
      const rows = answers
        .slice(start, start + ROWS_A_STATEMENT)
        .map(({ driverId, accepted }) => [driverId, PRIOR + ((accepted ? 1 : 0) - PRIOR) * SHARE])
      await inTransaction(this.#pool, 'count answers', (connection) =>
        connection.query(
          `INSERT INTO driver_standings (driver_id, acceptance) VALUES ?
           ON DUPLICATE KEY UPDATE acceptance = acceptance + (IF(VALUES(acceptance) > ?, 1, 0) - acceptance) * ?`,
          [rows, PRIOR, SHARE],
        ),
      )
    }
  }
}

/** The standing of these drivers; who has none is absent. Uses the primary key. */
export function standingsOf(driverIds: readonly string[]): Reading<Map<string, Standing>> {
  return {
    sql: `SELECT driver_id, acceptance, TIMESTAMPDIFF(MICROSECOND, idle_since, UTC_TIMESTAMP(3)) / 1000000 AS idle
      FROM driver_standings WHERE driver_id IN (?)`,
    values: [driverIds],
    resultOf: (rows) =>
      new Map(
        rows.map((row) => [
          row.driver_id,
          {
            acceptanceRate: Math.min(Math.max(Number(row.acceptance), 0), 1),
            idleSeconds: row.idle === null ? null : Math.max(Math.round(Number(row.idle)), 0),
          },
        ]),
      ),
  }
}
