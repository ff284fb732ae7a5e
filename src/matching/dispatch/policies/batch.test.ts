import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { propertyRuns } from '../../../../test/support/property-runs.ts'
import { candidateOf, someTrips, tripOf } from '../../../../test/support/waiting-trips.ts'
import type { PlannedOffer, WaitingTrip } from '../policy.ts'
import { DEFAULT_SETTINGS } from '../settings.ts'
import { batch } from './batch.ts'
import { costOf } from './cost.ts'

const settings = DEFAULT_SETTINGS
const { weights } = settings

interface Value {
  readonly served: number
  /** Milliseconds, less what the trips have waited for. */
  readonly cost: number
}

function worthOf(all: readonly WaitingTrip[], offers: readonly PlannedOffer[]): Value {
  const waited = new Map(all.map(({ tripId, waitedMs }) => [tripId, waitedMs]))
  const costs = offers.map(
    ({ tripId, cost }) => Math.round(cost * 1_000) - weights.wait * (waited.get(tripId) ?? 0),
  )
  return { served: offers.length, cost: costs.reduce((sum, each) => sum + each, 0) }
}

/** Every way to give each trip one of its drivers or none; the best value of all. */
function bestByTrying([trip, ...rest]: readonly WaitingTrip[], taken: ReadonlySet<string>): Value {
  if (trip === undefined) return { served: 0, cost: 0 }
  let best = bestByTrying(rest, taken)
  for (const candidate of trip.candidates) {
    if (taken.has(candidate.driverId) || !candidate.isConnected) continue
    const { served, cost } = bestByTrying(rest, new Set([...taken, candidate.driverId]))
    const own = Math.round(costOf(candidate, weights) * 1_000) - weights.wait * trip.waitedMs
    const value = { served: served + 1, cost: cost + own }
    if (value.served > best.served || (value.served === best.served && value.cost < best.cost)) best = value
  }
  return best
}

describe('batch', () => {
  it('serves as many as can be served, at the least cost that trying everything finds', () => {
    const property = fc.property(someTrips({ trips: 5, drivers: 5 }), (all) => {
      expect(worthOf(all, batch(all, settings))).toEqual(bestByTrying(all, new Set()))
    })
    fc.assert(property, propertyRuns(500))
  })

  it('sends the nearest driver elsewhere where another trip has nobody else', () => {
    const shared = (eta: number) => candidateOf('shared', { etaSeconds: eta })
    const trips = [
      tripOf('a', [shared(10), candidateOf('spare', { etaSeconds: 400 })]),
      tripOf('b', [shared(300)]),
    ]
    expect(batch(trips, settings).map(({ tripId, driverId }) => [tripId, driverId])).toEqual([
      ['a', 'spare'],
      ['b', 'shared'],
    ])
  })
})
