import type { Reading } from '../../../db/moment.ts'
import type { Pool } from '../../../db/pools.ts'
import { inTransaction } from '../../../db/transaction.ts'
import { UNKNOWN_ACCEPTANCE } from '../dispatch/policies/cost.ts'
import type { OfferState } from './offer-store.ts'

/** What became of an offer. */
export interface OfferAnswer {
  readonly driverId: string
  readonly state: Exclude<OfferState, 'offered'>
  /** Of an accepted one: since the trip was ordered. */
  readonly afterMs?: number
}

/** What is the driver's own doing: he took it, did not want it, or let it pass. */
const HIS_OWN: readonly OfferState[] = ['accepted', 'rejected', 'expired']

/** What counts of a driver beside his position. */
export interface Standing {
  /** From 0 to 1. */
  readonly acceptanceRate: number
  readonly idleSeconds: number | null
}

/** Of who has answered nothing yet. */
export const PRIOR = UNKNOWN_ACCEPTANCE
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
    const counting = answers.filter(({ state }) => HIS_OWN.includes(state))
    if (this.#waiting.length + counting.length <= MAX_WAITING) this.#waiting.push(...counting)
  }

  /** Writes what was noted. What cannot be written is forgotten. Uses the primary key. */
  async flush(): Promise<void> {
    const answers = this.#waiting.toSorted((a, b) => (a.driverId < b.driverId ? -1 : 1))
    this.#waiting = []
    for (let start = 0; start < answers.length; start += ROWS_A_STATEMENT) {
      const rows = answers
        .slice(start, start + ROWS_A_STATEMENT)
        .map(({ driverId, state }) => [driverId, PRIOR + ((state === 'accepted' ? 1 : 0) - PRIOR) * SHARE])
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
