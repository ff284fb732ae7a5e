import type { Reading } from '../../../db/moment.ts'
import type { Pool, PoolConnection } from '../../../db/pools.ts'
import type { RowDataPacket } from '../../../db/rows.ts'
import type { Id } from '../../base/ids.ts'
import type { Bid, BidState } from './bid.ts'

type Queryable = Pick<PoolConnection | Pool, 'query'>

export const BID_COLUMNS = `id, trip_id, customer_id, driver_id, offer_id, amount_minor, currency, distance_meters, eta_seconds, state,
  expires_at, expires_at <= UTC_TIMESTAMP(3) AS overdue, created_at`

/** Reads a bid without a lock. Uses the primary key. */
export async function readBid(connection: Queryable, id: Id): Promise<Bid | null> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT ${BID_COLUMNS} FROM trip_bids WHERE id = ?`,
    [id],
  )
  return rows[0] ? toBid(rows[0]) : null
}

/** A trip's bids, the oldest first. Uses bids_by_trip. */
export async function readBidsOf(connection: Queryable, tripId: string, limit: number): Promise<Bid[]> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT ${BID_COLUMNS} FROM trip_bids FORCE INDEX (bids_by_trip) WHERE trip_id = ? ORDER BY id LIMIT ?`,
    [tripId, limit],
  )
  return rows.map(toBid)
}

/** What a driver bid last for a trip, live or not; null where he never did. Uses bids_by_trip: a trip has some dozens. */
export async function readLastBid(
  connection: Queryable,
  tripId: string,
  driverId: string,
): Promise<Bid | null> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT ${BID_COLUMNS} FROM trip_bids FORCE INDEX (bids_by_trip) WHERE trip_id = ? AND driver_id = ?
     ORDER BY id DESC LIMIT 1`,
    [tripId, driverId],
  )
  return rows[0] ? toBid(rows[0]) : null
}

/** Those of the drivers whom a live bid reserves. Uses one_live_bid_per_driver. */
export async function liveBiddersAmong(
  connection: Queryable,
  driverIds: readonly string[],
): Promise<Set<string>> {
  if (driverIds.length === 0) return new Set()
  const { sql, values, resultOf } = biddersReading(driverIds)
  const [rows] = await connection.query<RowDataPacket[]>(sql, [...values])
  return resultOf(rows)
}

/** The same, for a reading of one moment. */
export function biddersReading(driverIds: readonly string[]): Reading<Set<string>> {
  return {
    sql: 'SELECT live_driver FROM trip_bids WHERE live_driver IN (?) AND expires_at > UTC_TIMESTAMP(3)',
    values: [driverIds],
    resultOf: (rows) => new Set(rows.map((row) => row.live_driver)),
  }
}

/** More live bids than a trip and a driver have together. */
const LIVE_LIMIT = 2_000

/**
 * Locks the live bids of a trip and of a driver, in the order of their ids, after their offers. Null leaves either out. Uses bids_by_trip,
 * one_live_bid_per_driver and the primary key.
 */
export async function lockLiveBids(
  connection: PoolConnection,
  tripId: string | null,
  driverId: string | null,
): Promise<Bid[]> {
  const [found] = await connection.query<RowDataPacket[]>(
    `SELECT id FROM trip_bids WHERE trip_id = ? AND state = 'live'
     UNION SELECT id FROM trip_bids WHERE live_driver = ? LIMIT ${LIVE_LIMIT}`,
    [tripId, driverId],
  )
  return lockBids(connection, found)
}

/** Locks the live bids that were made by these offers, in the order of their ids. Uses bids_by_offer and the primary key. */
export async function lockBidsByOffers(connection: PoolConnection, offerIds: readonly Id[]): Promise<Bid[]> {
  if (offerIds.length === 0) return []
  const [found] = await connection.query<RowDataPacket[]>(
    `SELECT id FROM trip_bids WHERE offer_id IN (?) AND state = 'live'`,
    [offerIds],
  )
  return lockBids(connection, found)
}

async function lockBids(connection: PoolConnection, found: readonly RowDataPacket[]): Promise<Bid[]> {
  if (found.length === 0) return []
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT ${BID_COLUMNS} FROM trip_bids FORCE INDEX (PRIMARY) WHERE id IN (?) AND state = 'live'
     ORDER BY id FOR UPDATE`,
    [found.map(({ id }) => id)],
  )
  return rows.map(toBid)
}

/** A bid that is to be; it lives until its offer's deadline. */
export type NewBid = Omit<Bid, 'state' | 'isOverdue' | 'createdAt'>

/** Throws 1062 (one_live_bid_per_driver) where the driver has a live bid. */
export async function insertBid(connection: PoolConnection, bid: NewBid): Promise<void> {
  await connection.query(
    `INSERT INTO trip_bids (id, trip_id, customer_id, driver_id, offer_id, amount_minor, currency, distance_meters, eta_seconds,
       expires_at, state, created_at)
     VALUES (?, 'live', UTC_TIMESTAMP(3))`,
    [
      [
        ...[bid.id, bid.tripId, bid.customerId, bid.driverId, bid.offerId],
        ...[bid.fare.amountMinor, bid.fare.currency, bid.distanceMeters, bid.etaSeconds, bid.expiresAt],
      ],
    ],
  )
}

/** Ends bids that the caller has locked. Uses the primary key. */
export async function endBids(
  connection: PoolConnection,
  ids: readonly Id[],
  state: Exclude<BidState, 'live'>,
): Promise<void> {
  if (ids.length === 0) return
  await connection.query(
    `UPDATE trip_bids SET state = ?, decided_at = UTC_TIMESTAMP(3) WHERE id IN (?) AND state = 'live'`,
    [state, ids],
  )
}

export function toBid(row: RowDataPacket): Bid {
  return {
    id: row.id,
    tripId: row.trip_id,
    customerId: row.customer_id,
    driverId: row.driver_id,
    offerId: row.offer_id,
    fare: { amountMinor: BigInt(row.amount_minor), currency: row.currency },
    distanceMeters: row.distance_meters,
    etaSeconds: row.eta_seconds,
    state: row.state,
    expiresAt: row.expires_at,
    isOverdue: Number(row.overdue) === 1,
    createdAt: row.created_at,
  }
}
