import type { CommandPool } from '../../../db/pools.ts'
import type { NearbyDriver, NearbyDrivers } from '../drivers/nearby.ts'
import type { RouteEstimator } from '../drivers/route-estimate.ts'
import type { DispatchPolicy } from '../trips/trip.ts'
import type { Exclusion } from './decision.ts'
import type { Search } from './dispatch-store.ts'
import { type ConnectedReading, exclusionOf, type Facts, readFacts } from './facts.ts'
import type { Candidate, WaitingTrip } from './policy.ts'
import { isForMany } from './room.ts'
import type { DispatchSettings } from './settings.ts'

export interface CandidateSources {
  readonly pool: CommandPool
  readonly nearby: NearbyDrivers
  readonly estimate: RouteEstimator
  readonly connected: ConnectedReading
}

/** A trip and who may be asked for it. */
export interface Prospect extends WaitingTrip {
  readonly search: Search
  readonly excluded: readonly { readonly driverId: string; readonly why: Exclusion }[]
  /** Offers of it that are live. */
  readonly live: number
  /** Until the first of them ends; Infinity where there is none. */
  readonly liveMs: number
}

/** Who is looked at beside those who are asked: some are busy, and some were asked before. */
const SPARE_CANDIDATES = 10
/** More are not nearer. */
const MAX_CANDIDATES = 60

/**
 * Who may be asked for these trips, by Redis' word of where drivers are and the database's of all else. Trips that do not wait any
 * more are among `over`. Rejects where neither can be asked.
 */
export async function findProspects(
  sources: CandidateSources,
  searches: readonly Search[],
  settings: DispatchSettings,
): Promise<{ readonly prospects: Prospect[]; readonly over: string[] }> {
  const found = await Promise.all(searches.map((search) => searchNear(sources.nearby, search, settings)))
  const tripIds = searches.map(({ tripId }) => tripId)
  const driverIds = [...new Set(found.flat().map(({ driverId }) => driverId))]
  const facts = await readFacts(sources.pool, sources.connected, tripIds, driverIds)
  const prospects: Prospect[] = []
  for (const [index, search] of searches.entries()) {
    if (!facts.waiting.has(search.tripId)) continue
    prospects.push(await prospectOf(sources.estimate, facts, search, found[index] ?? [], settings))
  }
  return { prospects, over: tripIds.filter((tripId) => !facts.waiting.has(tripId)) }
}

function searchNear(
  nearby: NearbyDrivers,
  { zoneId, category, pickup, asked, policy }: Search,
  { neighbours, searchRadiiMeters, maxDrivers }: DispatchSettings,
): Promise<readonly NearbyDriver[]> {
  return nearby.search({
    zoneIds: [zoneId ?? '', ...neighbours],
    category,
    center: pickup,
    radiiMeters: searchRadiiMeters,
    limit: driversToFind(policy, maxDrivers, asked),
  })
}

/** How many drivers a search ends with. */
export function driversToFind(policy: DispatchPolicy, maxDrivers: number, asked: number): number {
  const wanted = isForMany(policy) ? maxDrivers : SPARE_CANDIDATES
  return Math.min(wanted + SPARE_CANDIDATES + asked, MAX_CANDIDATES)
}

async function prospectOf(
  estimate: RouteEstimator,
  facts: Facts,
  search: Search,
  found: readonly NearbyDriver[],
  { offerMs, route }: DispatchSettings,
): Promise<Prospect> {
  const { tripId, policy, pickup, waitedMs } = search
  const judged = found.map((driver) => ({
    driver,
    why: exclusionOf(facts, { tripId, policy, offerMs }, driver.driverId),
  }))
  const left = (facts.earlier.get(tripId) ?? []).flatMap(({ leftMs }) => (leftMs === null ? [] : [leftMs]))
  const able = judged.filter(({ why }) => why === null).map(({ driver }) => driver)
  const estimates = await estimate(
    able.map(({ position }) => ({ from: position, to: pickup })),
    route,
  )
  return {
    search,
    tripId,
    pickup: { latitude: pickup.latitude, longitude: pickup.longitude },
    waitedMs,
    candidates: able.flatMap((driver, index): Candidate[] => {
      const leg = estimates[index]
      return leg === undefined ? [] : [candidateOf(facts, driver, leg)]
    }),
    excluded: judged.flatMap(({ driver, why }) => (why === null ? [] : [{ driverId: driver.driverId, why }])),
    live: left.length,
    liveMs: Math.min(...left),
  }
}

function candidateOf(
  facts: Facts,
  { driverId, position, ageMs }: NearbyDriver,
  { distanceMeters, etaSeconds }: { readonly distanceMeters: number; readonly etaSeconds: number },
): Candidate {
  const standing = facts.standings.get(driverId)
  return {
    driverId,
    position,
    distanceMeters,
    etaSeconds,
    positionAgeMs: Math.round(ageMs),
    isConnected: facts.connected.has(driverId),
    acceptanceRate: standing?.acceptanceRate ?? null,
    idleSeconds: standing?.idleSeconds ?? null,
  }
}
