import { idToText } from '../../base/ids.ts'
import { bidJson } from '../bids/json.ts'
import { offerStoryJson, tookMs } from '../offers/offer-history.ts'
import { tripHistoryJson } from '../trips/json.ts'
import { endingOf } from './ending.ts'
import type { DispatchFacts, ExplainedDecision, RankedCandidate } from './explanation.ts'
import type { OngoingSearch } from './search-reader.ts'

/** How a trip found its driver as JSON: times ISO 8601, amounts in minor units. */
export function explanationJson(facts: DispatchFacts, explained: readonly ExplainedDecision[]) {
  const { trip, transitions } = tripHistoryJson(facts.history)
  return {
    ...{ trip, transitions },
    search: searchJson(facts.search),
    decisions: explained.map(decisionJson),
    offers: facts.offers.map(offerStoryJson),
    bids: facts.bids.map((bid) => ({ ...bidJson(bid), state: bid.state })),
    ending: endingOf(facts, explained),
  }
}

export function searchJson(search: OngoingSearch | null) {
  if (search === null) return null
  const { zoneId, category, policy, round, asked, since, deadlineAt, nextAt } = search
  return {
    ...{ zoneId, category, policy, round, asked, since: since.toISOString() },
    ...{ deadlineAt: deadlineAt.toISOString(), nextAt: nextAt.toISOString() },
  }
}

function decisionJson({ decision, candidates, replay }: ExplainedDecision) {
  const { document } = decision
  return {
    id: idToText(decision.id),
    at: decision.at.toISOString(),
    round: decision.round,
    policy: decision.policy,
    windowNumber: decision.windowNumber,
    outcome: decision.outcome,
    zoneId: document.zoneId,
    category: document.category,
    waitedMs: document.waitedMs,
    pickup: document.pickup,
    settings: document.settings,
    candidates: candidates.map(candidateJson),
    excluded: document.excluded,
    ...(replay === null ? {} : { replay }),
  }
}

function candidateJson({ offer, ...candidate }: RankedCandidate) {
  if (offer === null) return { ...candidate, offer: null }
  const { id, state, reason } = offer
  return { ...candidate, offer: { id: idToText(id), state, reason, afterMs: tookMs(offer) } }
}
