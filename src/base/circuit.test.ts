import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { propertyRuns } from '../../test/support/property-runs.ts'
import { manualClock } from '../base/clock.ts'
import { CircuitBreaker, type CircuitShape, type Health, type Permit } from './circuit.ts'

const SHAPE: CircuitShape = {
  failures: 3,
  errorsAFailure: 4,
  openMs: 1_000,
  maxOpenMs: 4_000,
  probeMs: 5_000,
}

function breakerAt() {
  const clock = manualClock(0)
  const changes: string[] = []
  const breaker = new CircuitBreaker(
    SHAPE,
    () => clock.monotonicMs(),
    (kind) => changes.push(kind),
  )
  const one = (): Permit => breaker.admit(1)[0] ?? expect.fail('nobody was admitted')
  const fail = (times: number): void => {
    for (let count = 0; count < times; count += 1) breaker.hear(one(), 'ill')
  }
  return { clock, breaker, changes, one, fail }
}

describe('a circuit', () => {
  it('is closed for any number of calls until enough failed in a row', () => {
    const { breaker, one, fail } = breakerAt()
    expect(breaker.admit(7)).toHaveLength(7)
    fail(2)
    breaker.hear(one(), 'well')
    fail(2)
    expect(breaker.kind).toBe('closed')
    fail(1)
    expect(breaker.kind).toBe('open')
    expect(breaker.admit(7)).toEqual([])
  })

  it('needs many more errors of the host itself than proofs of its absence', () => {
    const { clock, breaker, one, fail } = breakerAt()
    const err = (times: number): void => {
      for (let count = 0; count < times; count += 1) breaker.hear(one(), 'erring')
    }
    err(11)
    expect(breaker.kind).toBe('closed')
    breaker.hear(one(), 'well')
    err(4)
    fail(1)
    err(3)
    expect(breaker.kind).toBe('closed')
    err(1)
    expect(breaker.kind).toBe('open')
    clock.advance(1_000)
    breaker.hear(one(), 'erring')
    expect(breaker.isRefusing, 'a probe that erred closes nothing').toBe(true)
  })

  it('lets one probe through when its time is over, and closes when that goes well', () => {
    const { clock, breaker, changes, fail } = breakerAt()
    fail(3)
    clock.advance(999)
    expect([breaker.isRefusing, breaker.admit(5).length]).toEqual([true, 0])
    clock.advance(1)
    expect(breaker.isRefusing).toBe(false)
    const [probe, ...others] = breaker.admit(5)
    expect(probe?.isProbe).toBe(true)
    expect([probe !== undefined, others.length, breaker.admit(5).length]).toEqual([true, 0, 0])
    breaker.hear(probe as Permit, 'well')
    expect(breaker.admit(5).map(({ isProbe }) => isProbe)).toEqual(Array(5).fill(false))
    expect(changes).toEqual(['open', 'half-open', 'closed'])
  })

  it('opens for twice as long after each failed probe, up to the longest', () => {
    const { clock, breaker, one, fail } = breakerAt()
    fail(3)
    for (const openMs of [1_000, 2_000, 4_000, 4_000]) {
      clock.advance(openMs - 1)
      expect(breaker.admit(1)).toEqual([])
      clock.advance(1)
      breaker.hear(one(), 'ill')
    }
    clock.advance(4_000)
    breaker.hear(one(), 'well')
    fail(3)
    clock.advance(1_000)
    expect(breaker.isRefusing, 'it begins anew').toBe(false)
  })

  it('leaves the host alone as long as it asked', () => {
    const { clock, breaker, one, fail } = breakerAt()
    fail(2)
    breaker.hear(one(), 'ill', 60_000)
    clock.advance(59_999)
    expect(breaker.isRefusing).toBe(true)
    clock.advance(1)
    expect(breaker.isRefusing).toBe(false)
  })

  it('believes only the probe: what was begun before it opened changes nothing', () => {
    const { clock, breaker, one, fail } = breakerAt()
    const early = [one(), one()] as const
    fail(3)
    breaker.hear(early[0], 'well')
    expect(breaker.kind).toBe('open')
    clock.advance(1_000)
    const probe = one()
    breaker.hear(early[1], 'well')
    expect(breaker.kind).toBe('half-open')
    breaker.hear(probe, 'well')
    expect(breaker.kind).toBe('closed')
  })

  it('gives the leave of a probe that was not made, or is lost, to the next', () => {
    const { clock, breaker, one, fail } = breakerAt()
    fail(3)
    clock.advance(1_000)
    breaker.hear(one(), 'unknown')
    const lost = one()
    clock.advance(SHAPE.probeMs)
    const next = one()
    breaker.hear(lost, 'ill')
    expect(breaker.kind).toBe('half-open')
    breaker.hear(next, 'well')
    expect(breaker.kind).toBe('closed')
  })

  it('admits nobody while open, one while half-open, and is never stuck, whatever happens', () => {
    const step = fc.oneof(
      fc.record({ advance: fc.integer({ min: 0, max: 6_000 }) }),
      fc.record({ admit: fc.integer({ min: 1, max: 4 }) }),
      fc.record({ hear: fc.constantFrom<Health>('well', 'ill', 'erring', 'unknown') }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { clock, breaker, changes } = breakerAt()
        const out: Permit[] = []
        for (const each of steps) {
          if ('advance' in each) clock.advance(each.advance)
          else if ('admit' in each) {
            const wasRefusing = breaker.isRefusing
            const permits = breaker.admit(each.admit)
            expect(permits.length === 0).toBe(wasRefusing)
            if (breaker.kind !== 'closed') expect(permits.length).toBeLessThanOrEqual(1)
            out.push(...permits)
          } else {
            const permit = out.shift()
            if (permit !== undefined) breaker.hear(permit, each.hear)
          }
        }
        clock.advance(SHAPE.maxOpenMs + SHAPE.probeMs)
        expect(breaker.isRefusing).toBe(false)
        expect(changes.every((kind, index) => kind !== changes[index - 1])).toBe(true)
      }),
      propertyRuns(300),
    )
  })
})
