import type { Reading } from '../../../db/moment.ts'
import type { Pool, PoolConnection } from '../../../db/pools.ts'
import type { RowDataPacket } from '../../../db/rows.ts'
import type { Workplace } from './geo-index.ts'
import type { Position } from './nearby.ts'

// trip_requests may be Laravel's own, with its collations: it is not joined with trip_details, which is ours.

/** The ride that a driver is on. */
export interface ActiveRide {
  readonly rideId: string
  /** Where he drives to: the pickup until the ride is under way, then its destination. Null: nobody told of it. */
  readonly target: Position | null
  /** Where the ride was asked for; null: nobody told of it. */
  readonly workplace: Workplace | null
}

interface RideOfDriver {
  readonly rideId: string
  readonly isUnderWay: boolean
}

/** Of these drivers, who is on a ride and on which. Uses one_active_trip_per_driver. */
export function ridesOfDrivers(driverIds: readonly string[]): Reading<Map<string, RideOfDriver>> {
  return {
    sql: 'SELECT id, active_driver_id, current_status FROM trip_requests WHERE active_driver_id IN (?)',
    values: [driverIds],
    resultOf: (rows) =>
      new Map(
        rows.map((row) => [
          row.active_driver_id,
          { rideId: row.id, isUnderWay: row.current_status === 'ongoing' },
        ]),
      ),
  }
}

/** The same, and where each of them drives to. */
export async function readActiveRides(
  connection: Pick<Pool | PoolConnection, 'query'>,
  driverIds: readonly string[],
): Promise<Map<string, ActiveRide>> {
  if (driverIds.length === 0) return new Map()
  const { sql, values, resultOf } = ridesOfDrivers(driverIds)
  const [rows] = await connection.query<RowDataPacket[]>(sql, [...values])
  return withTargets(connection, resultOf(rows))
}

/** Where the drivers of these rides drive to. Uses the primary key of trip_details. */
export async function withTargets(
  connection: Pick<Pool | PoolConnection, 'query'>,
  rides: ReadonlyMap<string, RideOfDriver>,
): Promise<Map<string, ActiveRide>> {
  if (rides.size === 0) return new Map()
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT trip_id, zone_id, category, pickup_latitude, pickup_longitude, destination_latitude, destination_longitude
     FROM trip_details WHERE trip_id IN (?)`,
    [[...rides.values()].map(({ rideId }) => rideId)],
  )
  const details = new Map(rows.map((row) => [row.trip_id, row]))
  return new Map(
    [...rides].map(([driverId, ride]) => [driverId, toActiveRide(ride, details.get(ride.rideId))]),
  )
}

function toActiveRide(
  { rideId, isUnderWay }: RideOfDriver,
  details: Partial<RowDataPacket> | undefined,
): ActiveRide {
  if (details === undefined) return { rideId, target: null, workplace: null }
  const end = isUnderWay ? 'destination' : 'pickup'
  return {
    rideId,
    target: { latitude: Number(details[`${end}_latitude`]), longitude: Number(details[`${end}_longitude`]) },
    workplace: { zoneId: details.zone_id ?? '', category: details.category },
  }
}
