import { type City, type Journey, type Point, pointAt } from '../../simulation/city.ts'
import type { DriverPlan, Outage } from '../../simulation/driver-model.ts'
import { Wandering } from '../../simulation/phones/wandering.ts'
import type { Random } from '../../simulation/random.ts'
import { UNKNOWN_ACCEPTANCE } from '../../src/matching/dispatch/policies/cost.ts'

/** A phone says where it is this often. */
const REPORT_MS = 5_000
/** How much the last answer counts, as in the service. */
const LAST_ANSWER = 0.1

/** What the service last heard of a driver's place. */
export interface Report {
  readonly point: Point
  readonly ageMs: number
}

/** A driver with his car and phone. */
export class Cab {
  readonly plan: DriverPlan
  readonly #city: City
  readonly #random: Random
  readonly #phaseMs: number
  #wandering: Wandering
  #outage = 0
  /** He is on his way to a rider, or with one. */
  isBusy = false
  isOnBreak = false
  /** The trip that he has bid for. */
  bid: string | null = null
  /** Offers that he holds, by trip. */
  readonly offers = new Set<string>()
  acceptance: number | null = null
  idleSinceMs = 0
  busyMs = 0
  rides = 0

  constructor(city: City, plan: DriverPlan, random: Random) {
    this.plan = plan
    this.#city = city
    this.#random = random
    this.#phaseMs = random.split('phase').below(REPORT_MS)
    this.#wandering = new Wandering(city, random.split('wandering', 0), plan.speedKmh, plan.start, 0)
  }

  get id(): string {
    return this.plan.driverId
  }

  /** Where he really is. */
  pointAt(nowMs: number): Point {
    return this.#wandering.pointAt(nowMs)
  }

  /** What ails his phone; breaks are another matter. Times never go back. */
  outageAt(nowMs: number): Outage | null {
    const { outages } = this.plan
    for (;;) {
      const outage = outages[this.#outage]
      if (outage === undefined || nowMs < outage.fromMs) return null
      if (nowMs < outage.toMs) return outage.kind === 'break' ? null : outage
      this.#outage += 1
    }
  }

  /** His phone has spoken last before its outage; positions are as old as that. */
  reportAt(nowMs: number): Report {
    const heardMs = this.outageAt(nowMs)?.fromMs ?? nowMs
    const atMs = Math.max(0, Math.floor((heardMs - this.#phaseMs) / REPORT_MS) * REPORT_MS + this.#phaseMs)
    const journey: Journey = this.#wandering.journeyAt(nowMs)
    return { point: pointAt(journey, atMs), ageMs: nowMs - atMs }
  }

  noteAnswer(isAccepted: boolean): void {
    const before = this.acceptance ?? UNKNOWN_ACCEPTANCE
    this.acceptance = before + ((isAccepted ? 1 : 0) - before) * LAST_ANSWER
  }

  begin(): void {
    this.isBusy = true
    this.rides += 1
  }

  /** He is free again, at this place. */
  end(point: Point, nowMs: number, busyMs: number): void {
    this.isBusy = false
    this.busyMs += busyMs
    this.idleSinceMs = nowMs
    const random = this.#random.split('wandering', this.rides)
    this.#wandering = new Wandering(this.#city, random, this.plan.speedKmh, point, nowMs)
  }
}
