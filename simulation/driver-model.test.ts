import { describe, expect, it } from 'vitest'
import { CAIRO } from './city.ts'
import { acceptProbability, answerOf, bidOf, type DriverPlan, fleetOf } from './driver-model.ts'
import { randomOf } from './random.ts'

const fleet = (drivers: number, seed = 1) =>
  fleetOf({ city: CAIRO, drivers, minutes: 120, random: randomOf(seed) })

describe('the fleet', () => {
  it('is the same for the same seed, and a larger one begins with a smaller', () => {
    expect(fleet(20)).toEqual(fleet(20))
    expect(fleet(40).slice(0, 20)).toEqual(fleet(20))
    expect(fleet(20, 2)).not.toEqual(fleet(20))
  })

  it('has phones that fall silent, lose their connection, and rest, one after the other', () => {
    const kinds = new Set<string>()
    for (const { outages } of fleet(100)) {
      let endMs = 0
      for (const { kind, fromMs, toMs } of outages) {
        kinds.add(kind)
        expect(fromMs).toBeGreaterThanOrEqual(endMs)
        expect(toMs - fromMs).toBeGreaterThanOrEqual(9_999)
        endMs = toMs
      }
    }
    expect([...kinds].toSorted()).toEqual(['break', 'disconnected', 'silent'])
  })
})

describe('a driver', () => {
  const [plan] = fleet(1) as [DriverPlan]
  const answers = (pickupMeters: number) =>
    Array.from({ length: 2_000 }, (_, index) => answerOf(plan, pickupMeters, randomOf(index)))
  const share = (pickupMeters: number, kind: string) =>
    answers(pickupMeters).filter((answer) => answer.kind === kind).length / 2_000

  it('takes the more rides the nearer they are', () => {
    expect(acceptProbability(plan, 0)).toBe(1 - plan.baseDecline)
    expect(share(300, 'accept')).toBeGreaterThan(share(3_000, 'accept') + 0.1)
    expect(share(3_000, 'accept')).toBeGreaterThan(share(9_000, 'accept') + 0.1)
    expect(Math.abs(share(300, 'accept') - (1 - plan.ignores) * acceptProbability(plan, 300))).toBeLessThan(
      0.05,
    )
  })

  it('does not look at some, and thinks for a while', () => {
    expect(Math.abs(share(300, 'ignore') - plan.ignores)).toBeLessThan(0.03)
    const times = answers(300).map(({ afterMs }) => afterMs)
    expect(times.every((afterMs) => afterMs > 0)).toBe(true)
    expect(times.toSorted((a, b) => a - b)[1_000]).toBeGreaterThan(plan.thinkMs * 0.9)
  })

  it('bids about the estimate, and more where the way is long', () => {
    const bids = (meters: number) =>
      Array.from({ length: 500 }, (_, index) => bidOf(5_000, meters, randomOf(index)))
    const mean = (list: readonly number[]) => list.reduce((sum, bid) => sum + bid, 0) / list.length
    expect(mean(bids(500))).toBeGreaterThan(4_800)
    expect(mean(bids(500))).toBeLessThan(5_600)
    expect(mean(bids(5_000))).toBeGreaterThan(mean(bids(500)) + 400)
    expect(bids(500).every(Number.isSafeInteger)).toBe(true)
  })
})
