import { distanceText, durationText } from '../matching/dispatch/measures.ts'
import type { OngoingSearch } from '../matching/dispatch/search-reader.ts'
import { type OfferStory, tookMs } from '../matching/offers/offer-history.ts'
import type { OfferState } from '../matching/offers/offer-store.ts'
import type { StoredStep } from '../matching/trips/history.ts'
import type { Place, Trip } from '../matching/trips/trip.ts'
import type { TripSummary } from '../matching/trips/trip-list.ts'
import type { TripState } from '../matching/trips/trip-state.ts'
import { amountText, timeText } from './event-view.ts'
import type { Cell, Colour, Printer } from './printer.ts'

/** Trips as a table. */
export function tripTable(printer: Printer, trips: readonly TripSummary[]): string[] {
  return printer.table(
    ['ID', 'CREATED', 'ZONE', 'CATEGORY', 'CUSTOMER', 'DRIVER', 'ESTIMATE', 'STATE'],
    trips.map((trip) => [
      trip.id,
      timeText(trip.createdAt),
      trip.zoneId ?? '-',
      trip.category ?? '-',
      trip.customerId ?? '-',
      trip.driverId ?? '-',
      amountText(trip.estimatedFare.amountMinor, trip.estimatedFare.currency),
      stateCell(trip.state, trip.status),
    ]),
    'no trips',
  )
}

/** What a trip is, one fact a line. */
export function tripFacts(printer: Printer, trip: Trip): string[] {
  const { details, finalFare } = trip
  const currency = details?.estimatedFare.currency ?? null
  return printer.facts([
    ['trip', trip.id],
    ['state', stateCell(trip.state, trip.status)],
    ['customer', trip.customerId],
    ['driver', trip.driverId],
    ['zone', trip.zoneId ?? details?.zoneId ?? null],
    ['category', trip.category],
    ['policy', details?.policy ?? "the zone's own"],
    ['from', placeText(details?.pickup)],
    ['to', placeText(details?.destination)],
    ['estimate', amountText(details?.estimatedFare.amountMinor ?? null, currency)],
    ['agreed', amountText(details?.agreedFareMinor ?? null, currency)],
    ['final fare', amountText(finalFare?.amountMinor ?? null, finalFare?.currency ?? null)],
    ['payment', trip.paymentMethod],
    ['created', timeText(details?.createdAt ?? null)],
  ])
}

/** A trip's history as a table. */
export function stepTable(printer: Printer, steps: readonly StoredStep[]): string[] {
  return printer.table(
    ['WHEN', 'FROM', 'TO', 'BY', 'WHY'],
    steps.map(({ at, from, to, observed, by, reason }) => [
      timeText(at),
      from ?? '',
      to,
      [by.type, by.id].filter((part) => part !== null).join(' '),
      [reason, observed ? 'seen, not ordered here' : null].filter((part) => part !== null).join('; '),
    ]),
    'nothing is recorded',
  )
}

/** A trip's offers as a table. */
export function offerTable(printer: Printer, offers: readonly OfferStory[]): string[] {
  return printer.table(
    ['ASKED', 'DRIVER', 'DISTANCE', 'ETA', 'STATE', 'AFTER', 'WHY'],
    offers.map((offer) => [
      timeText(offer.createdAt),
      offer.driverId,
      offer.distanceMeters === null ? '-' : distanceText(offer.distanceMeters),
      offer.etaSeconds === null ? '-' : durationText(offer.etaSeconds),
      offerCell(offer.state),
      tookText(offer),
      offer.reason ?? '',
    ]),
    'nobody was asked',
  )
}

/** A search that goes on, one fact a line; one line where there is none. */
export function searchFacts(printer: Printer, search: OngoingSearch | null): string[] {
  if (search === null) return ['nobody is looked for']
  return printer.facts([
    ['policy', search.policy],
    ['decisions', String(search.round)],
    ['offers', String(search.asked)],
    ['since', timeText(search.since)],
    ['next look', timeText(search.nextAt)],
    ['until', timeText(search.deadlineAt)],
  ])
}

/** How long an offer stood; empty while it does. */
export function tookText(offer: OfferStory): string {
  const took = tookMs(offer)
  return took === null ? '' : durationText(took / 1_000)
}

const OFFER_COLOURS: Readonly<Partial<Record<OfferState, Colour>>> = {
  accepted: 'green',
  rejected: 'red',
  expired: 'yellow',
  lost: 'dim',
  withdrawn: 'dim',
}

export function offerCell(state: OfferState): Cell {
  const colour = OFFER_COLOURS[state]
  return colour === undefined ? state : { text: state, colour }
}

function stateCell(state: TripState | null, status: string): Cell {
  if (state === 'cancelled') return { text: state, colour: 'red' }
  if (state === 'completed') return { text: state, colour: 'green' }
  return state ?? `${status} (unknown)`
}

function placeText(place: Place | undefined): string | null {
  if (place === undefined) return null
  const at = `${place.latitude}, ${place.longitude}`
  return place.address === null ? at : `${at} (${place.address})`
}
