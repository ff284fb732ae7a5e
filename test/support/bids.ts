import type { Pool } from '../../db/pools.ts'
import type { RowDataPacket } from '../../db/rows.ts'
import type { Id } from '../../src/base/ids.ts'
import { acceptBidIn, type BidAccepted } from '../../src/matching/bids/accept-bid.ts'
import type { Bid } from '../../src/matching/bids/bid.ts'
import { type BidPlaced, placeBidIn } from '../../src/matching/bids/place.ts'
import { type BidWithdrawn, withdrawBidIn } from '../../src/matching/bids/withdraw.ts'
import { startDispatchIn } from '../../src/matching/dispatch/dispatch-store.ts'
import { DEFAULT_RULES } from '../../src/matching/dispatch/settings.ts'
import type { Trip, TripOrder } from '../../src/matching/trips/trip.ts'
import { createdTrip, inTx, type OfferSpec, offer } from './trips.ts'

/** A trip for which drivers bid. */
export async function biddingTrip(pool: Pool, more: Partial<TripOrder> = {}): Promise<Trip> {
  const trip = await createdTrip(pool, { policy: 'bidding', ...more })
  await inTx(pool, (connection) => startDispatchIn(connection, trip, DEFAULT_RULES))
  return trip
}

export function place(pool: Pool, tripId: string, driverId: string, amount = 10_000n): Promise<BidPlaced> {
  const fare = { amountMinor: amount, currency: 'EGP' }
  return inTx(pool, (connection) => placeBidIn(connection, { tripId, driverId, fare }))
}

export function withdraw(pool: Pool, tripId: string, driverId: string): Promise<BidWithdrawn> {
  return inTx(pool, (connection) => withdrawBidIn(connection, tripId, driverId))
}

export function choose(pool: Pool, tripId: string, bidId: Id): Promise<BidAccepted> {
  return inTx(pool, (connection) => acceptBidIn(connection, { tripId, customerId: 'customer-1', bidId }))
}

/** A driver who was asked, and has bid. */
export async function bidOf(pool: Pool, tripId: string, driverId: string, amount = 10_000n): Promise<Bid> {
  await offer(pool, tripId, driverId)
  const placed = await place(pool, tripId, driverId, amount)
  if (placed.kind !== 'placed') throw new Error(`the bid is ${placed.kind}`)
  return placed.bid
}

/** A driver who was asked by an offer like this. */
export function asked(pool: Pool, tripId: string, driverId: string, spec: OfferSpec = {}): Promise<Id> {
  return offer(pool, tripId, driverId, spec)
}

/** What became of a trip's bids, the oldest first: `driver amount state`. */
export async function bidsOf(pool: Pool, tripId: string): Promise<string[]> {
  const [rows] = await pool.query<RowDataPacket[]>(
    'SELECT driver_id, amount_minor, state FROM trip_bids WHERE trip_id = ? ORDER BY id',
    [tripId],
  )
  return rows.map((row) => `${row.driver_id} ${row.amount_minor} ${row.state}`)
}

/** Laravel's rows of a trip's bids, by their amounts. */
export async function laravelBidsOf(pool: Pool, tripId: string): Promise<string[]> {
  const [rows] = await pool.query<RowDataPacket[]>(
    'SELECT driver_id, customer_id, bid_fare, is_ignored FROM fare_biddings WHERE trip_request_id = ? ORDER BY bid_fare',
    [tripId],
  )
  return rows.map((row) => `${row.driver_id} ${row.customer_id} ${row.bid_fare} ${row.is_ignored}`)
}

/** Lets the deadlines of a trip's offers and bids pass. */
export async function expireAll(pool: Pool, tripId: string): Promise<void> {
  for (const table of ['trip_offers', 'trip_bids'])
    await pool.query(
      `UPDATE ${table} SET expires_at = UTC_TIMESTAMP(3) - INTERVAL 1 SECOND WHERE trip_id = ?`,
      [tripId],
    )
}

/** A driver who works. */
export async function onDuty(pool: Pool, driverId: string): Promise<void> {
  await pool.query(
    "INSERT INTO driver_details (user_id, is_online, availability_status) VALUES (?, '1', 'available')",
    [driverId],
  )
}

export async function availabilityOf(pool: Pool, driverId: string): Promise<string> {
  const [rows] = await pool.query<RowDataPacket[]>(
    'SELECT availability_status FROM driver_details WHERE user_id = ?',
    [driverId],
  )
  return rows[0]?.availability_status
}
