import type { Reading } from '../../../db/moment.ts'
import type { RowDataPacket } from '../../../db/rows.ts'
import { idToText } from '../../base/ids.ts'
import type { Place } from '../trips/trip.ts'
import { toPlace } from '../trips/trip-reader.ts'

/** A ride that a driver may take until `expiresAt`, milliseconds since 1970. Amounts in minor units. */
export interface LiveOffer {
  readonly rideId: string
  readonly offerId: string
  readonly pickup: Place | null
  readonly destination: Place | null
  /** To the pickup, when it was offered. */
  readonly distanceMeters: number | null
  readonly etaSeconds: number | null
  readonly estimatedFareMinor: number | null
  readonly currency: string | null
  readonly paymentMethod: string | null
  /** He bids for it, and the rider chooses. */
  readonly isBidding: boolean
  readonly expiresAt: number
}

/** More than one driver is ever offered at a time; a dispatch gone wrong must not fill his first message. */
const OFFERS_A_DRIVER = 20

/**
 * What each of these drivers may accept at this moment, the oldest first; who has no offer is absent. Uses offers_by_driver and
 * the primary keys of
 * trip_details and trip_dispatches.
 */
export function liveOffers(driverIds: readonly string[]): Reading<Map<string, LiveOffer[]>> {
  return {
    sql: `SELECT o.id, o.trip_id, o.driver_id, o.expires_at, o.distance_meters, o.eta_seconds, s.policy, d.trip_id IS NOT NULL AS is_known, d.pickup_latitude,
        d.pickup_longitude, d.pickup_address, d.destination_latitude, d.destination_longitude, d.destination_address,
        d.estimated_fare_minor, d.currency, d.payment_method
      FROM trip_offers AS o FORCE INDEX (offers_by_driver) LEFT JOIN trip_details AS d ON d.trip_id = o.trip_id
        LEFT JOIN trip_dispatches AS s ON s.trip_id = o.trip_id
      WHERE o.driver_id IN (?) AND o.state = 'offered' AND o.expires_at > UTC_TIMESTAMP(3)
      ORDER BY o.id LIMIT ?`,
    values: [driverIds, driverIds.length * OFFERS_A_DRIVER],
    resultOf: offersByDriver,
  }
}

function offersByDriver(rows: readonly RowDataPacket[]): Map<string, LiveOffer[]> {
  const offers = new Map<string, LiveOffer[]>()
  for (const row of rows) {
    const his = offers.get(row.driver_id)
    if (his === undefined) offers.set(row.driver_id, [toOffer(row)])
    else his.push(toOffer(row))
  }
  return offers
}

function toOffer(row: RowDataPacket): LiveOffer {
  const isKnown = Number(row.is_known) === 1
  return {
    rideId: row.trip_id,
    offerId: idToText(row.id),
    pickup: isKnown ? toPlace(row.pickup_latitude, row.pickup_longitude, row.pickup_address) : null,
    destination: isKnown
      ? toPlace(row.destination_latitude, row.destination_longitude, row.destination_address)
      : null,
    distanceMeters: row.distance_meters,
    etaSeconds: row.eta_seconds,
    estimatedFareMinor: isKnown ? Number(row.estimated_fare_minor) : null,
    currency: row.currency,
    paymentMethod: row.payment_method,
    isBidding: row.policy === 'bidding',
    expiresAt: row.expires_at.getTime(),
  }
}
