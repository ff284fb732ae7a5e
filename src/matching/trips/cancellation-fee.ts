import type { PoolConnection } from '../../../db/pools.ts'
import type { RowDataPacket } from '../../../db/rows.ts'
import type { DispatchRules } from '../dispatch/settings.ts'
import type { Actor, Fare, Trip } from './trip.ts'
import type { TripState } from './trip-state.ts'

/** A trip that is being cancelled. */
export interface Cancelling {
  /** As it stood before. */
  readonly trip: Trip
  readonly by: Actor
  /** Where it stood; null where nothing was heard of it before. */
  readonly from: TripState | null
  /** When its driver accepted it, on the database's clock; null where that is not known. */
  readonly acceptedAt: Date | null
}

/** What is owed for a cancellation; null: nothing. Pure. It is told and kept, and charged by Laravel alone. */
export type CancellationFee = (cancelling: Cancelling) => Fare | null

export const NO_FEE: CancellationFee = () => null

/**
 * The zone's and category's fee, of a rider who cancels when his driver has accepted longer ago than `afterMs`, or is at the pickup already.
 * Nothing where the fee is of another currency than the trip.
 */
export function feeByRules(rules: DispatchRules): CancellationFee {
  return ({ trip, by, from, acceptedAt }) => {
    const { details, category } = trip
    if (by.type !== 'customer' || category === null) return null
    const settings = rules.settingsOf(trip.zoneId ?? details?.zoneId ?? null, category).cancellationFee
    if (settings === null || (details !== null && details.estimatedFare.currency !== settings.fee.currency))
      return null
    if (from === 'arrived' || from === 'ongoing') return settings.fee
    const sinceMs = acceptedAt === null ? null : trip.now.getTime() - acceptedAt.getTime()
    return from === 'accepted' && sinceMs !== null && sinceMs > settings.afterMs ? settings.fee : null
  }
}

/** When the trip was accepted last, on the database's clock. Uses the primary key. */
export async function readAcceptedAt(connection: PoolConnection, tripId: string): Promise<Date | null> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT at FROM trip_transitions WHERE trip_id = ? AND to_state = 'accepted' ORDER BY version DESC LIMIT 1`,
    [tripId],
  )
  return rows[0]?.at ?? null
}
