import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { propertyRuns } from '../../../../test/support/property-runs.ts'
import { candidateOf, tripOf } from '../../../../test/support/waiting-trips.ts'
import { DEFAULT_SETTINGS } from '../settings.ts'
import { batch } from './batch.ts'

const { weights, windowMs } = DEFAULT_SETTINGS
/** How far the trip is from every driver that ever comes; all others are at their doors. */
const FAR_SECONDS = 120
/** Of one who waits for so long nobody can take the driver by being nearer. */
const PASSED_OVER_MS =
  ((FAR_SECONDS + weights.declines + weights.idle + 60 * weights.age) / weights.wait) * 1_000
const WINDOWS = 200

interface Arrivals {
  readonly drivers: number
  readonly trips: number
}

/** In which window the far trip got a driver, where there are always nearer trips; -1: in none. */
function windowOfFar(arrivals: readonly Arrivals[], wait: number): number {
  const settings = { weights: { ...weights, wait } }
  let waiting = [{ tripId: 'far', sinceWindow: 0 }]
  for (const [window, { drivers, trips }] of arrivals.entries()) {
    for (let n = 0; n < trips; n += 1) waiting.push({ tripId: `near-${window}-${n}`, sinceWindow: window })
    const ids = Array.from({ length: drivers }, (_, n) => `driver-${window}-${n}`)
    const offers = batch(
      waiting.map(({ tripId, sinceWindow }) =>
        tripOf(
          tripId,
          ids.map((id) => candidateOf(id, { etaSeconds: tripId === 'far' ? FAR_SECONDS : 5 })),
          (window - sinceWindow) * windowMs,
        ),
      ),
      settings,
    )
    const served = new Set(offers.map(({ tripId }) => tripId))
    if (served.has('far')) return window
    waiting = waiting.filter(({ tripId }) => !served.has(tripId))
  }
  return -1
}

/** In every window a driver at least, and always more trips than drivers. */
const shortSupply = fc.array(
  fc.integer({ min: 1, max: 3 }).chain((drivers) =>
    fc.record({
      drivers: fc.constant(drivers),
      trips: fc.integer({ min: drivers, max: drivers + 1 }),
    }),
  ),
  { minLength: WINDOWS, maxLength: WINDOWS },
)

describe('waiting', () => {
  it('lets no trip starve: only who has waited nearly as long goes first, and each window serves one of them', () => {
    const property = fc.property(shortSupply, (arrivals) => {
      const rivalWindows = Math.ceil(PASSED_OVER_MS / windowMs)
      const rivals = arrivals.slice(0, rivalWindows + 1).reduce((sum, { trips }) => sum + trips, 0)
      const found = windowOfFar(arrivals, weights.wait)
      expect(found).toBeGreaterThanOrEqual(0)
      expect(found).toBeLessThanOrEqual(rivals)
    })
    fc.assert(property, propertyRuns(50))
  })

  it('is what keeps it from starving: without its weight the far trip is passed over for ever', () => {
    const always = Array.from({ length: WINDOWS }, () => ({ drivers: 1, trips: 1 }))
    expect(windowOfFar(always, 0)).toBe(-1)
  })
})
