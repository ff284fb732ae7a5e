import type { Pool, PoolConnection } from '../../../db/pools.ts'
import type { RowDataPacket } from '../../../db/rows.ts'
import type { Id } from '../../base/ids.ts'

type Queryable = Pick<PoolConnection | Pool, 'query'>

/**
 * offered: may be accepted until its deadline. accepted: it was. rejected: by the driver. expired: somebody saw the deadline
 * pass. lost: another driver has the trip. withdrawn: the driver took another trip, or the trip is no longer to be had.
 *
 *     offered ──▶ accepted, rejected, expired, lost, withdrawn
 */
export const OFFER_STATES = ['offered', 'accepted', 'rejected', 'expired', 'lost', 'withdrawn'] as const
export type OfferState = (typeof OFFER_STATES)[number]

export interface Offer {
  readonly id: Id
  readonly tripId: string
  readonly driverId: string
  readonly state: OfferState
  readonly expiresAt: Date
  /** On the database's clock, when it was read. */
  readonly isOverdue: boolean
  readonly createdAt: Date
  readonly decidedAt: Date | null
}

const OFFER_COLUMNS = `id, trip_id, driver_id, state, expires_at, expires_at <= UTC_TIMESTAMP(3) AS overdue, created_at,
  decided_at`

/** Reads an offer without a lock. Uses the primary key. */
export async function readOffer(connection: Queryable, id: Id): Promise<Offer | null> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT ${OFFER_COLUMNS} FROM trip_offers WHERE id = ?`,
    [id],
  )
  return rows[0] ? toOffer(rows[0]) : null
}

/** A trip's offers, oldest first. Uses offers_by_trip. */
export async function readOffersOf(connection: Queryable, tripId: string, limit: number): Promise<Offer[]> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT ${OFFER_COLUMNS} FROM trip_offers WHERE trip_id = ? ORDER BY id LIMIT ?`,
    [tripId, limit],
  )
  return rows.map(toOffer)
}

/** More live offers than a trip and a driver have together. */
const LIVE_LIMIT = 2_000

/**
 * Locks the live offers of a trip and of a driver, in the order of their ids, so that no two transactions wait for each
 * other: they are looked for without a lock first. Null leaves either out. Uses offers_by_trip, offers_by_driver and the
 * primary key.
 */
export async function lockLiveOffers(
  connection: PoolConnection,
  tripId: string | null,
  driverId: string | null,
): Promise<Offer[]> {
  const [found] = await connection.query<RowDataPacket[]>(
    `SELECT id FROM trip_offers WHERE trip_id = ? AND state = 'offered'
     UNION SELECT id FROM trip_offers WHERE driver_id = ? AND state = 'offered' LIMIT ${LIVE_LIMIT}`,
    [tripId, driverId],
  )
  if (found.length === 0) return []
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT ${OFFER_COLUMNS} FROM trip_offers FORCE INDEX (PRIMARY) WHERE id IN (?) AND state = 'offered'
     ORDER BY id FOR UPDATE`,
    [found.map(({ id }) => id)],
  )
  return rows.map(toOffer)
}

/** Ends offers that the caller has locked. Uses the primary key. */
export async function endOffers(
  connection: PoolConnection,
  ids: readonly Id[],
  state: Exclude<OfferState, 'offered'>,
): Promise<void> {
  if (ids.length === 0) return
  await connection.query(
    `UPDATE trip_offers SET state = ?, live_slot = NULL, decided_at = UTC_TIMESTAMP(3)
     WHERE id IN (?) AND state = 'offered'`,
    [state, ids],
  )
}

function toOffer(row: RowDataPacket): Offer {
  return {
    id: row.id,
    tripId: row.trip_id,
    driverId: row.driver_id,
    state: row.state,
    expiresAt: row.expires_at,
    isOverdue: Number(row.overdue) === 1,
    createdAt: row.created_at,
    decidedAt: row.decided_at,
  }
}
