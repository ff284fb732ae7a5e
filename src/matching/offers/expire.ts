import type { PoolConnection } from '../../../db/pools.ts'
import type { RowDataPacket } from '../../../db/rows.ts'
import { type Id, idToText } from '../../base/ids.ts'
import type { Push } from '../../feed/envelope.ts'
import { endOffers } from './offer-store.ts'

/** An offer that is over without its driver's doing. */
export interface EndedOffer {
  readonly id: Id
  readonly tripId: string
  readonly driverId: string
}

/**
 * Ends those of these offers whose deadline has passed, on the database's clock, each once whoever else tries; returns them. Locks them
 * in the order of their ids; with `passingBy` it leaves alone what somebody else has locked, who decides about it. Uses the primary key.
 */
export async function expireOffersIn(
  connection: PoolConnection,
  ids: readonly Id[],
  { passingBy = false }: { readonly passingBy?: boolean } = {},
): Promise<EndedOffer[]> {
  if (ids.length === 0) return []
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT id, trip_id, driver_id FROM trip_offers FORCE INDEX (PRIMARY)
     WHERE id IN (?) AND state = 'offered' AND expires_at <= UTC_TIMESTAMP(3) ORDER BY id FOR UPDATE${passingBy ? ' SKIP LOCKED' : ''}`,
    [ids],
  )
  const ended = rows.map((row) => ({ id: row.id, tripId: row.trip_id, driverId: row.driver_id }))
  await endOffers(
    connection,
    ended.map(({ id }) => id),
    'expired',
  )
  return ended
}

/** Offers whose deadline passed some time ago, and nobody ended them, the oldest first. Uses offers_by_deadline. */
export async function someOverdueOffers(
  connection: PoolConnection,
  forMs: number,
  limit: number,
): Promise<Id[]> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT id FROM trip_offers WHERE state = 'offered' AND expires_at <= UTC_TIMESTAMP(3) - INTERVAL ? MICROSECOND
     ORDER BY expires_at LIMIT ?`,
    [forMs * 1_000, limit],
  )
  return rows.map(({ id }) => id)
}

/** What their drivers are told: take it off the screen. */
export function expiredPushes(offers: readonly Pick<EndedOffer, 'id' | 'tripId' | 'driverId'>[]): Push[] {
  return offers.map(({ id, tripId, driverId }) => ({
    userId: driverId,
    event: 'ride:offer:expired',
    data: { rideId: tripId, offerId: idToText(id) },
  }))
}

/** Offers of these trips whose deadline has passed, and nobody ended them. Uses offers_by_trip. */
export async function overdueOffersOf(connection: PoolConnection, tripIds: readonly string[]): Promise<Id[]> {
  if (tripIds.length === 0) return []
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT id FROM trip_offers WHERE trip_id IN (?) AND state = 'offered' AND expires_at <= UTC_TIMESTAMP(3)`,
    [tripIds],
  )
  return rows.map(({ id }) => id)
}
