import type { Pool, PoolConnection } from '../../../db/pools.ts'
import { readBidsOf } from '../bids/bid-store.ts'
import { readOfferStories } from '../offers/offer-history.ts'
import { readTripHistory } from '../trips/history.ts'
import { readDecisionsOf, readWindowOf, type StoredDecision } from './decision-reader.ts'
import type { DispatchFacts } from './explanation.ts'
import { readOngoingSearch } from './search-reader.ts'

/** More than a trip has: it is looked for some minutes, and once more where its driver gave it back. */
const DECISION_LIMIT = 500
const OFFER_LIMIT = 1_000
const BID_LIMIT = 1_000

/** Reads all that is kept of how a trip found its driver; null where there is no such trip. `isReplayed`: to make decisions again. */
export async function readDispatchFacts(
  connection: Pick<PoolConnection | Pool, 'query'>,
  tripId: string,
  isReplayed: boolean,
): Promise<DispatchFacts | null> {
  const history = await readTripHistory(connection, tripId)
  if (history === null) return null
  const { id } = history.trip
  const decisions = await readDecisionsOf(connection, id, DECISION_LIMIT)
  const windows = new Map<string, readonly StoredDecision[]>()
  for (const decision of isReplayed ? decisions : [])
    windows.set(decision.id.toString('hex'), await readWindowOf(connection, decision))
  return {
    history,
    search: await readOngoingSearch(connection, id),
    decisions,
    offers: await readOfferStories(connection, id, OFFER_LIMIT),
    bids: await readBidsOf(connection, id, BID_LIMIT),
    windows: isReplayed ? windows : null,
  }
}
