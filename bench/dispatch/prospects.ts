import { type City, type Point, positionOf, straightMeters } from '../../simulation/city.ts'
import { driversToFind } from '../../src/matching/dispatch/candidates.ts'
import { exclusionOf, type Facts } from '../../src/matching/dispatch/facts.ts'
import type { Candidate, WaitingTrip } from '../../src/matching/dispatch/policy.ts'
import type { DispatchSettings } from '../../src/matching/dispatch/settings.ts'
import { POOL_TEMPO } from '../../src/matching/drivers/pool-tempo.ts'
import { straightLine } from '../../src/matching/drivers/route-estimate.ts'
import type { Cab, Report } from './cab.ts'
import type { Search } from './search.ts'

interface Known {
  readonly cab: Cab
  readonly report: Report
}

/** What the index and the database would say of all drivers at a moment. */
export class Picture {
  readonly #city: City
  readonly #nowMs: number
  readonly #known: readonly Known[]
  readonly #facts: Omit<Facts, 'earlier' | 'gaveUp'>

  constructor(city: City, cabs: readonly Cab[], nowMs: number) {
    this.#city = city
    this.#nowMs = nowMs
    this.#known = cabs
      .filter((cab) => !cab.isBusy && !cab.isOnBreak)
      .map((cab) => ({ cab, report: cab.reportAt(nowMs) }))
      .filter(({ report }) => report.ageMs <= POOL_TEMPO.staleMs)
    this.#facts = factsOf(
      this.#known.map(({ cab }) => cab),
      nowMs,
    )
  }

  /** The trip with everybody who may be asked for it. */
  prospectOf(search: Search, settings: DispatchSettings): WaitingTrip {
    const { tripId, request, asked, sinceMs, gaveUp } = search
    const { policy, maxDrivers, searchRadiiMeters, route, offerMs } = settings
    const found = this.#near(request.pickup, searchRadiiMeters, driversToFind(policy, maxDrivers, asked))
    const facts: Facts = {
      ...this.#facts,
      earlier: new Map([[tripId, search.earlier(this.#nowMs)]]),
      gaveUp: new Map([[tripId, gaveUp]]),
    }
    const able = found.filter(({ cab }) => exclusionOf(facts, { tripId, policy, offerMs }, cab.id) === null)
    const pickup = positionOf(this.#city, request.pickup)
    const candidates = able.map(({ cab, report }): Candidate => {
      const position = positionOf(this.#city, report.point)
      const [leg] = straightLine([{ from: position, to: pickup }], route)
      return {
        driverId: cab.id,
        position,
        distanceMeters: leg?.distanceMeters ?? 0,
        etaSeconds: leg?.etaSeconds ?? 0,
        positionAgeMs: report.ageMs,
        isConnected: facts.connected.has(cab.id),
        acceptanceRate: cab.acceptance,
        idleSeconds: Math.round((this.#nowMs - cab.idleSinceMs) / 1_000),
      }
    })
    return { tripId, pickup, waitedMs: this.#nowMs - sinceMs, candidates }
  }

  /** As the driver pool searches: the first radius that has enough, or the last. */
  #near(center: Point, radiiMeters: readonly number[], limit: number): readonly Known[] {
    const all = this.#known
      .map((known) => ({ known, meters: straightMeters(known.report.point, center) }))
      .sort((a, b) => a.meters - b.meters)
    const last = radiiMeters.at(-1) ?? 0
    const radius =
      radiiMeters.find((meters) => all.filter((one) => one.meters <= meters).length >= limit) ?? last
    return all
      .filter(({ meters }) => meters <= radius)
      .slice(0, limit)
      .map(({ known }) => known)
  }
}

function factsOf(cabs: readonly Cab[], nowMs: number): Omit<Facts, 'earlier' | 'gaveUp'> {
  const duty = { isOnline: true, availability: 'available' }
  return {
    duties: new Map(cabs.map((cab) => [cab.id, duty])),
    connected: new Set(
      cabs.filter((cab) => cab.outageAt(nowMs)?.kind !== 'disconnected').map(({ id }) => id),
    ),
    onRide: new Set(),
    suspended: new Set(),
    bidding: new Set(cabs.filter(({ bid }) => bid !== null).map(({ id }) => id)),
    held: new Map(cabs.map((cab) => [cab.id, [...cab.offers].map((tripId) => heldOffer(cab.id, tripId))])),
    standings: new Map(),
    waiting: new Set(),
  }
}

type HeldOffer = NonNullable<ReturnType<Facts['held']['get']>>[number]
const NO_ID = Buffer.alloc(16) as unknown as HeldOffer['id']

function heldOffer(driverId: string, tripId: string): HeldOffer {
  return { id: NO_ID, driverId, tripId, slot: null, isOverdue: false }
}
