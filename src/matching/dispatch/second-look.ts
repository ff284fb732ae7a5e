import type { PoolConnection } from '../../../db/pools.ts'
import type { RowDataPacket } from '../../../db/rows.ts'
import type { HeldOffer } from '../offers/make.ts'
import type { DispatchPolicy } from '../trips/trip.ts'
import type { Exclusion } from './decision.ts'
import { type ConnectedReading, changingReadings, exclusionOf, type Facts } from './facts.ts'

/** What drivers who are planned for a trip are by now. */
export interface SecondLook {
  /** Who may not be asked any more, and why. */
  readonly excluded: readonly { readonly driverId: string; readonly why: Exclusion }[]
  /** What they hold, overdue or not. */
  readonly held: readonly HeldOffer[]
}

/**
 * Judges drivers again, in the transaction that asks them: since they were found one may have gone, taken a ride or bid. Without a lock,
 * in one round trip for all of them, over a connection that carries several statements. Of the trip nothing else can have changed, since
 * nobody has decided. Uses the indexes of readFacts().
 */
export async function lookAgain(
  connection: PoolConnection,
  connected: ConnectedReading,
  trip: { readonly tripId: string; readonly policy: DispatchPolicy; readonly offerMs: number },
  driverIds: readonly string[],
): Promise<SecondLook> {
  if (driverIds.length === 0) return { excluded: [], held: [] }
  const readings = changingReadings(connected, driverIds)
  const [results] = await connection.query<RowDataPacket[][]>(
    readings.map(({ sql }) => sql).join('; '),
    readings.flatMap(({ values }) => values),
  )
  const facts = factsOf(readings, results)
  const excluded = driverIds.flatMap((driverId) => {
    const why = exclusionOf(facts, trip, driverId)
    return why === null ? [] : [{ driverId, why }]
  })
  return { excluded, held: [...facts.held.values()].flat() }
}

function factsOf(
  [duties, sockets, onRide, bidding, held, suspended]: ReturnType<typeof changingReadings>,
  results: readonly RowDataPacket[][],
): Facts {
  const rows = (place: number) => results[place] ?? []
  return {
    duties: duties.resultOf(rows(0)),
    connected: sockets.resultOf(rows(1)),
    onRide: onRide.resultOf(rows(2)),
    bidding: bidding.resultOf(rows(3)),
    held: Map.groupBy(held.resultOf(rows(4)), ({ driverId }) => driverId),
    suspended: suspended.resultOf(rows(5)),
    ...NOTHING_OF_TRIPS,
  }
}

const NOTHING_OF_TRIPS = {
  standings: new Map(),
  earlier: new Map(),
  gaveUp: new Map(),
  waiting: new Set<string>(),
} as const
