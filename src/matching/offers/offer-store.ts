import type { Pool, PoolConnection } from '../../../db/pools.ts'
import type { RowDataPacket } from '../../../db/rows.ts'
import type { Id } from '../../base/ids.ts'
import type { DispatchPolicy } from '../trips/trip.ts'

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
  /** To the pickup, when it was made; null where it was not said. */
  readonly distanceMeters: number | null
  readonly etaSeconds: number | null
  /** On the database's clock, when it was read. */
  readonly isOverdue: boolean
  readonly createdAt: Date
  readonly decidedAt: Date | null
}

const OFFER_COLUMNS = `id, trip_id, driver_id, state, expires_at, expires_at <= UTC_TIMESTAMP(3) AS overdue, created_at,
  decided_at, distance_meters, eta_seconds`

/** An offer, and how a driver is looked for now; null where nobody looks. */
export interface AskedOffer extends Offer {
  readonly policy: DispatchPolicy | null
}

/** Reads an offer without a lock. Uses the primary keys of both tables. */
export async function readOffer(connection: Queryable, id: Id): Promise<AskedOffer | null> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT ${OFFER_COLUMNS}, (SELECT policy FROM trip_dispatches AS d WHERE d.trip_id = trip_offers.trip_id) AS policy
     FROM trip_offers WHERE id = ?`,
    [id],
  )
  return rows[0] ? { ...toOffer(rows[0]), policy: rows[0].policy } : null
}

/**
 * What a driver was asked last for a trip, without a lock; null where he was not. Uses offers_by_trip, since a trip has some dozens and a
 * driver thousands.
 */
export async function readLastOffer(
  connection: Queryable,
  tripId: string,
  driverId: string,
): Promise<AskedOffer | null> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT ${OFFER_COLUMNS},
       (SELECT policy FROM trip_dispatches AS d WHERE d.trip_id = trip_offers.trip_id) AS policy
     FROM trip_offers FORCE INDEX (offers_by_trip) WHERE trip_id = ? AND driver_id = ? ORDER BY id DESC LIMIT 1`,
    [tripId, driverId],
  )
  return rows[0] ? { ...toOffer(rows[0]), policy: rows[0].policy } : null
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
     UNION SELECT id FROM trip_offers FORCE INDEX (offers_by_driver) WHERE driver_id = ? AND state = 'offered' LIMIT ${LIVE_LIMIT}`,
    [tripId, driverId],
  )
  return lockOffers(
    connection,
    found.map(({ id }) => id),
  )
}

/** Locks those of these offers that are live, in the order of their ids. Uses the primary key. */
export async function lockOffers(connection: PoolConnection, ids: readonly Id[]): Promise<Offer[]> {
  if (ids.length === 0) return []
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT ${OFFER_COLUMNS} FROM trip_offers FORCE INDEX (PRIMARY) WHERE id IN (?) AND state = 'offered'
     ORDER BY id FOR UPDATE`,
    [ids],
  )
  return rows.map(toOffer)
}

/** Has this deadline passed by now, on the database's clock? What was read while waiting for a lock may be over since. */
export async function hasPassed(connection: PoolConnection, deadline: Date): Promise<boolean> {
  const [[row]] = await connection.query<RowDataPacket[]>('SELECT ? <= UTC_TIMESTAMP(3) AS passed', [
    deadline,
  ])
  return Number(row?.passed) === 1
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
    distanceMeters: row.distance_meters,
    etaSeconds: row.eta_seconds,
    isOverdue: Number(row.overdue) === 1,
    createdAt: row.created_at,
    decidedAt: row.decided_at,
  }
}
