import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { propertyRuns } from '../../../test/support/property-runs.ts'
import type { Position } from './nearby.ts'
import { straightLine, straightMeters } from './route-estimate.ts'

const degrees = (most: number) => fc.double({ min: -most, max: most, noNaN: true })
const positions: fc.Arbitrary<Position> = fc.record({ latitude: degrees(90), longitude: degrees(180) })
const HALF_WAY_ROUND_METERS = Math.PI * 6_371_008.8
/** What rounding may do to distances round the world. */
const A_METER = 1

describe('straightMeters', () => {
  it('knows Cairo to Alexandria, and a step of a street', () => {
    const cairo = { latitude: 30.0444, longitude: 31.2357 }
    const alexandria = { latitude: 31.2001, longitude: 29.9187 }
    expect(straightMeters(cairo, alexandria)).toBeCloseTo(179_700, -3)
    expect(straightMeters(cairo, { ...cairo, latitude: 30.0445 })).toBeCloseTo(11.12, 1)
  })

  it('is the same both ways, nought from here to here, and no more than half the way round', () => {
    fc.assert(
      fc.property(positions, positions, (a, b) => {
        const meters = straightMeters(a, b)
        expect(Math.abs(meters - straightMeters(b, a))).toBeLessThan(A_METER)
        expect(straightMeters(a, a)).toBe(0)
        expect(meters).toBeGreaterThanOrEqual(0)
        expect(meters).toBeLessThanOrEqual(HALF_WAY_ROUND_METERS + A_METER)
      }),
      propertyRuns(500),
    )
  })

  it('is never longer than a way over a third place', () => {
    fc.assert(
      fc.property(positions, positions, positions, (a, b, c) => {
        expect(straightMeters(a, c)).toBeLessThanOrEqual(
          straightMeters(a, b) + straightMeters(b, c) + A_METER,
        )
      }),
      propertyRuns(500),
    )
  })

  it('goes over the 180th degree, and not round the world', () => {
    const west = { latitude: 0, longitude: 179.999 }
    const east = { latitude: 0, longitude: -179.999 }
    expect(straightMeters(west, east)).toBeCloseTo(222.4, 0)
  })
})

describe('straightLine', () => {
  const route = { roadFactor: 1.3, speedKmh: 30 }

  it('makes the way longer by the road factor, and takes the time that its speed needs', () => {
    const from = { latitude: 30, longitude: 31 }
    const to = { latitude: 30.05, longitude: 31 }
    // 5,560 m in a straight line.
    expect(straightLine([{ from, to }], route)).toEqual([{ distanceMeters: 7_228, etaSeconds: 867 }])
  })

  it('answers each leg in its place, in whole numbers', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ from: positions, to: positions }), { maxLength: 20 }), (legs) => {
        const estimates = straightLine(legs, route)
        expect(estimates).toEqual(legs.map((leg) => straightLine([leg], route)[0]))
        for (const { distanceMeters, etaSeconds } of estimates) {
          expect(Number.isSafeInteger(distanceMeters) && Number.isSafeInteger(etaSeconds)).toBe(true)
          expect(etaSeconds).toBeGreaterThanOrEqual(0)
        }
      }),
      propertyRuns(200),
    )
  })

  it('never takes less time for the same way at a lower speed', () => {
    fc.assert(
      fc.property(positions, positions, fc.integer({ min: 1, max: 100 }), (from, to, speedKmh) => {
        const [slow] = straightLine([{ from, to }], { ...route, speedKmh })
        const [fast] = straightLine([{ from, to }], { ...route, speedKmh: speedKmh + 1 })
        expect(slow?.etaSeconds).toBeGreaterThanOrEqual(fast?.etaSeconds ?? 0)
      }),
      propertyRuns(200),
    )
  })
})
