import type { Reading } from '../../../db/moment.ts'
import type { Bid } from './bid.ts'
import { BID_COLUMNS, toBid } from './bid-store.ts'

/** A trip is offered to some ten drivers, and a rider has a trip or two; an odd one must not fill his first message. */
const BIDS_A_USER = 50

/** Whose bids: a rider's are those for his trips, a driver's the one that he made. */
const SIDES = {
  customer: { column: 'customer_id', where: "customer_id IN (?) AND state = 'live'" },
  driver: { column: 'driver_id', where: 'live_driver IN (?)' },
} as const

/**
 * The live bids of each of these users, the oldest first; who has none is absent. Uses bids_by_customer or one_live_bid_per_driver.
 */
export function liveBids(side: keyof typeof SIDES, userIds: readonly string[]): Reading<Map<string, Bid[]>> {
  const { column, where } = SIDES[side]
  return {
    sql: `SELECT ${BID_COLUMNS} FROM trip_bids WHERE ${where} AND expires_at > UTC_TIMESTAMP(3) ORDER BY id LIMIT ?`,
    values: [userIds, userIds.length * BIDS_A_USER],
    resultOf: (rows) => {
      const bids = new Map<string, Bid[]>()
      for (const row of rows) {
        const his = bids.get(row[column])
        if (his === undefined) bids.set(row[column], [toBid(row)])
        else his.push(toBid(row))
      }
      return bids
    },
  }
}
