import type { Bid } from '../matching/bids/bid.ts'
import type { DecisionOutcome, Exclusion } from '../matching/dispatch/decision.ts'
import { endingOf } from '../matching/dispatch/ending.ts'
import type { DispatchFacts, ExplainedDecision, RankedCandidate } from '../matching/dispatch/explanation.ts'
import { distanceText, durationText } from '../matching/dispatch/measures.ts'
import type { Replay } from '../matching/dispatch/replay.ts'
import type { DispatchSettings } from '../matching/dispatch/settings.ts'
import { amountText, timeText } from './event-view.ts'
import type { Cell, Printer } from './printer.ts'
import { offerCell, tookText, tripFacts } from './trip-view.ts'

/** A table is for people; --json has them all. */
const SHOWN_CANDIDATES = 20

/** The story of a search: the trip, each decision, the bids, and the end. */
export function explanationText(
  printer: Printer,
  facts: DispatchFacts,
  explained: readonly ExplainedDecision[],
): string[] {
  const { bids, history } = facts
  const title = (words: string): string[] => ['', printer.paint('bold', words)]
  return [
    ...tripFacts(printer, history.trip),
    ...(explained.length === 0 ? ['', 'No decision is kept.'] : []),
    ...explained.flatMap((one) => ['', ...decisionText(printer, one)]),
    ...(bids.length === 0 ? [] : [...title('Bids'), ...bidTable(printer, bids)]),
    ...title('The end'),
    printer.line(endingOf(facts, explained)),
  ]
}

const OUTCOMES: Readonly<Record<DecisionOutcome, string>> = {
  offered: 'asked',
  nobody: 'asked nobody',
  no_drivers: 'gave up: nobody could be asked for too long (no_drivers)',
  timed_out: 'gave up: nobody took it in time (timed_out)',
}

function decisionText(printer: Printer, { decision, candidates, replay }: ExplainedDecision): string[] {
  const { round, policy, windowNumber, outcome, at, document } = decision
  const window = windowNumber === null ? '' : ` in window ${windowNumber}`
  const many = outcome === 'offered' ? ` ${document.offers.length} of ${candidates.length}` : ''
  const waited = durationText(document.waitedMs / 1_000)
  const headline = `Decision ${round + 1}, ${timeText(at)}, after ${waited}: ${policy}${window} ${OUTCOMES[outcome]}${many}`
  const shown = candidates.slice(0, SHOWN_CANDIDATES)
  const more = candidates.length - shown.length
  const isOver = outcome === 'no_drivers' || outcome === 'timed_out'
  return [
    printer.paint('bold', headline),
    printer.paint('dim', settingsText(document.settings)),
    ...(isOver ? [] : candidateTable(printer, shown)),
    ...(more > 0 ? [`… and ${more} more (--json lists all)`] : []),
    ...excludedLines(document.excluded),
    ...(replay === null ? [] : [replayLine(printer, replay)]),
  ]
}

function settingsText(settings: DispatchSettings): string {
  const { searchRadiiMeters, neighbours, maxDrivers, offerMs, weights } = settings
  const radii = searchRadiiMeters.map((radius) => radius / 1_000).join(', ')
  const zones = neighbours.length === 0 ? '' : `, also in ${neighbours.join(', ')}`
  const { declines, idle, age, wait } = weights
  return (
    `within ${radii} km${zones}; at most ${maxDrivers} at once, ${offerMs / 1_000} s each; ` +
    `weights: declines ${declines}, idle ${idle}, age ${age}, wait ${wait}`
  )
}

function candidateTable(printer: Printer, candidates: readonly RankedCandidate[]): string[] {
  return printer.table(
    ['RANK', 'DRIVER', 'DISTANCE', 'ETA', 'HEARD', 'ACCEPTS', 'IDLE', 'COST', 'OFFER', 'AFTER', 'WHY'],
    candidates.map((candidate) => [
      String(candidate.rank),
      candidate.driverId,
      distanceText(candidate.distanceMeters),
      durationText(candidate.etaSeconds),
      `${durationText(candidate.positionAgeMs / 1_000)} ago${candidate.isConnected ? '' : ', no socket'}`,
      candidate.acceptanceRate === null ? '-' : `${Math.round(candidate.acceptanceRate * 100)} %`,
      candidate.idleSeconds === null ? '-' : durationText(candidate.idleSeconds),
      candidate.cost.toFixed(1),
      ...offerCells(candidate),
    ]),
    'nobody who could be asked',
  )
}

function offerCells({ offer }: RankedCandidate): readonly Cell[] {
  return offer === null ? ['', '', ''] : [offerCell(offer.state), tookText(offer), offer.reason ?? '']
}

const EXCLUSIONS_TEXT: Readonly<Record<Exclusion, string>> = {
  offline: 'not online',
  disconnected: 'no socket',
  on_ride: 'on a ride',
  bidding: 'has bid for another trip',
  has_offers: 'holds as many offers as he may',
  was_asked: 'was asked for this trip before',
  gave_it_up: 'gave this trip up',
  suspended: 'suspended',
}

function excludedLines(excluded: readonly { driverId: string; why: Exclusion }[]): string[] {
  const byReason = Map.groupBy(excluded, ({ why }) => why)
  return [...byReason].map(
    ([why, drivers]) =>
      `not asked, ${EXCLUSIONS_TEXT[why] ?? why}: ${drivers.map(({ driverId }) => driverId).join(', ')}`,
  )
}

function replayLine(printer: Printer, replay: Replay): string {
  switch (replay.verdict) {
    case 'same':
      return printer.paint('green', '✔ made again, it comes to the same')
    case 'left_out':
      return `✔ made again, it comes to the same; could not be asked any more in that moment: ${replay.driverIds.join(', ')}`
    case 'differs': {
      const planned = replay.planned.map(({ driverId, cost }) => `${driverId} at ${cost.toFixed(1)}`)
      return printer.paint('red', `✘ made again, it asks ${planned.join(', ') || 'nobody'}`)
    }
    case 'no_policy':
      return 'no policy decided this: its time was over'
    default:
      return replay satisfies never
  }
}

function bidTable(printer: Printer, bids: readonly Bid[]): string[] {
  return printer.table(
    ['BID', 'DRIVER', 'AMOUNT', 'ETA', 'STATE'],
    bids.map((bid) => [
      timeText(bid.createdAt),
      bid.driverId,
      amountText(bid.fare.amountMinor, bid.fare.currency),
      bid.etaSeconds === null ? '-' : durationText(bid.etaSeconds),
      bid.state === 'accepted' ? { text: bid.state, colour: 'green' } : bid.state,
    ]),
    'no bids',
  )
}
