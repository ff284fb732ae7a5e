import { isIncompleteRow } from '../../../db/errors.ts'
import type { PoolConnection } from '../../../db/pools.ts'
import { type Id, idToText } from '../../base/ids.ts'
import { minorToDecimal } from '../../base/money.ts'
import type { NewBid } from './bid-store.ts'

// fare_biddings may be Laravel's own, with its collations: no statement joins it with tables of ours.

/** The bid as Laravel's pages know it, under the same id. False where its table asks for more than we know: then it has none. */
export async function insertLaravelBid(connection: PoolConnection, bid: NewBid): Promise<boolean> {
  const fare = minorToDecimal(bid.fare.amountMinor, bid.fare.currency)
  try {
    await connection.query(
      `INSERT INTO fare_biddings (id, trip_request_id, driver_id, customer_id, bid_fare, is_ignored, created_at, updated_at)
       VALUES (?, 0, UTC_TIMESTAMP(), UTC_TIMESTAMP())`,
      [[idToText(bid.id), bid.tripId, bid.driverId, bid.customerId, fare]],
    )
    return true
  } catch (error) {
    if (isIncompleteRow(error)) return false
    throw error
  }
}

/** These bids are no longer to be chosen. Uses the primary key. */
export async function ignoreLaravelBids(connection: PoolConnection, ids: readonly Id[]): Promise<void> {
  if (ids.length === 0) return
  await connection.query(
    'UPDATE fare_biddings SET is_ignored = 1, updated_at = UTC_TIMESTAMP() WHERE id IN (?) AND is_ignored = 0',
    [ids.map(idToText)],
  )
}
