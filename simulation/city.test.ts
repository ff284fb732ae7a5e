import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  CAIRO,
  headingOf,
  journeyOf,
  placeIn,
  pointAt,
  pointOf,
  positionOf,
  straightMeters,
  travelMs,
} from './city.ts'
import { demandOf } from './demand.ts'
import { randomOf } from './random.ts'

const coordinate = fc.double({ min: -6_000, max: 6_000, noNaN: true })
const point = fc.record({ x: coordinate, y: coordinate })

/** As everybody else computes it. */
function onTheSphere(a: ReturnType<typeof positionOf>, b: ReturnType<typeof positionOf>): number {
  const radians = (degrees: number) => (degrees * Math.PI) / 180
  const half = (from: number, to: number) => Math.sin(radians(to - from) / 2) ** 2
  const across = Math.cos(radians(a.latitude)) * Math.cos(radians(b.latitude))
  const part = half(a.latitude, b.latitude) + across * half(a.longitude, b.longitude)
  return 2 * 6_371_008.8 * Math.asin(Math.sqrt(part))
}

describe('the plane of the city', () => {
  it('is the one on Earth, within a part in five hundred, there and back', () => {
    fc.assert(
      fc.property(point, point, (a, b) => {
        const [there, other] = [positionOf(CAIRO, a), positionOf(CAIRO, b)]
        expect(straightMeters(pointOf(CAIRO, there), a)).toBeLessThan(0.02)
        expect(Math.abs(onTheSphere(there, other) - straightMeters(a, b))).toBeLessThan(
          0.05 + straightMeters(a, b) / 500,
        )
      }),
    )
  })

  it('is driven through at the speed that is said, on streets', () => {
    const [from, to] = [
      { x: 0, y: 0 },
      { x: 3_000, y: 4_000 },
    ]
    expect(travelMs(from, to, 26)).toBeCloseTo(15 * 60_000, 6)
    const journey = journeyOf(from, to, 1_000, 26)
    expect(pointAt(journey, 0)).toEqual(from)
    expect(pointAt(journey, 1_000 + 7.5 * 60_000)).toEqual({ x: 1_500, y: 2_000 })
    expect(pointAt(journey, journey.endMs + 1)).toEqual(to)
    expect(pointAt(journeyOf(from, from, 5, 26), 5)).toEqual(from)
    expect(headingOf(journey)).toBeCloseTo(36.87, 2)
    expect(headingOf(journeyOf(to, from, 0, 26))).toBeCloseTo(216.87, 2)
  })
})

describe('the demand', () => {
  const demand = (seed: number, perMinute = 40) =>
    demandOf({ city: CAIRO, perMinute, minutes: 30, random: randomOf(seed) })

  it('is the same for the same seed, ordered by time, and about as much as asked', () => {
    expect(demand(1)).toEqual(demand(1))
    expect(demand(1)).not.toEqual(demand(2))
    for (const seed of [1, 2, 3]) {
      const requests = demand(seed)
      expect(Math.abs(requests.length - 1_200)).toBeLessThan(140)
      expect(requests.map(({ atMs }) => atMs)).toEqual(
        requests.map(({ atMs }) => atMs).toSorted((a, b) => a - b),
      )
      expect(requests.every(({ atMs }) => atMs >= 0 && atMs <= 30 * 60_000)).toBe(true)
      expect(new Set(requests.map(({ riderId }) => riderId)).size).toBe(requests.length)
    }
  })

  it('stays in the city, and nobody asks to be driven round the corner', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        for (const { pickup, destination } of demand(seed, 5)) {
          for (const { x, y } of [pickup, destination]) {
            expect(Math.abs(x)).toBeLessThanOrEqual(CAIRO.sizeMeters / 2)
            expect(Math.abs(y)).toBeLessThanOrEqual(CAIRO.sizeMeters / 2)
          }
          expect(straightMeters(pickup, destination)).toBeGreaterThan(500)
        }
      }),
      { numRuns: 30 },
    )
  })

  it('comes from the hot spots mostly', () => {
    const random = randomOf(5)
    const places = Array.from({ length: 2_000 }, () => placeIn(CAIRO, random))
    const isHot = (place: (typeof places)[number]) =>
      CAIRO.hotSpots.some(({ center, spreadMeters }) => straightMeters(center, place) < 2 * spreadMeters)
    expect(places.filter(isHot).length / places.length).toBeGreaterThan(0.6)
  })
})
