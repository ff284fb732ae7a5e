import type { CommandPool } from '../../../db/pools.ts'
import { inTransaction, withConnection } from '../../../db/transaction.ts'
import { type Id, idToText, newId } from '../../base/ids.ts'
import type { Push } from '../../feed/envelope.ts'
import { type EndedOffer, overdueOffersOf } from '../offers/expire.ts'
import type { OfferAnswer } from '../offers/standings.ts'
import type { Told } from '../trips/announce.ts'
import type { DispatchPolicy, Unserved } from '../trips/trip.ts'
import { type CandidateSources, findProspects, type Prospect } from './candidates.ts'
import { postponeSearch, readSearches, type Search } from './dispatch-store.ts'
import { closeSearchIn } from './end-search.ts'
import { expireAndTell } from './ended-offers.ts'
import type { DispatchMetrics } from './metrics.ts'
import { type Offered, offerIn } from './offering.ts'
import type { PlannedOffer, WaitingTrip } from './policy.ts'
import { roomFor } from './room.ts'
import type { DispatchRules, DispatchSettings } from './settings.ts'
import { endUnservedIn } from './unserved.ts'

/** What a round needs. */
export interface RoundTools extends CandidateSources {
  readonly pool: CommandPool
  readonly rules: DispatchRules
  /** Who is asked, by a policy. */
  readonly decide: (
    policy: DispatchPolicy,
    trips: readonly WaitingTrip[],
    settings: DispatchSettings,
  ) => Promise<readonly PlannedOffer[]>
  /** Write messages for Laravel. */
  readonly callbacks: boolean
  /** Rings for callbacks that were committed. Must not throw. */
  readonly ring: (ids: readonly Id[]) => void
  /** Must not reject. */
  readonly publish: (pushes: readonly Push[]) => Promise<unknown>
  readonly metrics: DispatchMetrics
  /** Hears who answered, or did not. */
  readonly answered: (answers: readonly OfferAnswer[]) => void
}

const READ_TIMEOUT_MS = 2_000

/** One look at a trip that waits: what is overdue ends, and whoever may be asked is asked. Does nothing for a trip that does not wait. */
export async function playRound(tools: RoundTools, tripId: string): Promise<void> {
  const [search] = await withConnection(tools.pool, 'read search', READ_TIMEOUT_MS, (connection) =>
    readSearches(connection, [tripId]),
  )
  if (search === undefined || search.policy === 'batch') return
  const settings = tools.rules.settingsOf(search.zoneId, search.category)
  if (search.asked > 0) await expireOffers(tools, [tripId])
  if (search.isOverdue) return endUnserved(tools, search, settings, null)
  const { prospects, over } = await findProspects(tools, [search], settings)
  const [prospect] = prospects
  if (prospect === undefined) return closeSearches(tools, over)
  const room = roomFor(search.policy, prospect.live, settings.maxDrivers)
  if (room === 0) return postpone(tools, search, prospect.liveMs)
  const asking = { ...settings, policy: search.policy, maxDrivers: room }
  const plans = await tools.decide(search.policy, [prospect], asking)
  if (plans.length === 0 && prospect.live > 0) return postpone(tools, search, settings.retryMs)
  if (plans.length === 0 && isHopeless(search, settings)) return endUnserved(tools, search, settings, null)
  await offer(tools, prospect, plans, { settings: asking, windowNumber: null })
}

/** Nobody could be asked for long. Who was asked once may come back to a trip until its deadline. */
export function isHopeless(
  { asked, waitedMs }: Pick<Search, 'asked' | 'waitedMs'>,
  { noDriversMs }: DispatchSettings,
): boolean {
  return asked === 0 && waitedMs >= noDriversMs
}

/** Whoever answers wakes the round; whoever does not is overdue by then. */
function postpone({ pool }: RoundTools, search: Search, inMs: number): Promise<void> {
  return withConnection(pool, 'postpone search', READ_TIMEOUT_MS, (connection) =>
    postponeSearch(connection, search, inMs),
  )
}

/** Asks the planned drivers, and tells them after the commit. */
export async function offer(
  tools: RoundTools,
  prospect: Prospect,
  plans: readonly PlannedOffer[],
  context: { readonly settings: DispatchSettings; readonly windowNumber: number | null },
): Promise<Offered> {
  const { pool, callbacks, connected } = tools
  const traceId = idToText(newId())
  const offered = await inTransaction(pool, 'make offers', (connection) =>
    offerIn(connection, prospect, plans, { ...context, callbacks, connected, traceId }),
  )
  if (offered.kind === 'stale' || offered.kind === 'held') return offered
  if (offered.kind === 'offered') {
    noteUnanswered(tools, offered.expired)
    noteOffers(tools, prospect.search, offered.made.length)
  }
  await tell(tools, offered.told)
  return offered
}

/** Ends a trip that found nobody. */
export async function endUnserved(
  tools: RoundTools,
  search: Search,
  settings: DispatchSettings,
  windowNumber: number | null,
): Promise<void> {
  const { pool, callbacks } = tools
  const reason: Unserved = search.asked === 0 ? 'no_drivers' : 'timed_out'
  const context = { settings, windowNumber, callbacks, traceId: idToText(newId()) }
  const told = await inTransaction(pool, 'end unserved', (connection) =>
    endUnservedIn(connection, search, reason, context),
  )
  if (told === null) return
  tools.metrics.decided(search.policy, reason)
  await tell(tools, told)
}

/** Ends what these trips' drivers let pass, tells them, and counts it. */
export async function expireOffers(tools: RoundTools, tripIds: readonly string[]): Promise<void> {
  const ids = await withConnection(tools.pool, 'overdue offers', READ_TIMEOUT_MS, (connection) =>
    overdueOffersOf(connection, tripIds),
  )
  if (ids.length === 0) return
  const { expired, told } = await inTransaction(tools.pool, 'expire offers', (connection) =>
    expireAndTell(connection, ids),
  )
  noteUnanswered(tools, expired)
  await tell(tools, told)
}

/** Trips that Laravel gave away or ended without telling. */
export async function closeSearches(
  tools: RoundTools,
  tripIds: readonly string[],
  windowNumber: number | null = null,
): Promise<void> {
  for (const tripId of tripIds) {
    const told = await inTransaction(tools.pool, 'close search', (connection) =>
      closeSearchIn(connection, tripId, windowNumber),
    )
    await tell(tools, told)
  }
}

function noteOffers({ metrics }: RoundTools, { policy, asked, waitedMs }: Search, made: number): void {
  metrics.decided(policy, made > 0 ? 'offered' : 'nobody')
  metrics.offered(policy, made)
  if (made > 0 && asked === 0) metrics.firstOffer(policy, waitedMs / 1_000)
}

function noteUnanswered({ answered }: RoundTools, expired: readonly EndedOffer[]): void {
  answered(expired.map(({ driverId }) => ({ driverId, state: 'expired' })))
}

async function tell({ ring, publish }: RoundTools, { rings, pushes }: Told): Promise<void> {
  if (rings.length > 0) ring(rings)
  if (pushes.length > 0) await publish(pushes)
}
