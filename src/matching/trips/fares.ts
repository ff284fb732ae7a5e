import type { PoolConnection } from '../../../db/pools.ts'
import { minorToDecimal } from '../../base/money.ts'
import type { Fare } from './trip.ts'

/** Adds the fare to a step that was recorded without one. Uses the primary key. */
export async function addFare(
  connection: PoolConnection,
  tripId: string,
  version: number,
  { amountMinor, currency }: Fare,
): Promise<void> {
  await connection.query(
    'UPDATE trip_transitions SET fare_minor = ?, currency = ? WHERE trip_id = ? AND version = ?',
    [amountMinor, currency, tripId, version],
  )
}

/** Writes what a ride cost in the end. Uses the primary key. */
export async function setActualFare(connection: PoolConnection, tripId: string, fare: Fare): Promise<void> {
  await connection.query('UPDATE trip_requests SET actual_fare = ? WHERE id = ?', [
    minorToDecimal(fare.amountMinor, fare.currency),
    tripId,
  ])
}
