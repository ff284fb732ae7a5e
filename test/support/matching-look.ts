import type { Pool } from '../../db/pools.ts'
import type { RowDataPacket } from '../../db/rows.ts'
import { OFFER_SLOTS } from '../../src/matching/offers/make.ts'
import { decideMove, stateOf, statusOf, type TripState } from '../../src/matching/trips/trip-state.ts'

/** What must hold of trips, offers, bids and searches in every moment between two transactions; in words, where it does not. */
export async function wrongMatching(pool: Pool): Promise<string[]> {
  const rows = async (sql: string): Promise<RowDataPacket[]> => (await pool.query<RowDataPacket[]>(sql))[0]
  const trips = await rows('SELECT id, driver_id, current_status FROM trip_requests')
  const steps = await rows(
    'SELECT trip_id, version, from_state, to_state FROM trip_transitions ORDER BY trip_id, version',
  )
  const offers = await rows('SELECT id, trip_id, driver_id, state, live_slot FROM trip_offers')
  const bids = await rows('SELECT trip_id, driver_id, offer_id, state FROM trip_bids')
  const searches = new Set((await rows('SELECT trip_id FROM trip_dispatches')).map((row) => row.trip_id))
  return [
    ...trips.flatMap((trip) => wrongTrip(trip, searches, offers)),
    ...trips.flatMap((trip) =>
      wrongPath(
        trip,
        steps.filter((step) => step.trip_id === trip.id),
      ),
    ),
    ...wrongDrivers(trips, offers),
    ...wrongBids(bids, offers),
  ]
}

const ACTIVE = ['accepted', 'ongoing']

function wrongTrip(
  trip: RowDataPacket,
  searches: ReadonlySet<string>,
  offers: readonly RowDataPacket[],
): string[] {
  const { id, driver_id: driverId, current_status: status } = trip
  const wrong: string[] = []
  const isWaiting = status === 'pending'
  const live = offers.filter((offer) => offer.trip_id === id && offer.state === 'offered')
  if (isWaiting !== searches.has(id))
    wrong.push(`${id} is ${status}, and a driver is ${isWaiting ? 'not ' : ''}looked for`)
  if (isWaiting && driverId !== null) wrong.push(`${id} waits, and ${driverId} has it`)
  if (ACTIVE.includes(status) && driverId === null) wrong.push(`${id} is ${status}, and nobody has it`)
  if (!isWaiting && live.length > 0)
    wrong.push(`${id} is ${status}, and offered to ${live.map((row) => row.driver_id)}`)
  const twice = live.filter(
    ({ driver_id }, index) => live.findIndex((other) => other.driver_id === driver_id) !== index,
  )
  if (twice.length > 0) wrong.push(`${id} is offered twice to ${twice.map((row) => row.driver_id)}`)
  return wrong
}

/** A path of the machine, to where the trip stands: one driver after the other. */
function wrongPath(trip: RowDataPacket, steps: readonly RowDataPacket[]): string[] {
  const wrong: string[] = []
  let last: TripState | null = null
  for (const { version, from_state: from, to_state: to } of steps) {
    if (from !== last) wrong.push(`${trip.id}: step ${version} leaves ${from}, where it stood at ${last}`)
    const isReleased = to === 'pending' && (last === 'accepted' || last === 'arrived')
    if (last !== null && !isReleased && decideMove(last, statusOf(last), to).kind !== 'move')
      wrong.push(`${trip.id}: no way leads from ${last} to ${to}`)
    last = to
  }
  const stands = stateOf(last, trip.current_status)
  return stands === last ? wrong : [...wrong, `${trip.id} stands at ${stands}, its history at ${last}`]
}

/** One ride, and as many live offers as there are slots, each in one. */
function wrongDrivers(trips: readonly RowDataPacket[], offers: readonly RowDataPacket[]): string[] {
  const wrong: string[] = []
  const rides = Map.groupBy(
    trips.filter((trip) => ACTIVE.includes(trip.current_status)),
    (trip) => trip.driver_id,
  )
  for (const [driverId, his] of rides) if (his.length > 1) wrong.push(`${driverId} has ${his.length} rides`)
  for (const { id, state, live_slot: slot, driver_id: driverId } of offers)
    if ((state === 'offered') !== (slot !== null))
      wrong.push(`an offer of ${driverId} is ${state} in the slot ${slot}: ${id}`)
  const held = Map.groupBy(
    offers.filter(({ state }) => state === 'offered'),
    (offer) => offer.driver_id,
  )
  for (const [driverId, his] of held) {
    const slots = new Set(his.map((offer) => offer.live_slot))
    if (his.length > OFFER_SLOTS || slots.size !== his.length)
      wrong.push(`${driverId} holds ${his.length} offers`)
  }
  return wrong
}

/** A live bid has a live offer, and its driver no other one. */
function wrongBids(bids: readonly RowDataPacket[], offers: readonly RowDataPacket[]): string[] {
  const live = bids.filter(({ state }) => state === 'live')
  const byDriver = Map.groupBy(live, (bid) => bid.driver_id)
  const wrong = [...byDriver].flatMap(([driverId, his]) =>
    his.length > 1 ? [`${driverId} has ${his.length} bids`] : [],
  )
  for (const bid of live) {
    const offer = offers.find(({ id }) => id.equals(bid.offer_id))
    if (offer?.state !== 'offered')
      wrong.push(`${bid.driver_id} bids for ${bid.trip_id} by an offer that is ${offer?.state}`)
  }
  return wrong
}
