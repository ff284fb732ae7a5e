import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { propertyRuns } from '../../../test/support/property-runs.ts'
import {
  decideMove,
  stateOf,
  statusOf,
  TRIP_STATES,
  TRIP_STATUSES,
  type TripState,
  type TripStatus,
  tripStatus,
} from './trip-state.ts'

const state = fc.constantFrom(...TRIP_STATES)
const status = fc.constantFrom(...TRIP_STATUSES)
const recorded = fc.option(state)
const ENDS: readonly TripState[] = ['completed', 'cancelled', 'returned']
const LIVE = TRIP_STATES.filter((each) => !ENDS.includes(each))

/** What one who obeys the decisions has written. */
interface World {
  readonly status: TripStatus
  readonly history: readonly TripState[]
}

function obey(world: World, to: TripState): World {
  const decision = decideMove(world.history.at(-1) ?? null, world.status, to)
  if (decision.kind !== 'move') return world
  return { status: statusOf(to), history: [...world.history, ...decision.steps.map((step) => step.to)] }
}

describe('the states', () => {
  it.each([
    ['accepted', 'pending'],
    ['arrived', 'accepted'],
    ['ongoing', 'accepted'],
    ['ongoing', 'arrived'],
    ['completed', 'ongoing'],
    ['returning', 'ongoing'],
    ['returned', 'returning'],
    ['pending', 'accepted'],
    ['pending', 'arrived'],
  ] as const)('%s is reached from %s', (to, from) => {
    expect(decideMove(from, statusOf(from), to)).toEqual({
      kind: 'move',
      steps: [{ from, to, observed: false }],
    })
  })

  it('are fourteen arrows in all, five of which cancel and two of which release', () => {
    const arrows = TRIP_STATES.flatMap((from) =>
      TRIP_STATES.filter((to) => decideMove(from, statusOf(from), to).kind === 'move').map((to) => [
        from,
        to,
      ]),
    )
    expect(arrows).toHaveLength(14)
    expect(arrows.filter(([, to]) => to === 'pending').map(([from]) => from)).toEqual(['accepted', 'arrived'])
    expect(arrows.filter(([, to]) => to === 'cancelled').map(([from]) => from)).toEqual(
      expect.arrayContaining(LIVE),
    )
  })

  it('end in three, and nothing leads out of these', () => {
    const isEnd = (from: TripState) =>
      TRIP_STATES.every((to) => to === from || decideMove(from, statusOf(from), to).kind === 'refuse')
    expect(TRIP_STATES.filter(isEnd)).toEqual(ENDS)
  })

  it("are told in Laravel's words, and in no others", () => {
    expect(TRIP_STATES.map(statusOf).every((word) => TRIP_STATUSES.includes(word))).toBe(true)
    expect(statusOf('arrived')).toBe('accepted')
    expect([tripStatus('arrived'), tripStatus('failed'), tripStatus('ongoing')]).toEqual([
      null,
      null,
      'ongoing',
    ])
  })
})

describe('decideMove', () => {
  it('makes a history without a gap, from what was recorded to what was asked for', () => {
    fc.assert(
      fc.property(recorded, status, state, (last, stands, to) => {
        const decision = decideMove(last, stands, to)
        if (decision.kind !== 'move') return
        const { steps } = decision
        expect(steps[0]?.from).toBe(last)
        expect(steps.at(-1)?.to).toBe(to)
        for (const [index, step] of steps.entries()) {
          expect(step.from).not.toBe(step.to)
          if (index > 0) expect(step.from).toBe(steps[index - 1]?.to)
        }
      }),
      propertyRuns(1_000),
    )
  })

  it('observes just what Laravel did, and moves by itself only where an arrow leads', () => {
    fc.assert(
      fc.property(recorded, status, state, (last, stands, to) => {
        const decision = decideMove(last, stands, to)
        if (decision.kind !== 'move') return
        for (const step of decision.steps) {
          if (step.observed) expect([step.to, step.from === step.to]).toEqual([stateOf(last, stands), false])
          else expect(decideMove(step.from, statusOf(step.from ?? 'pending'), step.to).kind).toBe('move')
        }
        expect(decision.steps.filter(({ observed }) => observed).length).toBe(
          last !== null && statusOf(last) === stands ? 0 : 1,
        )
      }),
      propertyRuns(1_000),
    )
  })

  it('said twice is said once, whatever Laravel and others do before', () => {
    const act = fc.oneof(
      fc.record({ by: fc.constant('us' as const), to: state }),
      fc.record({ by: fc.constant('laravel' as const), to: status }),
    )
    fc.assert(
      fc.property(fc.array(act, { maxLength: 12 }), state, (acts, to) => {
        let world: World = { status: 'pending', history: [] }
        for (const { by, to: next } of acts)
          world = by === 'us' ? obey(world, next) : { ...world, status: statusOf(next) }
        const once = obey(world, to)
        expect(obey(once, to)).toEqual(once)
        const last = once.history.at(-1)
        if (once !== world) expect(last).toBe(to)
      }),
      propertyRuns(1_000),
    )
  })

  it('never leaves an end by itself', () => {
    fc.assert(
      fc.property(recorded, fc.constantFrom(...ENDS), state, (last, end, to) => {
        const decision = decideMove(last, statusOf(end), to)
        if (to === end) expect(decision.kind).not.toBe('refuse')
        else expect(decision).toEqual({ kind: 'refuse', from: end })
      }),
      propertyRuns(500),
    )
  })
})
