import type { Reading } from '../../../db/moment.ts'
import type { Pool, PoolConnection } from '../../../db/pools.ts'
import type { RowDataPacket } from '../../../db/rows.ts'
import type { Workplace } from './geo-index.ts'
import type { Position } from './nearby.ts'

/** What Laravel's table says of a driver, as far as it has columns for it. */
export interface DriverRecord {
  readonly isOnline: boolean
  readonly isSuspended: boolean
  /** Null: it is his to say. */
  readonly category: string | null
}

/** Where a driver works by his own word, and where he was last. */
export interface StoredPlace extends Workplace {
  readonly position: Position
  /** Milliseconds since he was heard of. */
  readonly ageMs: number
}

/**
 * What is known of these drivers; who has no row is absent. `SELECT *`, because a Laravel need not have a column for categories or
 * suspensions: `vehicle_category_id` names his category, `is_suspended` says that he may not be asked. Uses driver_details_user_id.
 */
export function driverRecords(driverIds: readonly string[]): Reading<Map<string, DriverRecord>> {
  return {
    sql: 'SELECT * FROM driver_details WHERE user_id IN (?)',
    values: [driverIds],
    resultOf: (rows) => new Map(rows.map((row) => [row.user_id, toRecord(row)])),
  }
}

function toRecord(row: RowDataPacket): DriverRecord {
  return {
    isOnline: row.is_online === '1',
    isSuspended: Number(row.is_suspended ?? 0) === 1,
    category: row.vehicle_category_id ?? null,
  }
}

/** Where these drivers work and were last; who was never online is absent. Uses the primary key. */
export function storedPlaces(driverIds: readonly string[]): Reading<Map<string, StoredPlace>> {
  return {
    sql: `SELECT driver_id, zone_id, category, ST_X(position) AS longitude, ST_Y(position) AS latitude,
        TIMESTAMPDIFF(MICROSECOND, at, UTC_TIMESTAMP(3)) DIV 1000 AS age_ms
      FROM driver_positions WHERE driver_id IN (?)`,
    values: [driverIds],
    resultOf: (rows) =>
      new Map(
        rows.map((row) => [
          row.driver_id,
          {
            zoneId: row.zone_id,
            category: row.category,
            position: { latitude: Number(row.latitude), longitude: Number(row.longitude) },
            ageMs: Math.max(Number(row.age_ms), 0),
          },
        ]),
      ),
  }
}

/**
 * The driver begins to work here, in the transaction of his command: he waits for a ride unless he is on one. His category is Laravel's
 * word where it has one. Uses driver_details_user_id and the primary key.
 */
export async function beginWork(
  connection: PoolConnection,
  driverId: string,
  { zoneId, category, position }: Omit<StoredPlace, 'ageMs'>,
): Promise<void> {
  const { sql, values, resultOf } = driverRecords([driverId])
  const [rows] = await connection.query<RowDataPacket[]>(sql, [...values])
  const own = resultOf(rows).get(driverId)?.category ?? category
  await connection.query(
    `INSERT INTO driver_positions (driver_id, zone_id, category, position, waits, at)
     VALUES (?, ?, ?, POINT(?, ?), 1, UTC_TIMESTAMP(3))
     ON DUPLICATE KEY UPDATE zone_id = VALUES(zone_id), category = VALUES(category), position = VALUES(position),
       waits = 1, at = VALUES(at)`,
    [driverId, zoneId, own, position.longitude, position.latitude],
  )
}

/** Where one driver was last, and how long ago; null where that is not known. Uses the primary key. */
export async function readLastPosition(
  connection: Pick<Pool | PoolConnection, 'query'>,
  driverId: string,
): Promise<{ readonly position: Position; readonly at: Date; readonly ageMs: number } | null> {
  const [[row]] = await connection.query<RowDataPacket[]>(
    `SELECT ST_X(position) AS longitude, ST_Y(position) AS latitude, at,
       TIMESTAMPDIFF(MICROSECOND, at, UTC_TIMESTAMP(3)) DIV 1000 AS age_ms
     FROM driver_positions WHERE driver_id = ?`,
    [driverId],
  )
  if (!row) return null
  const position = { latitude: Number(row.latitude), longitude: Number(row.longitude) }
  return { position, at: row.at, ageMs: Math.max(Number(row.age_ms), 0) }
}
