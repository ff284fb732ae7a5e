import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { randomOf } from './random.ts'

const drawn = (seed: string | number, count: number) => {
  const random = randomOf(seed)
  return Array.from({ length: count }, () => random.next())
}

describe('chance from a seed', () => {
  it('is the same for the same seed, on every machine', () => {
    expect(drawn(1, 4).map((value) => value.toFixed(9))).toMatchInlineSnapshot(`
      [
        "0.387706034",
        "0.019938489",
        "0.522463748",
        "0.631573986",
      ]
    `)
    expect(drawn(2, 4)).not.toEqual(drawn(1, 4))
  })

  it('is even, and its parts owe each other nothing', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const values = drawn(seed, 4_000)
        const neighbours = randomOf(seed).split(1)
        const others = values.map(() => neighbours.next())
        const mean = (list: readonly number[]) => list.reduce((sum, value) => sum + value, 0) / list.length
        expect(Math.abs(mean(values) - 0.5)).toBeLessThan(0.03)
        expect(values.every((value) => value >= 0 && value < 1)).toBe(true)
        const together = mean(values.map((value, index) => (value - 0.5) * ((others[index] ?? 0) - 0.5)))
        expect(Math.abs(together)).toBeLessThan(0.01)
      }),
      { numRuns: 50 },
    )
  })

  it('of a part does not depend on what was drawn before', () => {
    const [one, other] = [randomOf(7), randomOf(7)]
    for (let n = 0; n < 10; n += 1) one.next()
    expect(one.split('driver', 3).next()).toBe(other.split('driver', 3).next())
    expect(one.split('driver', 3).next()).not.toBe(one.split('driver', 4).next())
  })

  it('has the means and medians that are asked for', () => {
    const random = randomOf(3)
    const many = <T>(draw: () => T) => Array.from({ length: 20_000 }, draw)
    const mean = (list: readonly number[]) => list.reduce((sum, value) => sum + value, 0) / list.length
    expect(mean(many(() => random.exponential(90)))).toBeCloseTo(90, -1)
    expect(mean(many(() => (random.logNormal(4, 0.5) > 4 ? 1 : 0)))).toBeCloseTo(0.5, 1)
    const heavy = { weight: 3 }
    const light = { weight: 1 }
    expect(mean(many(() => (random.weighted([light, heavy]) === heavy ? 1 : 0)))).toBeCloseTo(0.75, 1)
  })
})
