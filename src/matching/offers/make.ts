import type { Reading } from '../../../db/moment.ts'
import type { PoolConnection } from '../../../db/pools.ts'
import type { RowDataPacket } from '../../../db/rows.ts'
import type { Id } from '../../base/ids.ts'

/** A driver holds so many live offers at once; of an exclusive policy one. */
export const OFFER_SLOTS = 2

export interface NewOffer {
  readonly id: Id
  readonly tripId: string
  readonly driverId: string
  /** 1 or 2: which of the driver's slots it takes. */
  readonly slot: number
  /** On the database's clock. */
  readonly expiresAt: Date
  readonly distanceMeters: number
  readonly etaSeconds: number
}

/**
 * Makes offers in the caller's transaction, which holds the trip's lock. Throws 1062 (one_offer_a_slot) where a driver was given another
 * meanwhile; that statement alone is undone. In the order of the drivers, so that two trips' offers never wait for each other.
 */
export async function insertOffers(connection: PoolConnection, offers: readonly NewOffer[]): Promise<void> {
  const rows = offers
    .toSorted((a, b) => (a.driverId < b.driverId ? -1 : 1))
    .map(({ id, tripId, driverId, slot, expiresAt, distanceMeters, etaSeconds }) => [
      ...[id, tripId, driverId, 'offered', slot, expiresAt, distanceMeters, etaSeconds],
    ])
  await connection.query(
    `INSERT INTO trip_offers (id, trip_id, driver_id, state, live_slot, expires_at, distance_meters, eta_seconds, created_at)
     VALUES ${rows.map(() => '(?, UTC_TIMESTAMP(3))').join(', ')}`,
    rows,
  )
}

/** An offer that its driver may accept, or whose end nobody has written yet. */
export interface HeldOffer {
  readonly id: Id
  readonly driverId: string
  readonly tripId: string
  readonly slot: number | null
  readonly isOverdue: boolean
}

/** What these drivers hold. Without a lock. Uses offers_by_driver. */
export function offersHeldBy(driverIds: readonly string[]): Reading<HeldOffer[]> {
  return {
    sql: `SELECT id, driver_id, trip_id, live_slot, expires_at <= UTC_TIMESTAMP(3) AS overdue
      FROM trip_offers FORCE INDEX (offers_by_driver)
      WHERE driver_id IN (?) AND state = 'offered'`,
    values: [driverIds],
    resultOf: (rows) => rows.map(toHeld),
  }
}

/** The same, by itself. */
export async function readOffersHeldBy(
  connection: PoolConnection,
  driverIds: readonly string[],
): Promise<HeldOffer[]> {
  if (driverIds.length === 0) return []
  const { sql, values, resultOf } = offersHeldBy(driverIds)
  const [rows] = await connection.query<RowDataPacket[]>(sql, [...values])
  return resultOf(rows)
}

function toHeld(row: RowDataPacket): HeldOffer {
  return {
    id: row.id,
    driverId: row.driver_id,
    tripId: row.trip_id,
    slot: row.live_slot,
    isOverdue: Number(row.overdue) === 1,
  }
}
