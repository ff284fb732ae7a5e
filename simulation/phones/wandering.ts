import { type City, type Journey, journeyOf, type Point, placeIn, pointAt } from '../city.ts'
import type { Random } from '../random.ts'

/** Who looks for passengers drives half as fast … */
const PACE = 0.5
/** … and stands for a while where he expects some. */
const REST_MEAN_MS = 120_000

/** A driver without a ride: from one place where people are to the next, and a rest at each. Where he is follows from the time alone. */
export class Wandering {
  readonly #city: City
  readonly #random: Random
  readonly #speedKmh: number
  #journey: Journey

  constructor(city: City, random: Random, speedKmh: number, from: Point, nowMs: number) {
    this.#city = city
    this.#random = random
    this.#speedKmh = speedKmh * PACE
    const restMs = random.exponential(REST_MEAN_MS)
    this.#journey = journeyOf(from, from, nowMs + restMs, this.#speedKmh)
  }

  journeyAt(nowMs: number): Journey {
    while (this.#journey.endMs < nowMs) {
      const { to, endMs } = this.#journey
      const isAtRest = this.#journey.from === to
      const next = isAtRest ? placeIn(this.#city, this.#random) : to
      const startMs = isAtRest ? endMs : endMs + this.#random.exponential(REST_MEAN_MS)
      this.#journey = journeyOf(to, next, startMs, this.#speedKmh)
    }
    return this.#journey
  }

  pointAt(nowMs: number): Point {
    return pointAt(this.journeyAt(nowMs), nowMs)
  }
}
