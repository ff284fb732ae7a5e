import { minorToDecimal } from '../../base/money.ts'
import type { Bid } from '../bids/bid.ts'
import { type OfferStory, tookMs } from '../offers/offer-history.ts'
import type { TripHistory } from '../trips/history.ts'
import type { Fare } from '../trips/trip.ts'
import type { Exclusion } from './decision.ts'
import type { DispatchFacts, ExplainedDecision } from './explanation.ts'
import { countText, durationText } from './measures.ts'

/** How the search for a driver ended, or stands, in a sentence or two for people. Pure. */
export function endingOf(facts: DispatchFacts, explained: readonly ExplainedDecision[]): string {
  const { trip, transitions } = facts.history
  if (trip.state === 'cancelled') return cancelled(facts, explained)
  if (trip.driverId !== null && trip.state !== 'pending') return taken(facts, explained, trip.driverId)
  if (facts.search !== null) return searching(facts)
  if (trip.state !== 'pending') return `It is ${trip.status}, and nothing is known of a driver.`
  const isKnown = trip.details !== null
  return isKnown || transitions.length > 0
    ? 'It waits, and nobody looks for a driver.'
    : 'It waits; it was never told here where it begins, so that nobody looks for a driver.'
}

function searching({ search }: DispatchFacts): string {
  if (search === null) return ''
  const { policy, round, asked, nextAt, deadlineAt } = search
  return (
    `A driver is looked for by ${policy}: ${countText(round, 'decision')}, ${countText(asked, 'offer')} so far; ` +
    `the next look is at ${timeOf(nextAt)}, the last at ${timeOf(deadlineAt)}.`
  )
}

function taken(
  { offers, bids }: DispatchFacts,
  explained: readonly ExplainedDecision[],
  driverId: string,
): string {
  const offer = offers.findLast((one) => one.driverId === driverId && one.state === 'accepted')
  if (offer === undefined)
    return `Driver ${driverId} has it, and accepted no offer here: it was given to him.`
  const bid = bids.find((one) => one.state === 'accepted' && one.offerId.equals(offer.id))
  const how = bid === undefined ? acceptance(offer) : choice(bid, bids)
  return `Driver ${driverId} has it: ${standing(offer, explained)}${how}${rivals(offer, offers)}.`
}

/** `he was asked first of 8, `, where the decision is still kept. */
function standing(offer: OfferStory, explained: readonly ExplainedDecision[]): string {
  for (const { decision, candidates } of explained) {
    const one = candidates.find((candidate) => candidate.offer === offer)
    if (one === undefined) continue
    const how = decision.policy === 'batch' ? ', as all trips of the window together cost least' : ''
    const away = `${durationText(one.etaSeconds)} away at a cost of ${one.cost.toFixed(1)}`
    return `he was asked as number ${one.rank} of ${candidates.length}${how}, ${away}, and `
  }
  return ''
}

function acceptance(offer: OfferStory): string {
  return `accepted after ${durationText((tookMs(offer) ?? 0) / 1_000)}`
}

function choice({ fare }: Bid, bids: readonly Bid[]): string {
  const lowest = bids.reduce(
    (least, one) => (one.fare.amountMinor < least.amountMinor ? one.fare : least),
    fare,
  )
  const others = bids.length - 1
  const rest = others === 0 ? 'the only one' : `of ${bids.length}, the lowest of them ${fareText(lowest)}`
  return `the rider chose his bid of ${fareText(fare)}, ${rest}`
}

function rivals(offer: OfferStory, offers: readonly OfferStory[]): string {
  const others = offers.filter(
    (one) => one !== offer && one.createdAt <= (offer.decidedAt ?? offer.createdAt),
  )
  const counts = countsOf(others.map(({ state }) => state))
  return others.length === 0 ? '' : `; of the others who were asked ${listText(counts)}`
}

function cancelled(facts: DispatchFacts, explained: readonly ExplainedDecision[]): string {
  const { history, offers } = facts
  const last = history.transitions.findLast(({ to }) => to === 'cancelled')
  if (last?.reason === 'no_drivers')
    return `Nobody could be asked for ${waited(history)}, and it ended as no_drivers${excludedText(explained)}.`
  const asked = `${countText(offers.length, 'offer')} to ${countText(new Set(offers.map(({ driverId }) => driverId)).size, 'driver')}`
  if (last?.reason === 'timed_out')
    return `After ${waited(history)} with ${asked} it ended as timed_out: ${listText(countsOf(offers.map(({ state }) => state)))}.`
  const by = last === undefined ? 'Laravel' : [last.by.type, last.by.id].filter(Boolean).join(' ')
  const why = last?.reason == null ? '' : ` (${last.reason})`
  const accepted = offers.findLast(({ state }) => state === 'accepted')
  const driver =
    accepted === undefined ? `${asked} had been made` : `driver ${accepted.driverId} had accepted it`
  return `It was cancelled by ${by}${why}; ${driver}.`
}

/** Of those who were near when it was looked for last, and could not be asked. */
function excludedText(explained: readonly ExplainedDecision[]): string {
  const last = explained.findLast(({ decision }) => decision.document.excluded.length > 0)
  if (last === undefined) return '; nobody was near'
  const counts = countsOf<Exclusion>(last.decision.document.excluded.map(({ why }) => why))
  return `; of those who were near ${listText(counts)}`
}

function waited({ transitions }: TripHistory): string {
  const end = transitions.findLast(({ to }) => to === 'cancelled')
  const begin = transitions.findLast(({ to }) => to === 'pending') ?? transitions[0]
  if (end === undefined || begin === undefined) return 'some time'
  return durationText((end.at.getTime() - begin.at.getTime()) / 1_000)
}

function countsOf<T extends string>(words: readonly T[]): [T, number][] {
  const counts = new Map<T, number>()
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1)
  return [...counts].sort(([, a], [, b]) => b - a)
}

/** `3 rejected, 1 expired`; words of several parts without their underscores. */
function listText(counts: readonly (readonly [string, number])[]): string {
  if (counts.length === 0) return 'nobody was asked'
  return counts.map(([word, count]) => `${count} ${word.replaceAll('_', ' ')}`).join(', ')
}

function fareText({ amountMinor, currency }: Fare): string {
  return `${minorToDecimal(amountMinor, currency)} ${currency}`
}

function timeOf(at: Date): string {
  return `${at.toISOString().slice(11, 23)}Z`
}
