import { describe, expect, it } from 'vitest'
import { CAPTURE, CREATED, decide, fact, inWords, paymentAfter } from '../../test/support/payment-samples.ts'
import { FACT_KINDS, type FactKind } from './fact.ts'
import { applyFact, PAYMENT_STATES, type Payment, type PaymentState } from './state.ts'

const APPROVED = { amountApproved: true }

/** A payment in each state, reached as far as possible by facts. */
const IN_STATE: Readonly<Record<PaymentState, Payment>> = {
  created: CREATED,
  pending: paymentAfter(fact('pending', 'p')),
  authorized: paymentAfter(fact('authorized', 'a', 1000n)),
  failed: paymentAfter(fact('failed', 'f')),
  cancelled: paymentAfter(fact('cancelled', 'c')),
  expired: paymentAfter(fact('expired', 'e')),
  captured: paymentAfter(CAPTURE),
  partially_refunded: paymentAfter(CAPTURE, fact('refunded', 'r', 300n)),
  refunded: paymentAfter(CAPTURE, fact('refunded', 'r', 1000n)),
  disputed: paymentAfter(CAPTURE, fact('disputed', 'd', 1000n)),
  dispute_won: paymentAfter(CAPTURE, fact('disputed', 'd', 1000n), fact('dispute_won', 'd')),
  dispute_lost: paymentAfter(CAPTURE, fact('disputed', 'd', 1000n), fact('dispute_lost', 'd')),
}

const CAPTURED_STATES: readonly PaymentState[] = [
  'captured',
  'partially_refunded',
  'refunded',
  'disputed',
  'dispute_won',
  'dispute_lost',
]

it('has a sample of every state', () => {
  for (const state of PAYMENT_STATES) expect(IN_STATE[state].state).toBe(state)
})

describe('steps before the capture', () => {
  /** For each step, in the order of the states before the capture: does it apply, repeat, or come late? */
  const STATES = ['created', 'pending', 'authorized', 'failed', 'cancelled', 'expired'] as const
  const TABLE = {
    pending: ['applied', 'repeated', 'late', 'late', 'late', 'late'],
    authorized: ['applied', 'applied', 'repeated', 'applied', 'late', 'late'],
    failed: ['applied', 'applied', 'late', 'repeated', 'late', 'late'],
    cancelled: ['applied', 'applied', 'applied', 'applied', 'repeated', 'late'],
    expired: ['applied', 'applied', 'applied', 'applied', 'late', 'repeated'],
  } as const
  const kinds = Object.keys(TABLE) as (keyof typeof TABLE)[]
  const cases = kinds.flatMap((kind) =>
    STATES.map((from, index) => [kind, from, TABLE[kind][index]] as const),
  )

  it.each(cases)('%s on %s: %s', (kind, from, verdict) => {
    const decision = decide(IN_STATE[from], fact(kind, 'x'))
    if (verdict !== 'applied') return expect(decision).toEqual({ kind: 'no_effect', reason: verdict })
    const payment = { ...IN_STATE[from], state: kind }
    expect(decision).toEqual({ kind: 'applied', from, to: kind, payment, postings: [], operation: null })
  })

  it.each(kinds.flatMap((kind) => CAPTURED_STATES.map((from) => [kind, from] as const)))(
    '%s on %s is late',
    (kind, from) => {
      expect(decide(IN_STATE[from], fact(kind, 'x', 1000n))).toEqual({ kind: 'no_effect', reason: 'late' })
    },
  )

  it('a failure may state any amount: it moves none', () => {
    expect(decide(CREATED, fact('failed', 'f', 7n))).toMatchObject({ kind: 'applied', to: 'failed' })
  })
})

describe('authorized', () => {
  it.each([999n, 1001n, 0n])('for %s instead of 1000 is quarantined', (amountMinor) => {
    const decision = decide(CREATED, fact('authorized', 'a', amountMinor))
    expect(decision).toEqual({ kind: 'quarantined', reason: 'amount_mismatch' })
  })

  it('for another amount applies when a person approved it', () => {
    const decision = applyFact(CREATED, fact('authorized', 'a', 900n), APPROVED)
    expect(decision).toMatchObject({ kind: 'applied', to: 'authorized', postings: [] })
  })

  it('for another amount is merely late once the money was taken', () => {
    const decision = decide(IN_STATE.captured, fact('authorized', 'a', 900n))
    expect(decision).toEqual({ kind: 'no_effect', reason: 'late' })
  })
})

describe('captured', () => {
  it.each(['created', 'pending', 'authorized', 'failed', 'cancelled', 'expired'] as const)(
    'applies from %s',
    (from) => {
      const decision = decide(IN_STATE[from], CAPTURE)
      expect(decision).toMatchObject({ kind: 'applied', from, to: 'captured', operation: null })
      if (decision.kind !== 'applied') return
      expect(decision.payment).toEqual({
        ...CREATED,
        state: 'captured',
        capturedMinor: 1000n,
        captureRef: 'cap-1',
      })
      expect(inWords(decision.postings)).toBe('+gateway_receivable 1000, -rider_payments 1000')
    },
  )

  it.each([
    ['another amount', fact('captured', 'cap-1', 1001n), 'amount_mismatch'],
    ['a hundredth of it', fact('captured', 'cap-1', 10n), 'amount_mismatch'],
    ['no amount', fact('captured', 'cap-1'), 'amount_missing'],
    ['no currency', { ...CAPTURE, currency: null }, 'currency_missing'],
    ['another currency', { ...CAPTURE, currency: 'USD' }, 'currency_mismatch'],
    ['nothing', fact('captured', 'cap-1', 0n), 'amount_invalid'],
    ['less than nothing', fact('captured', 'cap-1', -1000n), 'amount_invalid'],
  ] as const)('with %s is quarantined', (_words, what, reason) => {
    expect(decide(IN_STATE.pending, what)).toEqual({ kind: 'quarantined', reason })
  })

  it('with an approved amount takes what the gateway says', () => {
    const decision = applyFact(CREATED, fact('captured', 'cap-1', 900n), APPROVED)
    expect(decision).toMatchObject({
      kind: 'applied',
      payment: { expectedMinor: 1000n, capturedMinor: 900n },
    })
    if (decision.kind !== 'applied') return
    expect(inWords(decision.postings)).toBe('+gateway_receivable 900, -rider_payments 900')
    expect(decide(decision.payment, fact('captured', 'cap-1', 900n))).toEqual({
      kind: 'no_effect',
      reason: 'repeated',
    })
  })

  it.each([
    ['currency', { ...CAPTURE, currency: 'USD' }, 'currency_mismatch'],
    ['missing currency', { ...CAPTURE, currency: null }, 'currency_missing'],
    ['missing amount', fact('captured', 'cap-1'), 'amount_missing'],
    ['amount of nothing', fact('captured', 'cap-1', 0n), 'amount_invalid'],
  ] as const)('an approval does not waive the %s', (_words, what, reason) => {
    expect(applyFact(CREATED, what, APPROVED)).toEqual({ kind: 'quarantined', reason })
  })

  it.each(CAPTURED_STATES)('again on %s is repeated; by another reference, the rider paid twice', (state) => {
    expect(decide(IN_STATE[state], CAPTURE)).toEqual({ kind: 'no_effect', reason: 'repeated' })
    expect(decide(IN_STATE[state], fact('captured', 'cap-1'))).toEqual({
      kind: 'no_effect',
      reason: 'repeated',
    })
    for (const options of [APPROVED, { amountApproved: false }]) {
      const twice = applyFact(IN_STATE[state], fact('captured', 'cap-2', 1000n), options)
      expect(twice).toEqual({ kind: 'quarantined', reason: 'duplicate_capture' })
    }
  })

  it('again by the same reference with another amount is quarantined', () => {
    const decision = decide(IN_STATE.captured, fact('captured', 'cap-1', 2000n))
    expect(decision).toEqual({ kind: 'quarantined', reason: 'amount_mismatch' })
  })
})

describe('cancelled, by the reference of the capture', () => {
  const voided = fact('cancelled', 'cap-1', 1000n)

  it.each(CAPTURED_STATES.filter((state) => state !== 'refunded'))(
    'on %s: money that we booked went back, and a person has to see it',
    (state) => {
      for (const options of [APPROVED, { amountApproved: false }])
        expect(applyFact(IN_STATE[state], voided, options)).toEqual({
          kind: 'quarantined',
          reason: 'capture_cancelled',
        })
    },
  )

  it('is late where all of it went back already, and where it is of another attempt', () => {
    const late = { kind: 'no_effect', reason: 'late' }
    expect(decide(IN_STATE.refunded, voided)).toEqual(late)
    expect(decide(IN_STATE.captured, fact('cancelled', 'cap-2', 1000n))).toEqual(late)
  })

  it('cancels before the capture', () => {
    expect(decide(IN_STATE.authorized, voided)).toMatchObject({ kind: 'applied', to: 'cancelled' })
  })
})

describe('whatever the kind', () => {
  it.each(FACT_KINDS)('%s in another currency is quarantined, before and after the capture', (kind) => {
    const what = { ...fact(kind, 'x', 1000n), currency: 'USD' }
    for (const payment of Object.values(IN_STATE)) {
      for (const options of [APPROVED, { amountApproved: false }]) {
        expect(applyFact(payment, what, options)).toEqual({
          kind: 'quarantined',
          reason: 'currency_mismatch',
        })
      }
    }
  })

  const OPERATIONS: readonly FactKind[] = [
    'refunded',
    'refund_failed',
    'disputed',
    'dispute_won',
    'dispute_lost',
  ]
  it.each(OPERATIONS)('%s before the capture waits for it', (kind) => {
    for (const state of PAYMENT_STATES.filter((name) => !CAPTURED_STATES.includes(name))) {
      const decision = decide(IN_STATE[state], fact(kind, 'x', 100n))
      expect(decision).toEqual({ kind: 'early', reason: 'awaiting_capture' })
    }
  })
})
