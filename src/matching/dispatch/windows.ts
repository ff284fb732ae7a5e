import { inTransaction, withConnection } from '../../../db/transaction.ts'
import { findProspects, type Prospect } from './candidates.ts'
import type { Search } from './dispatch-store.ts'
import { lookedAt } from './next-look.ts'
import type { PlannedOffer } from './policy.ts'
import { closeSearches, endUnserved, expireOffers, isHopeless, offer, type RoundTools } from './rounds.ts'
import type { DispatchSettings } from './settings.ts'
import { openGroup, searchesInWindow, takeWindow, type WindowGroup, waitingGroups } from './window-store.ts'

/** As many trips as one window matches; the rest, who have waited less, are in the next. */
const WINDOW_TRIPS = 1_000
/** Transactions at once: each takes one of the dispatcher's connections. */
const AT_ONCE = 3
const READ_TIMEOUT_MS = 2_000

/**
 * Plays the windows that are over, of every zone and category in which a trip waits for one. What goes wrong with one trip or group, or is
 * held by somebody, keeps no other waiting; the first failure is thrown when all are played.
 */
export async function playWindows(tools: RoundTools): Promise<void> {
  const groups = await withConnection(tools.pool, 'waiting groups', READ_TIMEOUT_MS, waitingGroups)
  await each(groups, 1, (group) => playWindow(tools, group))
}

/** Matches all who wait in a group with all who are free, if its window is over and no other process has it. */
async function playWindow(tools: RoundTools, group: WindowGroup): Promise<void> {
  const settings = tools.rules.settingsOf(group.zoneId === '' ? null : group.zoneId, group.category)
  const window = await withConnection(tools.pool, 'take window', READ_TIMEOUT_MS, async (connection) => {
    const number = await takeWindow(connection, group, settings.windowMs)
    if (number !== null) return { number, searches: await searchesInWindow(connection, group, WINDOW_TRIPS) }
    await openGroup(connection, group, settings.windowMs)
    return null
  })
  if (window === null || window.searches.length === 0) return
  const { number, searches } = window
  const asked = searches.filter((search) => search.asked > 0).map(({ tripId }) => tripId)
  const overdue = searches.filter(({ isOverdue }) => isOverdue)
  const others = searches.filter(({ isOverdue }) => !isOverdue)
  await inTurn([
    () => expireOffers(tools, asked),
    () => each(overdue, AT_ONCE, (search) => endUnserved(tools, search, settings, number)),
    () => match(tools, others, settings, number),
  ])
}

async function match(
  tools: RoundTools,
  searches: readonly Search[],
  settings: DispatchSettings,
  windowNumber: number,
): Promise<void> {
  if (searches.length === 0) return
  const { prospects, over } = await findProspects(tools, searches, settings)
  const free = prospects.filter(({ live }) => live === 0)
  const plans = await tools.decide('batch', free, settings)
  const byTrip = Map.groupBy(plans, ({ tripId }) => tripId)
  const unserved = searches.map(({ tripId }) => tripId).filter((tripId) => !byTrip.has(tripId))
  await inTurn([
    () =>
      each(free, AT_ONCE, (prospect) =>
        serve(tools, prospect, byTrip.get(prospect.tripId) ?? [], { settings, windowNumber }),
      ),
    () => closeSearches(tools, over, windowNumber),
    () => inTransaction(tools.pool, 'looked at', (connection) => lookedAt(connection, unserved)),
  ])
}

async function serve(
  tools: RoundTools,
  prospect: Prospect,
  plans: readonly PlannedOffer[],
  context: { readonly settings: DispatchSettings; readonly windowNumber: number },
): Promise<void> {
  const { search } = prospect
  if (plans.length > 0) await offer(tools, prospect, plans, context)
  else if (isHopeless(search, context.settings))
    await endUnserved(tools, search, context.settings, context.windowNumber)
}

/** Each, whatever became of the one before. */
function inTurn(steps: readonly (() => Promise<unknown>)[]): Promise<void> {
  return each(steps, 1, (step) => step())
}

/** So many at once, all of them; then throws what the first of those threw that failed. */
async function each<T>(all: readonly T[], atOnce: number, work: (one: T) => Promise<unknown>): Promise<void> {
  const failures: unknown[] = []
  for (let start = 0; start < all.length; start += atOnce) {
    const played = await Promise.allSettled(all.slice(start, start + atOnce).map(work))
    for (const one of played) if (one.status === 'rejected') failures.push(one.reason)
  }
  if (failures.length > 0) throw failures[0]
}
