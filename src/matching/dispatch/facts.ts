import { type Reading, readAtOneMoment } from '../../../db/moment.ts'
import type { CommandPool } from '../../../db/pools.ts'
import type { RowDataPacket } from '../../../db/rows.ts'
import { biddersReading } from '../bids/bid-store.ts'
import { type DriverDuty, driverDuties, ridersReading } from '../drivers/driver-store.ts'
import { driverRecords } from '../drivers/standing-store.ts'
import { type HeldOffer, OFFER_SLOTS, offersHeldBy } from '../offers/make.ts'
import type { OfferState } from '../offers/offer-store.ts'
import { type Standing, standingsOf } from '../offers/standings.ts'
import { whoGaveUp } from '../trips/release.ts'
import type { DispatchPolicy } from '../trips/trip.ts'
import type { Exclusion } from './decision.ts'
import { isForMany } from './room.ts'

/** Who of these drivers has a socket at this moment. Whoever holds the sockets says it. */
export type ConnectedReading = (driverIds: readonly string[]) => Reading<ReadonlySet<string>>

/** An offer of a trip that a driver had before. */
export interface EarlierOffer {
  readonly driverId: string
  readonly state: OfferState
  /** Null: it is not over. */
  readonly endedMsAgo: number | null
  /** Until its deadline, while it is live; null: it is over. */
  readonly leftMs: number | null
}

/** What the database says, at one moment, of drivers and of the trips that they may be asked for. */
export interface Facts {
  readonly duties: ReadonlyMap<string, DriverDuty>
  /** By Laravel, where its table knows of suspensions. */
  readonly suspended: ReadonlySet<string>
  readonly connected: ReadonlySet<string>
  readonly onRide: ReadonlySet<string>
  readonly bidding: ReadonlySet<string>
  readonly held: ReadonlyMap<string, readonly HeldOffer[]>
  readonly standings: ReadonlyMap<string, Standing>
  /** By trip. */
  readonly earlier: ReadonlyMap<string, readonly EarlierOffer[]>
  /** By trip: who had it and gave it back. */
  readonly gaveUp: ReadonlyMap<string, ReadonlySet<string>>
  /** Trips that wait, by Laravel's word and ours. */
  readonly waiting: ReadonlySet<string>
}

const READ_TIMEOUT_MS = 2_000

/** Reads it all in one round trip, without a lock. */
export async function readFacts(
  pool: CommandPool,
  connected: ConnectedReading,
  tripIds: readonly string[],
  driverIds: readonly string[],
): Promise<Facts> {
  const [waiting, earlier, gaveUp, duties, sockets, onRide, bidding, held, standings, suspended] =
    await readAtOneMoment(
      pool,
      'facts for dispatch',
      READ_TIMEOUT_MS,
      factReadings(connected, tripIds, driverIds.length > 0 ? driverIds : [NOBODY]),
    )
  return {
    ...{ waiting, earlier, gaveUp, duties, onRide, bidding, standings, suspended },
    connected: sockets,
    held: Map.groupBy(held, ({ driverId }) => driverId),
  }
}

/** No user's id: they have one character at least. */
const NOBODY = ''

/** The statements of readFacts(); one id at least of each kind. */
export function factReadings(
  connected: ConnectedReading,
  tripIds: readonly string[],
  driverIds: readonly string[],
) {
  const [duties, sockets, onRide, bidding, held, suspended] = changingReadings(connected, driverIds)
  return [
    waitingAmong(tripIds),
    earlierOffers(tripIds),
    whoGaveUp(tripIds),
    duties,
    sockets,
    onRide,
    bidding,
    held,
    standingsOf(driverIds),
    suspended,
  ] as const
}

/** What of a driver may be otherwise in the next moment. */
export function changingReadings(connected: ConnectedReading, driverIds: readonly string[]) {
  return [
    driverDuties(driverIds),
    connected(driverIds),
    ridersReading(driverIds),
    biddersReading(driverIds),
    offersHeldBy(driverIds),
    suspendedAmong(driverIds),
  ] as const
}

/** Uses driver_details_user_id. */
function suspendedAmong(driverIds: readonly string[]): Reading<Set<string>> {
  const { sql, values, resultOf } = driverRecords(driverIds)
  const isSuspended = (rows: Parameters<typeof resultOf>[0]) =>
    [...resultOf(rows)].filter(([, record]) => record.isSuspended).map(([driverId]) => driverId)
  return { sql, values, resultOf: (rows) => new Set(isSuspended(rows)) }
}

/** Laravel may have moved a trip without telling. Uses the primary key. */
function waitingAmong(tripIds: readonly string[]): Reading<Set<string>> {
  return {
    sql: `SELECT id FROM trip_requests FORCE INDEX (PRIMARY) WHERE id IN (?) AND current_status = 'pending' AND driver_id IS NULL
      AND deleted_at IS NULL`,
    values: [tripIds],
    resultOf: (rows) => new Set(rows.map((row) => row.id)),
  }
}

/** Uses offers_by_trip. */
function earlierOffers(tripIds: readonly string[]): Reading<Map<string, EarlierOffer[]>> {
  return {
    sql: `SELECT trip_id, driver_id, state,
        TIMESTAMPDIFF(MICROSECOND, IF(state = 'offered', expires_at, decided_at), UTC_TIMESTAMP(3)) DIV 1000 AS ago
      FROM trip_offers WHERE trip_id IN (?)`,
    values: [tripIds],
    resultOf: (rows) => Map.groupBy(rows.map(toEarlier), ({ tripId }) => tripId),
  }
}

function toEarlier(row: RowDataPacket): EarlierOffer & { readonly tripId: string } {
  const [state, ago]: [OfferState, number] = [row.state, Number(row.ago)]
  // A live one ends in the future.
  const isLive = state === 'offered' && ago < 0
  return {
    ...{ tripId: row.trip_id, driverId: row.driver_id, state },
    endedMsAgo: ago < 0 ? null : ago,
    leftMs: isLive ? -ago : null,
  }
}

/** Who let an offer pass is not asked for the same trip for as long as twice the offer took. */
const ASK_AGAIN_OFFERS = 2

/** Why a driver may not be asked for a trip; null: he may. Pure. */
export function exclusionOf(
  facts: Facts,
  trip: { readonly tripId: string; readonly policy: DispatchPolicy; readonly offerMs: number },
  driverId: string,
): Exclusion | null {
  const duty = facts.duties.get(driverId)
  if (duty?.isOnline !== true || duty.availability === 'unavailable') return 'offline'
  if (facts.suspended.has(driverId)) return 'suspended'
  if (facts.onRide.has(driverId) || duty.availability === 'on_trip') return 'on_ride'
  if (facts.bidding.has(driverId)) return 'bidding'
  if (facts.gaveUp.get(trip.tripId)?.has(driverId)) return 'gave_it_up'
  const isExclusive = !isForMany(trip.policy)
  if (isExclusive && !facts.connected.has(driverId)) return 'disconnected'
  const live = (facts.held.get(driverId) ?? []).filter(({ isOverdue }) => !isOverdue)
  if (live.length >= (isExclusive ? 1 : OFFER_SLOTS)) return 'has_offers'
  const earlier = (facts.earlier.get(trip.tripId) ?? []).filter((offer) => offer.driverId === driverId)
  return earlier.some((offer) => !mayBeAskedAgain(offer, trip.offerMs)) ? 'was_asked' : null
}

/** Who rejected a trip does not want it. Who did not look may do so later; who was on another ride then is free now. */
function mayBeAskedAgain({ state, endedMsAgo }: EarlierOffer, offerMs: number): boolean {
  if (state === 'withdrawn') return true
  const isOver = state === 'expired' || state === 'offered' || state === 'lost' || state === 'accepted'
  return isOver && endedMsAgo !== null && endedMsAgo >= ASK_AGAIN_OFFERS * offerMs
}
