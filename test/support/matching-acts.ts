import fc from 'fast-check'
import { DISPATCH_POLICIES, type DispatchPolicy } from '../../src/matching/trips/trip.ts'

/** Drivers and riders by their places; offers and trips by theirs among those that there are, the newest first. */
export type MatchingAct =
  | { readonly kind: 'request'; readonly rider: number; readonly policy: DispatchPolicy }
  | { readonly kind: 'accept' | 'reject'; readonly driver: number; readonly nth: number }
  | { readonly kind: 'cancel'; readonly nth: number; readonly by: 'customer' | 'system' }
  | { readonly kind: 'give up' | 'arrive' | 'start' | 'complete'; readonly driver: number }
  | { readonly kind: 'online' | 'offline' | 'appear' | 'vanish'; readonly driver: number }
  | { readonly kind: 'bid'; readonly driver: number; readonly nth: number; readonly minor: number }
  | { readonly kind: 'unbid'; readonly driver: number; readonly nth: number }
  | { readonly kind: 'choose'; readonly nth: number }
  | { readonly kind: 'dispatch' | 'window' | 'strays'; readonly node: 0 | 1 }

export type MatchingStep =
  | MatchingAct
  | { readonly kind: 'pass'; readonly ms: number }
  /** Everything in the same moment, a statement at a time, in the order that `turns` chooses. */
  | { readonly kind: 'at once'; readonly acts: readonly MatchingAct[]; readonly turns: readonly number[] }

export const DRIVERS = 4
export const RIDERS = 3

const kind = <K extends string>(...kinds: K[]) => fc.constantFrom(...kinds)
const driver = fc.nat(DRIVERS - 1)
const node = fc.constantFrom(0 as const, 1 as const)
/** The newest more often than the older. */
const nth = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(3) })

const request = fc.record({
  kind: kind('request'),
  rider: fc.nat(RIDERS - 1),
  policy: fc.constantFrom(...DISPATCH_POLICIES),
})
const dispatch = fc.record({ kind: kind('dispatch', 'dispatch', 'window'), node })

export const matchingAct: fc.Arbitrary<MatchingAct> = fc.oneof(
  { weight: 4, arbitrary: request },
  { weight: 8, arbitrary: fc.record({ kind: kind('accept', 'accept', 'reject'), driver, nth }) },
  { weight: 2, arbitrary: fc.record({ kind: kind('cancel'), nth, by: kind('customer', 'system') }) },
  { weight: 4, arbitrary: fc.record({ kind: kind('give up', 'arrive', 'start', 'complete'), driver }) },
  { weight: 2, arbitrary: fc.record({ kind: kind('online', 'offline', 'appear', 'vanish'), driver }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: kind('bid'), driver, nth, minor: fc.integer({ min: 1, max: 20_000 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: kind('unbid'), driver, nth }) },
  { weight: 2, arbitrary: fc.record({ kind: kind('choose'), nth }) },
  { weight: 6, arbitrary: dispatch },
  { weight: 1, arbitrary: fc.record({ kind: kind('strays'), node }) },
)

export const matchingStep: fc.Arbitrary<MatchingStep> = fc.oneof(
  { weight: 10, arbitrary: matchingAct },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: kind('pass'),
      ms: fc.constantFrom(100, 2_100, 7_000, 15_100, 31_000, 61_000),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: kind('at once'),
      acts: fc.array(matchingAct, { minLength: 2, maxLength: 4 }),
      turns: fc.array(fc.nat(60), { minLength: 5, maxLength: 40 }),
    }),
  },
)
