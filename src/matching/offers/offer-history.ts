import type { Pool, PoolConnection } from '../../../db/pools.ts'
import type { RowDataPacket } from '../../../db/rows.ts'
import { type Id, idToText } from '../../base/ids.ts'
import type { OfferState } from './offer-store.ts'

/** What was offered, and what came of it. */
export interface OfferStory {
  readonly id: Id
  readonly driverId: string
  readonly state: OfferState
  /** To the pickup, when it was offered; null where nobody said. */
  readonly distanceMeters: number | null
  readonly etaSeconds: number | null
  readonly createdAt: Date
  readonly expiresAt: Date
  readonly decidedAt: Date | null
  /** Why the driver rejected it. */
  readonly reason: string | null
}

/** A trip's offers with all that is known of them, the oldest first. Uses offers_by_trip. */
export async function readOfferStories(
  connection: Pick<PoolConnection | Pool, 'query'>,
  tripId: string,
  limit: number,
): Promise<OfferStory[]> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT id, driver_id, state, distance_meters, eta_seconds, created_at, expires_at, decided_at, reason
     FROM trip_offers FORCE INDEX (offers_by_trip) WHERE trip_id = ? ORDER BY id LIMIT ?`,
    [tripId, limit],
  )
  return rows.map((row) => ({
    id: row.id,
    driverId: row.driver_id,
    state: row.state,
    distanceMeters: row.distance_meters,
    etaSeconds: row.eta_seconds,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    decidedAt: row.decided_at,
    reason: row.reason,
  }))
}

/** After so many milliseconds it ended; null while it is offered. */
export function tookMs({ createdAt, decidedAt }: OfferStory): number | null {
  return decidedAt === null ? null : decidedAt.getTime() - createdAt.getTime()
}

export function offerStoryJson(offer: OfferStory) {
  const { id, driverId, state, distanceMeters, etaSeconds, createdAt, expiresAt, decidedAt, reason } = offer
  return {
    ...{ id: idToText(id), driverId, state, distanceMeters, etaSeconds, reason },
    createdAt: createdAt.toISOString(),
    expiresAt: expiresAt.toISOString(),
    decidedAt: decidedAt?.toISOString() ?? null,
    afterMs: tookMs(offer),
  }
}
