import type { Reading } from '../../../db/moment.ts'
import type { PoolConnection } from '../../../db/pools.ts'
import type { Actor, Trip } from './trip.ts'

/**
 * Can another driver be looked for, where this one gives the trip up? Only before the start, and only where it is known what was ordered;
 * otherwise the trip is cancelled.
 */
export function isReleasable({ state, recorded, driverId, details, category }: Trip): boolean {
  if (details === null || category === null) return false
  // It waits already: Laravel has undone the acceptance by itself, or it was released before.
  if (state === 'pending') return driverId === null || recorded !== 'pending'
  return state === 'accepted' || state === 'arrived'
}

/**
 * Whose trip it was. Laravel may have written nobody already, and name him as the one who gave it up; where it does not, it is who drove it
 * when that was last noted.
 */
export function formerDriverOf({ driverId, recordedDriverId }: Trip, by: Actor): string | null {
  return driverId ?? (by.type === 'driver' ? by.id : null) ?? recordedDriverId
}

/**
 * Takes a trip from its driver, and forgets when it was accepted: the next acceptance has its own time. That it was asked for stands. Uses
 * the primary key and trip_status_trip_request_id.
 */
export async function takeFromDriver(connection: PoolConnection, tripId: string): Promise<void> {
  await connection.query(
    `UPDATE trip_requests SET driver_id = NULL, current_status = 'pending', updated_at = UTC_TIMESTAMP() WHERE id = ?`,
    [tripId],
  )
  await connection.query(
    `UPDATE trip_status SET accepted = NULL, driver_id = NULL, updated_at = UTC_TIMESTAMP() WHERE trip_request_id = ?`,
    [tripId],
  )
}

/**
 * Of each of these trips, who had it and gave it up, or had it taken from him: he is not asked for it again. A trip that nobody gave up
 * is absent. Uses the primary key.
 */
export function whoGaveUp(tripIds: readonly string[]): Reading<Map<string, Set<string>>> {
  return {
    sql: `SELECT trip_id, driver_id FROM trip_transitions WHERE trip_id IN (?) AND to_state = 'pending'
      AND driver_id IS NOT NULL`,
    values: [tripIds],
    resultOf: (rows) => {
      const drivers = new Map<string, Set<string>>()
      for (const { trip_id, driver_id } of rows)
        drivers.set(trip_id, (drivers.get(trip_id) ?? new Set()).add(driver_id))
      return drivers
    },
  }
}
