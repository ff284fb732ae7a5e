import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SequentialCity } from './support/linearizability/sequential-city.ts'
import type { TripAct } from './support/linearizability/trip-acts.ts'
import { faultsOfHistory } from './support/linearizability/trip-history.ts'
import { propertyRuns } from './support/property-runs.ts'

const DRIVERS = ['d1', 'd2', 'd3']
const TRIPS = ['a', 'b']
const KINDS = [
  'accept',
  'accept',
  'accept',
  'reject',
  'release',
  'start',
  'complete',
  'cancel',
  'read',
  'name',
  'bid',
  'bid',
  'unbid',
  'choose',
] as const
const act: fc.Arbitrary<TripAct> = fc
  .record({
    kind: fc.constantFrom(...KINDS),
    tripId: fc.constantFrom(...TRIPS),
    driverId: fc.constantFrom(...DRIVERS),
    amount: fc.nat(1),
  })
  .map(({ amount, ...drawn }) => ({ ...drawn, bid: `${drawn.driverId} for ${amount}` }) as TripAct)
/** When it is called, how long until it takes effect and is answered; and whether it is heard. */
const step = fc.record({
  act,
  atMs: fc.nat(40),
  effectMs: fc.nat(20),
  answerMs: fc.nat(20),
  fate: fc.constantFrom('heard', 'heard', 'heard', 'lost', 'undone'),
})

describe('a city that takes one act after the other', () => {
  it('never has an impossible history, however calls and answers overlap and are lost', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
        expect(faultsOfHistory(new SequentialCity().play(steps))).toEqual([])
      }),
      propertyRuns(1_500),
    )
  })

  it('has one, where an acceptance that was refused is told as one that was not', () => {
    let caught = 0
    fc.assert(
      fc.property(fc.array(step, { minLength: 6, maxLength: 25 }), (steps) => {
        const history = new SequentialCity().play(steps.map((one) => ({ ...one, fate: 'heard' as const })))
        const lie = history.findIndex(
          ({ act: { kind }, heard }) => kind === 'accept' && heard?.answer.word === 'trip_taken',
        )
        const refused = history[lie]
        if (refused?.heard == null) return
        const { returnMs } = refused.heard
        const told = { ...refused, heard: { answer: { word: 'ok' }, returnMs } }
        if (faultsOfHistory(history.with(lie, told)).length > 0) caught += 1
      }),
      { ...propertyRuns(300), seed: 7 },
    )
    // Where another one gave it up meanwhile the lie may be as good as the truth.
    expect(caught).toBeGreaterThan(60)
  })
})
