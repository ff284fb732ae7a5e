import { isIncompleteRow } from '../../../db/errors.ts'
import type { Reading } from '../../../db/moment.ts'
import type { Pool, PoolConnection } from '../../../db/pools.ts'
import type { ResultSetHeader, RowDataPacket } from '../../../db/rows.ts'
import { liveBiddersAmong } from '../bids/bid-store.ts'
import { ON_BIDDING } from './bidding-duty.ts'

// driver_details may be Laravel's own, with its collations: no statement joins it with tables of ours.

type Queryable = Pick<PoolConnection | Pool, 'query'>

/** What Laravel's table says of a driver, in Laravel's words. */
export interface DriverDuty {
  readonly isOnline: boolean
  /** available, unavailable, on_trip, on_bidding, or whatever else Laravel knows. */
  readonly availability: string
}

/**
 * The driver works: is_online, and available unless he is on a trip or a live bid reserves him. Begins his row where there is none and the table lets us; false
 * where Laravel has to store him first. The caller's transaction holds a lock of this driver's, so that one row is begun. Uses
 * driver_details_user_id.
 */
export async function setDriverOnline(connection: PoolConnection, driverId: string): Promise<boolean> {
  await lockDrivers(connection, [driverId])
  const isBusy = (await ridersAmong(connection, [driverId])).size > 0
  const isBidding = (await liveBiddersAmong(connection, [driverId])).size > 0
  const [result] = await connection.query<ResultSetHeader>(
    `UPDATE driver_details SET is_online = '1', updated_at = UTC_TIMESTAMP(),
       availability_status = IF(? OR availability_status = 'on_trip', 'on_trip', ?) WHERE user_id = ?`,
    [isBusy, isBidding ? ON_BIDDING : 'available', driverId],
  )
  return result.affectedRows > 0 || beginDriver(connection, driverId, isBusy)
}

async function beginDriver(connection: PoolConnection, driverId: string, isBusy: boolean): Promise<boolean> {
  try {
    await connection.query(
      `INSERT INTO driver_details (user_id, is_online, availability_status, created_at, updated_at)
       VALUES (?, '1', ?, UTC_TIMESTAMP(), UTC_TIMESTAMP())`,
      [driverId, isBusy ? 'on_trip' : 'available'],
    )
    return true
  } catch (error) {
    if (isIncompleteRow(error)) return false
    throw error
  }
}

/**
 * The drivers work no more: not is_online, and unavailable; of who is on a trip it stays known. Those without a row are passed by,
 * and who is offline already is left as he is; returns how many went. Uses driver_details_user_id.
 */
export async function setDriversOffline(
  connection: PoolConnection,
  driverIds: readonly string[],
): Promise<number> {
  if (driverIds.length === 0) return 0
  await lockDrivers(connection, driverIds)
  const riders = [...(await ridersAmong(connection, driverIds))]
  const [result] = await connection.query<ResultSetHeader>(
    `UPDATE driver_details SET updated_at = UTC_TIMESTAMP(), is_online = '0', availability_status =
       IF(user_id IN (?) OR availability_status = 'on_trip', 'on_trip', 'unavailable')
     WHERE user_id IN (?) AND (is_online <> '0' OR availability_status = 'available') `,
    [riders.length > 0 ? riders : [NOBODY], driverIds.toSorted()],
  )
  return result.affectedRows
}

/** Who takes a ride, or ends one, writes here, too: asked after this, his ride is as his row says. Uses driver_details_user_id. */
export async function lockDrivers(connection: PoolConnection, driverIds: readonly string[]): Promise<void> {
  await connection.query('SELECT user_id FROM driver_details WHERE user_id IN (?) FOR UPDATE', [
    driverIds.toSorted(),
  ])
}

/** No user's id: they have one character at least. */
const NOBODY = ''

/** Those of the drivers who are on a ride. Uses one_active_trip_per_driver. */
export async function ridersAmong(connection: Queryable, driverIds: readonly string[]): Promise<Set<string>> {
  const { sql, values, resultOf } = ridersReading(driverIds)
  const [rows] = await connection.query<RowDataPacket[]>(sql, [...values])
  return resultOf(rows)
}

/** The same, for a reading of one moment. */
export function ridersReading(driverIds: readonly string[]): Reading<Set<string>> {
  return {
    sql: 'SELECT active_driver_id FROM trip_requests WHERE active_driver_id IN (?)',
    values: [driverIds],
    resultOf: (rows) => new Set(rows.map((row) => row.active_driver_id)),
  }
}

/** What is known of these drivers; who has no row is absent. Uses driver_details_user_id. */
export function driverDuties(driverIds: readonly string[]): Reading<Map<string, DriverDuty>> {
  return {
    sql: 'SELECT user_id, is_online, availability_status FROM driver_details WHERE user_id IN (?)',
    values: [driverIds],
    resultOf: (rows) =>
      new Map(
        rows.map((row) => [
          row.user_id,
          { isOnline: row.is_online === '1', availability: row.availability_status },
        ]),
      ),
  }
}

/** The same, by itself. */
export async function readDriverDuties(
  connection: Queryable,
  driverIds: readonly string[],
): Promise<Map<string, DriverDuty>> {
  if (driverIds.length === 0) return new Map()
  const { sql, values, resultOf } = driverDuties(driverIds)
  const [rows] = await connection.query<RowDataPacket[]>(sql, [...values])
  return resultOf(rows)
}
