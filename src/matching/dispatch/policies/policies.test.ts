import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { propertyRuns } from '../../../../test/support/property-runs.ts'
import { candidateOf, someTrips, tripOf } from '../../../../test/support/waiting-trips.ts'
import { DISPATCH_POLICIES } from '../../trips/trip.ts'
import type { PlannedOffer } from '../policy.ts'
import { DEFAULT_SETTINGS } from '../settings.ts'
import { POLICIES } from './policies.ts'

const settings = { ...DEFAULT_SETTINGS, maxDrivers: 3 }
const EXCLUSIVE = ['nearest', 'batch'] as const
const INVITING = ['broadcast', 'bidding'] as const
const trips = someTrips({ trips: 6, drivers: 8 })

const pairsOf = (offers: readonly PlannedOffer[]) => offers.map(({ tripId, driverId }) => [tripId, driverId])
const countsOf = (ids: readonly string[]) =>
  [...Map.groupBy(ids, (id) => id).values()].map((all) => all.length)

describe.each(DISPATCH_POLICIES)('%s', (policy) => {
  it('answers the same whatever the order of trips and candidates', () => {
    const shuffled = trips.chain((all) =>
      fc.record({
        all: fc.constant(all),
        other: fc
          .shuffledSubarray([...all], { minLength: all.length, maxLength: all.length })
          .map((some) => some.map((trip) => ({ ...trip, candidates: trip.candidates.toReversed() }))),
      }),
    )
    const property = fc.property(shuffled, ({ all, other }) => {
      expect(POLICIES[policy](other, settings)).toEqual(POLICIES[policy](all, settings))
    })
    fc.assert(property, propertyRuns(300))
  })

  it('asks only candidates, each once for a trip, at finite costs', () => {
    const property = fc.property(trips, (all) => {
      const offers = POLICIES[policy](all, settings)
      for (const { tripId, driverId, cost } of offers) {
        const trip = all.find((each) => each.tripId === tripId)
        expect(trip?.candidates.map((candidate) => candidate.driverId)).toContain(driverId)
        expect(Number.isFinite(cost) && cost >= 0).toBe(true)
      }
      expect(new Set(pairsOf(offers).map(String)).size).toBe(offers.length)
    })
    fc.assert(property, propertyRuns(300))
  })

  it('has nobody for nobody', () => {
    expect(POLICIES[policy]([], settings)).toEqual([])
    expect(POLICIES[policy]([tripOf('trip-1', [])], settings)).toEqual([])
  })
})

describe.each(EXCLUSIVE)('%s, which is exclusive,', (policy) => {
  it('asks a driver for one trip, and for each trip one driver, who is connected', () => {
    const property = fc.property(trips, (all) => {
      const offers = POLICIES[policy](all, settings)
      expect(Math.max(0, ...countsOf(offers.map(({ driverId }) => driverId)))).toBeLessThanOrEqual(1)
      expect(Math.max(0, ...countsOf(offers.map(({ tripId }) => tripId)))).toBeLessThanOrEqual(1)
      const away = all.flatMap(({ tripId, candidates }) =>
        candidates.filter(({ isConnected }) => !isConnected).map(({ driverId }) => [tripId, driverId]),
      )
      for (const pair of pairsOf(offers)) expect(away).not.toContainEqual(pair)
    })
    fc.assert(property, propertyRuns(300))
  })
})

describe.each(INVITING)('%s, which invites many,', (policy) => {
  it('keeps to its caps, and asks fewer only where there are no more', () => {
    const property = fc.property(trips, (all) => {
      const offers = POLICIES[policy](all, settings)
      expect(Math.max(0, ...countsOf(offers.map(({ tripId }) => tripId)))).toBeLessThanOrEqual(3)
      expect(Math.max(0, ...countsOf(offers.map(({ driverId }) => driverId)))).toBeLessThanOrEqual(2)
      const [alone] = all
      if (alone === undefined) return
      expect(POLICIES[policy]([alone], settings)).toHaveLength(Math.min(3, alone.candidates.length))
    })
    fc.assert(property, propertyRuns(300))
  })

  it('asks who has no connection after all who have one', () => {
    const far = candidateOf('far', { etaSeconds: 900 })
    const away = candidateOf('away', { etaSeconds: 10, isConnected: false })
    const offers = POLICIES[policy]([tripOf('trip-1', [away, far])], settings)
    expect(offers.map(({ driverId }) => driverId)).toEqual(['far', 'away'])
    expect(POLICIES[policy]([tripOf('trip-1', [away, far])], { ...settings, maxDrivers: 1 })).toMatchObject([
      { driverId: 'far' },
    ])
  })
})

describe('nearest', () => {
  it('lets who has waited for longest choose first', () => {
    const near = candidateOf('near', { etaSeconds: 30 })
    const far = candidateOf('far', { etaSeconds: 300 })
    const offers = POLICIES.nearest(
      [tripOf('a', [near, far], 1_000), tripOf('b', [near, far], 9_000)],
      settings,
    )
    expect(pairsOf(offers)).toEqual([
      ['b', 'near'],
      ['a', 'far'],
    ])
  })
})
