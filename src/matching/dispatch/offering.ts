import { isDuplicateKey } from '../../../db/errors.ts'
import type { PoolConnection } from '../../../db/pools.ts'
import { idToText, newId } from '../../base/ids.ts'
import { appendToFeed } from '../../feed/append.ts'
import { appendToOutbox } from '../../outbox/append.ts'
import { bidMessagesOf } from '../bids/bid-announcement.ts'
import { expireBidsOf } from '../bids/end.ts'
import { type EndedOffer, expiredPushes, expireOffersIn } from '../offers/expire.ts'
import { insertOffers, type NewOffer, OFFER_SLOTS, readOffersHeldBy } from '../offers/make.ts'
import type { Told } from '../trips/announce.ts'
import type { Prospect } from './candidates.ts'
import type { DecisionOutcome } from './decision.ts'
import { insertDecisions } from './decision-store.ts'
import { advanceSearch, lockSearch } from './dispatch-store.ts'
import { endSearchIn, isWaiting, lockFor } from './end-search.ts'
import type { ConnectedReading } from './facts.ts'
import { offerPushes, undeliveredCallbacks } from './offer-messages.ts'
import type { Candidate, PlannedOffer } from './policy.ts'
import { isEnough, isForMany } from './room.ts'
import { lookAgain } from './second-look.ts'
import type { DispatchSettings } from './settings.ts'

export interface DecisionContext {
  readonly settings: DispatchSettings
  /** Of batch. */
  readonly windowNumber: number | null
  /** Write messages for Laravel. */
  readonly callbacks: boolean
  readonly traceId: string
}

export interface OfferingContext extends DecisionContext {
  /** Who has a socket. */
  readonly connected: ConnectedReading
}

/**
 * offered: these drivers are asked, or nobody where all planned were asked by others meanwhile. over: the trip does not wait any more.
 * stale: somebody else has decided since, and nothing was done. held: somebody else has the trip at this moment, and a window does not wait
 * for him. `told` is for after the commit, `expired` are offers that were
 * found overdue.
 */
export type Offered =
  | {
      readonly kind: 'offered'
      readonly made: readonly NewOffer[]
      readonly expired: readonly EndedOffer[]
      readonly told: Told
    }
  | { readonly kind: 'over'; readonly told: Told }
  | { readonly kind: 'stale' }
  | { readonly kind: 'held' }

interface Planned {
  readonly candidate: Candidate
  readonly cost: number
}

/**
 * Asks the planned drivers for a trip, in the caller's transaction, if the trip still waits and nobody has decided since it was read.
 * Who may not be asked any more is left out, and so is who has got another offer meanwhile. Keeps the decision with all that it was made of.
 */
export async function offerIn(
  connection: PoolConnection,
  prospect: Prospect,
  plans: readonly PlannedOffer[],
  context: OfferingContext,
): Promise<Offered> {
  const { search } = prospect
  const trip = await lockFor(context)(connection, search.tripId)
  if (trip === 'held') return { kind: 'held' }
  if (trip === null || !isWaiting(trip))
    return { kind: 'over', told: await endSearchIn(connection, search.tripId) }
  const locked = await lockSearch(connection, search.tripId)
  if (locked?.round !== search.round) return { kind: 'stale' }
  const { planned, excluded, expired } = await stillAble(connection, prospect, plans, context)
  const bids = await expireBidsOf(
    connection,
    expired.map(({ id }) => id),
  )
  const { offerMs, biddingMs } = context.settings
  const expiresAt = new Date(trip.now.getTime() + (search.policy === 'bidding' ? biddingMs : offerMs))
  const made = await makeOffers(connection, search, planned, expiresAt)
  const outcome = made.length > 0 ? 'offered' : 'nobody'
  const isFull = made.length > 0 && !isShort(prospect, made.length, context.settings)
  const nextAt = isFull ? expiresAt : new Date(trip.now.getTime() + context.settings.retryMs)
  await advanceSearch(connection, trip.id, { asked: made.length, nextAt })
  await keepDecision(connection, prospect, { outcome, made, planned, excluded }, context)
  const unreached = new Set(driversOf(planned.filter(({ candidate }) => !candidate.isConnected)))
  const silent = made.filter(({ driverId }) => unreached.has(driverId))
  const messages = context.callbacks ? undeliveredCallbacks(trip, silent, context.traceId) : []
  const rings = await appendToOutbox(connection, messages, trip.now)
  const bidMessages = await appendToFeed(connection, bidMessagesOf(bids))
  return {
    kind: 'offered',
    made,
    expired,
    told: { rings, pushes: [...bidMessages, ...expiredPushes(expired), ...offerPushes(search, made)] },
  }
}

/** Fewer are asked than might be: whoever comes online soon is asked, too. `maxDrivers` is what was left beside the live ones. */
function isShort({ search, live }: Prospect, made: number, { maxDrivers }: DispatchSettings): boolean {
  return isForMany(search.policy) && !isEnough(live + made, live + maxDrivers)
}

function plannedOf({ candidates }: Prospect, plans: readonly PlannedOffer[]): Planned[] {
  const byId = new Map(candidates.map((candidate) => [candidate.driverId, candidate]))
  return plans.flatMap(({ driverId, cost }) => {
    const candidate = byId.get(driverId)
    return candidate === undefined ? [] : [{ candidate, cost }]
  })
}

/** Those of the planned who may still be asked. An offer of theirs that nobody ended yet, though its deadline passed, is ended: it holds a slot. */
async function stillAble(
  connection: PoolConnection,
  prospect: Prospect,
  plans: readonly PlannedOffer[],
  { connected, settings, windowNumber }: OfferingContext,
) {
  const { tripId, policy } = prospect.search
  const all = plannedOf(prospect, plans)
  const trip = { tripId, policy, offerMs: settings.offerMs }
  const { excluded, held } = await lookAgain(connection, connected, trip, driversOf(all))
  const out = new Set(excluded.map(({ driverId }) => driverId))
  const expired = await expireOffersIn(
    connection,
    held.filter(({ isOverdue, driverId }) => isOverdue && !out.has(driverId)).map(({ id }) => id),
    { passingBy: windowNumber !== null },
  )
  return { planned: all.filter(({ candidate }) => !out.has(candidate.driverId)), excluded, expired }
}

/** Twice somebody else may be faster; who is left out then is asked for something else. */
const TRIES = 3

async function makeOffers(
  connection: PoolConnection,
  { tripId, policy }: Prospect['search'],
  planned: readonly Planned[],
  expiresAt: Date,
): Promise<readonly NewOffer[]> {
  const isExclusive = !isForMany(policy)
  for (let attempt = 1; attempt <= TRIES && planned.length > 0; attempt += 1) {
    const held = await readOffersHeldBy(connection, driversOf(planned))
    const offers = planned.flatMap(({ candidate }): NewOffer[] => {
      const his = held.filter(({ driverId }) => driverId === candidate.driverId)
      if (isExclusive ? his.length > 0 : his.some((offer) => offer.tripId === tripId)) return []
      const slot = freeSlot(his.map((offer) => offer.slot))
      return slot === null ? [] : [newOffer(tripId, candidate, slot, expiresAt)]
    })
    if (offers.length === 0) return []
    try {
      await insertOffers(connection, offers)
      return offers
    } catch (error) {
      // The failed statement alone is undone.
      if (!isDuplicateKey(error, 'one_offer_a_slot')) throw error
    }
  }
  return []
}

function driversOf(planned: readonly Planned[]): string[] {
  return planned.map(({ candidate }) => candidate.driverId)
}

function freeSlot(taken: readonly (number | null)[]): number | null {
  for (let slot = 1; slot <= OFFER_SLOTS; slot += 1) if (!taken.includes(slot)) return slot
  return null
}

function newOffer(tripId: string, candidate: Candidate, slot: number, expiresAt: Date): NewOffer {
  const { driverId, distanceMeters, etaSeconds } = candidate
  return {
    id: newId(),
    tripId,
    driverId,
    slot,
    expiresAt,
    distanceMeters: Math.round(distanceMeters),
    etaSeconds: Math.round(etaSeconds),
  }
}

async function keepDecision(
  connection: PoolConnection,
  { search, pickup, candidates, excluded: before }: Prospect,
  what: {
    readonly outcome: DecisionOutcome
    readonly made: readonly NewOffer[]
    readonly planned: readonly Planned[]
    readonly excluded: Prospect['excluded']
  },
  { settings, windowNumber }: OfferingContext,
): Promise<void> {
  const { tripId, round, policy, waitedMs, zoneId, category } = search
  const costs = new Map(what.planned.map(({ candidate, cost }) => [candidate.driverId, cost]))
  const offers = what.made.map(({ id, driverId }) => ({
    driverId,
    offerId: idToText(id),
    cost: costs.get(driverId) ?? 0,
  }))
  // Who was planned stays among the candidates, so that the decision can be made again.
  const excluded = [...before, ...what.excluded]
  const document = { zoneId, category, settings, pickup, waitedMs, candidates, excluded, offers }
  await insertDecisions(connection, [
    { tripId, round, policy, windowNumber, outcome: what.outcome, document },
  ])
}
