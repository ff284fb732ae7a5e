import type { Bid } from '../bids/bid.ts'
import type { OfferStory } from '../offers/offer-history.ts'
import type { TripHistory } from '../trips/history.ts'
import type { StoredDecision } from './decision-reader.ts'
import { ranked } from './policies/ranking.ts'
import type { Candidate } from './policy.ts'
import { type Replay, replay } from './replay.ts'
import type { OngoingSearch } from './search-reader.ts'

/** All that is kept of how a trip found its driver, or did not. */
export interface DispatchFacts {
  readonly history: TripHistory
  /** Null: nobody is looked for now. */
  readonly search: OngoingSearch | null
  /** Each the oldest first. */
  readonly decisions: readonly StoredDecision[]
  readonly offers: readonly OfferStory[]
  readonly bids: readonly Bid[]
  /** What was decided together with a decision, by its id's text in hex; only where decisions are to be made again. */
  readonly windows: ReadonlyMap<string, readonly StoredDecision[]> | null
}

/** A driver who could be asked, in the order in which the policy likes them. */
export interface RankedCandidate extends Candidate {
  /** From 1. */
  readonly rank: number
  /** In seconds, the less the better. */
  readonly cost: number
  /** Null: he was not asked by this decision. */
  readonly offer: OfferStory | null
}

export interface ExplainedDecision {
  readonly decision: StoredDecision
  readonly candidates: readonly RankedCandidate[]
  /** Null: nobody asked for it. */
  readonly replay: Replay | null
}

/** Ranks the candidates of every decision as the policy does, and says what became of each who was asked. Pure. */
export function explain({ decisions, offers, windows }: DispatchFacts): ExplainedDecision[] {
  const byId = new Map(offers.map((offer) => [offer.id.toString('hex'), offer]))
  return decisions.map((decision) => ({
    decision,
    candidates: rankedCandidates(decision, byId),
    replay:
      windows === null ? null : replay(decision, windows.get(decision.id.toString('hex')) ?? [decision]),
  }))
}

function rankedCandidates(
  { document }: StoredDecision,
  stories: ReadonlyMap<string, OfferStory>,
): RankedCandidate[] {
  const { candidates, offers, settings } = document
  const byDriver = new Map(candidates.map((candidate) => [candidate.driverId, candidate]))
  const offerOf = new Map(
    offers.map(({ driverId, offerId }) => [driverId, stories.get(offerId.replaceAll('-', '')) ?? null]),
  )
  return ranked(candidates, settings.weights).flatMap(({ driverId, cost }, index) => {
    const candidate = byDriver.get(driverId)
    if (candidate === undefined) return []
    return [{ ...candidate, rank: index + 1, cost, offer: offerOf.get(driverId) ?? null }]
  })
}
