import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { balancesOf, CAPTURE, CREATED, decide, fact } from '../../test/support/payment-samples.ts'
import { propertyRuns } from '../../test/support/property-runs.ts'
import type { PaymentFact } from './fact.ts'
import type { Posting } from './ledger.ts'
import type { Payment } from './state.ts'

/** Applies the facts in their order; those that come early wait and are tried again until nothing more moves. */
function settle(facts: readonly PaymentFact[]): { payment: Payment; postings: Posting[]; waiting: number } {
  let payment = CREATED
  let waiting = facts
  const postings: Posting[] = []
  for (let moved = true; moved; ) {
    moved = false
    const stillWaiting: PaymentFact[] = []
    for (const what of waiting) {
      const decision = decide(payment, what)
      if (decision.kind === 'early') stillWaiting.push(what)
      if (decision.kind !== 'applied') continue
      moved = true
      payment = decision.payment
      postings.push(...decision.postings)
    }
    waiting = stillWaiting
  }
  return { payment, postings, waiting: waiting.length }
}

/** What remains of it all, without the order in which it came. */
function outcomeOf(facts: readonly PaymentFact[]) {
  const { payment, postings, waiting } = settle(facts)
  const operations = payment.operations.map(
    ({ kind, ref, state, amountMinor }) => `${kind} ${ref} ${state} ${amountMinor}`,
  )
  const balances = [...balancesOf(postings)].filter(([, amountMinor]) => amountMinor !== 0n)
  return { ...payment, operations: operations.sort(), balances: new Map(balances.sort()), waiting }
}

/** Up to four refunds by different references that together fit into the capture of 1000. */
const anyRefunds = fc
  .array(fc.constantFrom(250n, 100n, 1n), { maxLength: 4 })
  .map((amounts) => amounts.map((amountMinor, index) => fact('refunded', `r-${index}`, amountMinor)))

/** The same, some of which fail in the end. */
const anyRefundsWithFailures = anyRefunds.chain((refunds) =>
  fc
    .subarray(refunds)
    .map((failing) => [
      ...refunds,
      ...failing.map(({ operationRef, amountMinor }) => fact('refund_failed', operationRef, amountMinor)),
    ]),
)

/** Up to two disputes, each with at most one end. */
const anyDisputes = fc
  .array(fc.tuple(fc.constantFrom(1000n, 400n), fc.constantFrom('dispute_won', 'dispute_lost', null)), {
    maxLength: 2,
  })
  .map((disputes) =>
    disputes.flatMap(([amountMinor, end], index) => {
      const opened = fact('disputed', `d-${index}`, amountMinor)
      return end === null ? [opened] : [opened, fact(end, `d-${index}`, amountMinor)]
    }),
  )

const anyNoise = fc.subarray([
  fact('pending', 'p'),
  fact('failed', 'f'),
  fact('authorized', 'a', 1000n),
  fact('cancelled', 'c'),
])

/** A set of facts, and the same set in another order with some of them told twice. */
function inAnyOrder(facts: fc.Arbitrary<PaymentFact[]>): fc.Arbitrary<[PaymentFact[], PaymentFact[]]> {
  return facts.chain((told) =>
    fc.subarray(told).chain((twice) => {
      const all = [...told, ...twice]
      return fc.tuple(fc.constant(told), fc.shuffledSubarray(all, { minLength: all.length }))
    }),
  )
}

describe('the order in which facts arrive does not matter', () => {
  it('for every permutation of a capture and three refunds', () => {
    const facts = [
      CAPTURE,
      fact('refunded', 'r-0', 500n),
      fact('refunded', 'r-1', 300n),
      fact('refunded', 'r-2', 200n),
    ]
    const outcomes = permutations(facts).map(outcomeOf)
    expect(outcomes).toHaveLength(24)
    for (const outcome of outcomes) expect(outcome).toEqual(outcomeOf(facts))
    expect(outcomeOf(facts)).toMatchObject({ state: 'refunded', waiting: 0 })
  })

  it('for a capture and refunds', () => {
    const facts = anyRefunds.map((refunds) => [CAPTURE, ...refunds])
    const property = fc.property(inAnyOrder(facts), ([told, shuffled]) => {
      expect(outcomeOf(shuffled)).toEqual(outcomeOf(told))
    })
    fc.assert(property, propertyRuns(2_000))
  })

  it('for a capture, refunds that may fail, disputes that may end, and the steps before', () => {
    const facts = fc
      .tuple(anyNoise, anyRefundsWithFailures, anyDisputes)
      .map(([noise, refunds, disputes]) => [...noise, CAPTURE, ...refunds, ...disputes])
    const property = fc.property(inAnyOrder(facts), ([told, shuffled]) => {
      expect(outcomeOf(shuffled)).toEqual(outcomeOf(told))
    })
    fc.assert(property, propertyRuns(2_000))
  })

  it('and without the capture everything waits', () => {
    const property = fc.property(fc.tuple(anyRefundsWithFailures, anyDisputes), ([refunds, disputes]) => {
      const facts = [...refunds, ...disputes]
      expect(settle(facts)).toEqual({ payment: CREATED, postings: [], waiting: facts.length })
    })
    fc.assert(property, propertyRuns(200))
  })
})

function permutations<Item>(items: readonly Item[]): Item[][] {
  if (items.length === 0) return [[]]
  return items.flatMap((item, index) =>
    permutations(items.toSpliced(index, 1)).map((rest) => [item, ...rest]),
  )
}
