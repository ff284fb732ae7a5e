import type { Pool, PoolConnection } from '../../../db/pools.ts'
import type { RowDataPacket } from '../../../db/rows.ts'
import type { Bid } from '../bids/bid.ts'
import { readBidsOf } from '../bids/bid-store.ts'
import { type Offer, readOffersOf } from '../offers/offer-store.ts'
import type { Actor, Fare, Trip } from './trip.ts'
import { readTrip } from './trip-reader.ts'
import type { TripStep } from './trip-state.ts'

type Queryable = Pick<PoolConnection | Pool, 'query'>

/** One row of a trip's history. */
export interface StoredStep extends TripStep {
  readonly version: number
  readonly by: Actor
  readonly reason: string | null
  /** Who drives; of a step back to pending, who gave it up. Null where that was not noted. */
  readonly driverId: string | null
  /** The final fare of what is completed, the fee of what is cancelled. */
  readonly fare: Fare | null
  readonly at: Date
}

export interface TripHistory {
  readonly trip: Trip
  /** The oldest first. */
  readonly transitions: readonly StoredStep[]
  readonly offers: readonly Offer[]
  readonly bids: readonly Bid[]
}

/** More than a trip has, so that an answer has a bound. */
const TRANSITION_LIMIT = 100
const OFFER_LIMIT = 200
const BID_LIMIT = 200

/** A trip with its history, its offers and its bids; null where there is none. */
export async function readTripHistory(connection: Queryable, tripId: string): Promise<TripHistory | null> {
  const trip = await readTrip(connection, tripId)
  if (trip === null) return null
  const transitions = await readTransitions(connection, trip.id)
  const offers = await readOffersOf(connection, trip.id, OFFER_LIMIT)
  return { trip, transitions, offers, bids: await readBidsOf(connection, trip.id, BID_LIMIT) }
}

/** Uses the primary key. */
async function readTransitions(connection: Queryable, tripId: string): Promise<StoredStep[]> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT version, from_state, to_state, observed, actor_type, actor_id, reason, fare_minor, currency, driver_id,
       at
     FROM trip_transitions WHERE trip_id = ? ORDER BY version LIMIT ?`,
    [tripId, TRANSITION_LIMIT],
  )
  return rows.map((row) => ({
    version: Number(row.version),
    from: row.from_state,
    to: row.to_state,
    observed: Number(row.observed) === 1,
    by: { type: row.actor_type, id: row.actor_id },
    reason: row.reason,
    driverId: row.driver_id,
    fare: row.fare_minor === null ? null : { amountMinor: BigInt(row.fare_minor), currency: row.currency },
    at: row.at,
  }))
}
