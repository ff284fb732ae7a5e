import type { Tables } from './matching-truth.ts'

/** Bids of a trip: those that were chosen took it, none lives on when it has a driver or is over, and Laravel's table says the same. */
export function wrongBids(id: string, { trips, steps, offers, bids, fareBiddings }: Tables): string[] {
  const own = bids.filter((bid) => bid.trip_id === id)
  const trip = trips.find((row) => row.id === id)
  const wrong: string[] = []
  const taken = steps.filter((step) => step.trip_id === id && step.to_state === 'accepted')
  const chosen = taken.filter(({ actor_type: by }) => by === 'customer').map((step) => step.driver_id)
  const accepted = own.filter(({ state }) => state === 'accepted')
  const names = accepted.map((bid) => bid.driver_id)
  if (names.toSorted().join() !== chosen.toSorted().join())
    wrong.push(`trip ${id}: chosen were [${chosen}], accepted are the bids of [${names}]`)
  for (const { driver_id: driverId, state, id: bidId } of own) {
    const isLive = state === 'live'
    const isOffered = offers.some(
      (offer) => offer.trip_id === id && offer.driver_id === driverId && offer.state === 'offered',
    )
    if (isLive && trip?.current_status !== 'pending')
      wrong.push(`trip ${id} is ${trip?.current_status}, and the bid of ${driverId} lives`)
    if (isLive && !isOffered) wrong.push(`trip ${id}: the bid of ${driverId} lives without an offer`)
    const isIgnored = fareBiddings.find((row) => row.id === bidId)?.is_ignored
    if (Number(isIgnored ?? -1) !== (isLive || state === 'accepted' ? 0 : 1))
      wrong.push(`trip ${id}: the bid of ${driverId} is ${state}, and ignored by Laravel: ${isIgnored}`)
  }
  const fares = accepted.filter((bid) => bid.driver_id === trip?.driver_id).map((bid) => bid.amount_minor)
  const agreed = trip?.agreed ?? null
  if (taken.at(-1)?.actor_type === 'customer' && trip?.driver_id !== null && !fares.includes(agreed))
    wrong.push(`trip ${id}: agreed are ${agreed}, and chosen was one of [${fares}]`)
  return wrong
}

/** Each driver is what he does: on a ride, reserved by one live bid, or free. */
export function wrongDrivers(driverIds: readonly string[], tables: Tables): string[] {
  return driverIds.flatMap((driverId) => {
    const row = tables.drivers.find((one) => one.user_id === driverId)
    const rides = tables.rides.filter((trip) => trip.driver_id === driverId)
    const live = tables.liveBids.filter((bid) => bid.driver_id === driverId)
    const wrong: string[] = []
    if (rides.length > 1) wrong.push(`${driverId} has ${rides.length} rides`)
    if (live.length + rides.length > 1)
      wrong.push(`${driverId} has ${rides.length} rides and ${live.length} live bids`)
    const is = rides.length > 0 ? 'on_trip' : live.length > 0 ? 'on_bidding' : 'available'
    // Whoever is not at work any more has lost his connection for long.
    if (row?.is_online === '1' && row.availability_status !== is)
      wrong.push(`${driverId} is ${row.availability_status}, and should be ${is}`)
    return wrong
  })
}
