import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { applyPayoutFact, PAYOUT_KINDS, type Payout, type PayoutFact, type PayoutKind } from './payout.ts'

function fact(kind: PayoutKind, change: Partial<PayoutFact> = {}): PayoutFact {
  const base = { merchantRef: 'week-48', gatewayRef: null, operationRef: 'po_1' }
  return { kind, ...base, amountMinor: 5_000n, currency: 'EGP', ...change }
}

const BARE = { merchantRef: null, amountMinor: null, currency: null }

function ended(...facts: readonly PayoutFact[]): Payout | null {
  let payout: Payout | null = null
  for (const one of facts) {
    const decision = applyPayoutFact(payout, one)
    if (decision.kind === 'contradicts') throw new Error(decision.reason)
    payout = decision.payout
  }
  return payout
}

describe('a payout', () => {
  it.each<[PayoutKind[], string]>([
    [['payout_created'], 'created'],
    [['payout_created', 'payout_paid'], 'paid'],
    [['payout_paid', 'payout_created'], 'paid'],
    [['payout_created', 'payout_failed'], 'failed'],
    [['payout_paid', 'payout_failed'], 'failed'],
    [['payout_failed', 'payout_paid'], 'failed'],
    [['payout_returned', 'payout_paid'], 'returned'],
    [['payout_paid', 'payout_returned', 'payout_failed'], 'returned'],
  ])('after %j is %s', (kinds, state) => {
    expect(ended(...kinds.map((kind) => fact(kind)))).toMatchObject({ state, amountMinor: 5_000n })
  })

  it('ends alike in whatever order, and however often, its events come', () => {
    const anyFact = fc
      .record({ kind: fc.constantFrom(...PAYOUT_KINDS), isBare: fc.boolean() })
      .map(({ kind, isBare }) => fact(kind, isBare ? BARE : {}))
    const twoOrders = fc
      .array(anyFact, { minLength: 1, maxLength: 6 })
      .chain((facts) => fc.tuple(fc.constant(facts), fc.shuffledSubarray(facts, { minLength: facts.length })))
    fc.assert(
      fc.property(twoOrders, ([facts, shuffled]) => {
        expect(ended(...shuffled, ...facts)).toEqual(ended(...facts))
      }),
    )
  })

  it('says which events moved nothing', () => {
    const paid = ended(fact('payout_paid'))
    expect(applyPayoutFact(paid, fact('payout_paid'))).toMatchObject({
      kind: 'no_effect',
      reason: 'repeated',
    })
    expect(applyPayoutFact(paid, fact('payout_created'))).toMatchObject({ kind: 'no_effect', reason: 'late' })
  })

  it.each([
    [{ amountMinor: 5_001n }, 'amount_mismatch'],
    [{ currency: 'USD' }, 'currency_mismatch'],
    [{ merchantRef: 'week-49' }, 'reference_conflict'],
  ])('does not become another: %o', (change, reason) => {
    const paid = ended(fact('payout_paid'))
    expect(applyPayoutFact(paid, fact('payout_returned', change))).toEqual({ kind: 'contradicts', reason })
  })
})
