import fc from 'fast-check'
import { AggregatorRegistry, Histogram, Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { propertyRuns } from '../../test/support/property-runs.ts'
import { tallyCounter, tallyHistogram } from './tally.ts'

const NAMED = { name: 'things_total', help: 'Things.' }

describe('a counter of tallies', () => {
  it('says at each reading what its series have come to', async () => {
    const registry = new Registry()
    const begin = tallyCounter({ registry, ...NAMED, labelNames: ['kind'] })
    expect(await registry.metrics()).not.toContain('things_total{')
    const [good, bad] = [begin({ kind: 'good' }), begin({ kind: 'bad' })]
    good.count += 2
    expect(await registry.metrics()).toContain('things_total{kind="good"} 2\nthings_total{kind="bad"} 0\n')
    good.count += 1
    bad.count += 1
    for (let reading = 0; reading < 2; reading += 1)
      expect(await registry.metrics()).toContain('things_total{kind="good"} 3\nthings_total{kind="bad"} 1\n')
  })
})

const BOUNDS = [0.001, 0.02, 0.5]

/** The same observations in a histogram of prom-client's own. */
async function read(seen: readonly (readonly [event: string, value: number])[]) {
  const [ours, theirs] = [new Registry(), new Registry()]
  const options = { name: 'seconds', help: 'Time.', labelNames: ['event'] as const }
  const begin = tallyHistogram({ registry: ours, ...options }, BOUNDS)
  const histogram = new Histogram({ ...options, buckets: BOUNDS, registers: [theirs] })
  const series = new Map<string, ReturnType<typeof begin>>()
  for (const [event, value] of seen) {
    const one = series.get(event) ?? begin({ event })
    series.set(event, one)
    one.observe(value)
    histogram.observe({ event }, value)
  }
  return { ours, theirs }
}

describe('a histogram of tallies', () => {
  it('says what one of prom-client says, and is added up over processes alike', async () => {
    const event = fc.constantFrom('ping', 'pong')
    const value = fc.oneof(fc.constantFrom(...BOUNDS, 0, 1e9), fc.double({ min: 0, max: 1, noNaN: true }))
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(event, value)), async (seen) => {
        const { ours, theirs } = await read(seen)
        expect(await ours.metrics()).toBe(await theirs.metrics())
        const [sum, expected] = await Promise.all(
          [ours, theirs].map(async (registry) => {
            const own = await registry.getMetricsAsJSON()
            return AggregatorRegistry.aggregate([own, own] as never).metrics()
          }),
        )
        expect(sum).toBe(expected)
      }),
      propertyRuns(200),
    )
  })
})
