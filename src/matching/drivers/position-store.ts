import type { Pool, PoolConnection } from '../../../db/pools.ts'
import type { RowDataPacket } from '../../../db/rows.ts'
import type { Workplace } from './geo-index.ts'
import type { NearbyDriver, NearbyQuery, Position } from './nearby.ts'
import { straightMeters } from './route-estimate.ts'

type Queryable = Pick<Pool | PoolConnection, 'query'>

/** A driver's place as it is stored. */
export interface StoredPosition extends Workplace {
  readonly driverId: string
  readonly position: Position
  /** Whether he waits for a ride. */
  readonly waits: boolean
  /** Milliseconds since he was heard of. */
  readonly heardAgo: number
}

/** One statement carries so many; the caller sees to it. */
export const POSITION_ROWS = 500

/**
 * Stores where these drivers are, at most POSITION_ROWS, each once. A row that was written for a later moment stays as it is: another
 * process has the driver by now. Uses the primary key, in its order.
 */
export async function storePositions(
  connection: Queryable,
  positions: readonly StoredPosition[],
): Promise<void> {
  if (positions.length === 0) return
  const sorted = positions.toSorted((a, b) => (a.driverId < b.driverId ? -1 : 1))
  const rows = sorted.map(() => '(?, ?, ?, POINT(?, ?), ?, UTC_TIMESTAMP(3) - INTERVAL ? MICROSECOND)')
  // Values are taken in the order in which they are written down: `at` comes last, since the others compare with what it was.
  await connection.query(
    `INSERT INTO driver_positions (driver_id, zone_id, category, position, waits, at) VALUES ${rows.join(', ')}
     ON DUPLICATE KEY UPDATE
       zone_id = IF(VALUES(at) >= at - INTERVAL ? MICROSECOND, VALUES(zone_id), zone_id),
       category = IF(VALUES(at) >= at - INTERVAL ? MICROSECOND, VALUES(category), category),
       position = IF(VALUES(at) >= at - INTERVAL ? MICROSECOND, VALUES(position), position),
       waits = IF(VALUES(at) >= at - INTERVAL ? MICROSECOND, VALUES(waits), waits),
       at = GREATEST(VALUES(at), at)`,
    [
      ...sorted.flatMap(({ driverId, zoneId, category, position, waits, heardAgo }) => [
        driverId,
        zoneId,
        category,
        position.longitude,
        position.latitude,
        waits ? 1 : 0,
        Math.max(Math.round(heardAgo), 0) * 1_000,
      ]),
      ...Array.from({ length: 4 }, () => SAME_MOMENT_MICROS),
    ],
  )
}

/** One and the same moment, said twice, may come out so far apart: statements take their time. */
const SAME_MOMENT_MICROS = 1_000_000

/** Degrees of latitude in a metre, with room for the earth's not being a ball. */
const DEGREES_A_METER = 1 / 110_500
/** Nearer to a pole than this the box goes all the way round. */
const LEAST_COSINE = 0.01

/**
 * The nearest drivers who wait, were heard of at most `freshMs` ago and are within a radius: as NearbyDrivers.search(), for one radius. Uses
 * positions_by_place. A box over the 180th degree ends there.
 */
export async function readNearby(
  connection: Queryable,
  { zoneIds, category, center, limit }: NearbyQuery,
  radiusMeters: number,
  freshMs: number,
): Promise<readonly NearbyDriver[]> {
  const cosine = Math.max(Math.cos((center.latitude * Math.PI) / 180), LEAST_COSINE)
  const height = radiusMeters * DEGREES_A_METER
  const width = Math.min(height / cosine, 360)
  const corners = [
    [center.longitude - width, center.latitude - height],
    [center.longitude + width, center.latitude + height],
  ]
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT driver_id, zone_id, ST_X(position) AS longitude, ST_Y(position) AS latitude,
       TIMESTAMPDIFF(MICROSECOND, at, UTC_TIMESTAMP(3)) DIV 1000 AS age_ms
     FROM driver_positions
     WHERE MBRContains(ST_GeomFromText(?), position) AND zone_id IN (?) AND category = ? AND waits = 1
       AND at >= UTC_TIMESTAMP(3) - INTERVAL ? MICROSECOND
     ORDER BY POW(ST_Y(position) - ?, 2) + POW((ST_X(position) - ?) * ?, 2) LIMIT ?`,
    [
      `LINESTRING(${corners.map((corner) => corner.join(' ')).join(', ')})`,
      zoneIds,
      category,
      freshMs * 1_000,
      center.latitude,
      center.longitude,
      cosine,
      limit,
    ],
  )
  return rows
    .map((row) => toNearby(row, center))
    .filter(({ straightMeters: meters }) => meters <= radiusMeters)
    .sort((a, b) => a.straightMeters - b.straightMeters)
}

function toNearby(row: RowDataPacket, center: Position): NearbyDriver {
  const position = { latitude: Number(row.latitude), longitude: Number(row.longitude) }
  return {
    driverId: row.driver_id,
    zoneId: row.zone_id,
    position,
    straightMeters: straightMeters(center, position),
    ageMs: Math.max(Number(row.age_ms), 0),
  }
}
