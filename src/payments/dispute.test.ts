import { describe, expect, it } from 'vitest'
import { CAPTURE, decide, fact, inWords, paymentAfter } from '../../test/support/payment-samples.ts'

const DISPUTED = fact('disputed', 'd-1', 400n)
const captured = paymentAfter(CAPTURE)
const open = paymentAfter(CAPTURE, DISPUTED)
const won = paymentAfter(CAPTURE, DISPUTED, fact('dispute_won', 'd-1'))
const lost = paymentAfter(CAPTURE, DISPUTED, fact('dispute_lost', 'd-1'))

describe('a dispute moves on', () => {
  it.each([
    ['opens', captured, DISPUTED, 'disputed', 'open', '+disputes_held 400, -gateway_receivable 400'],
    [
      'is won',
      open,
      fact('dispute_won', 'd-1'),
      'dispute_won',
      'won',
      '+gateway_receivable 400, -disputes_held 400',
    ],
    [
      'is lost',
      open,
      fact('dispute_lost', 'd-1'),
      'dispute_lost',
      'lost',
      '+chargebacks 400, -disputes_held 400',
    ],
    [
      'is won, told with its amount',
      open,
      fact('dispute_won', 'd-1', 400n),
      'dispute_won',
      'won',
      '+gateway_receivable 400, -disputes_held 400',
    ],
    [
      'is lost unseen',
      captured,
      fact('dispute_lost', 'd-1', 400n),
      'dispute_lost',
      'lost',
      '+chargebacks 400, -gateway_receivable 400',
    ],
    ['is won unseen', captured, fact('dispute_won', 'd-1', 400n), 'dispute_won', 'won', ''],
    [
      'is decided anew',
      lost,
      fact('dispute_won', 'd-1'),
      'dispute_won',
      'won',
      '+gateway_receivable 400, -chargebacks 400',
    ],
  ] as const)('%s', (_words, payment, what, to, state, postings) => {
    const decision = decide(payment, what)
    const operation = { kind: 'dispute', ref: 'd-1', state, amountMinor: 400n }
    expect(decision).toMatchObject({
      kind: 'applied',
      from: payment.state,
      to,
      operation,
      payment: { operations: [operation] },
    })
    if (decision.kind !== 'applied') return
    expect(inWords(decision.postings)).toBe(postings)
  })

  it('that was won unseen and without an amount is kept with none', () => {
    const decision = decide(captured, fact('dispute_won', 'd-1'))
    expect(decision).toMatchObject({
      kind: 'applied',
      to: 'dispute_won',
      postings: [],
      operation: { amountMinor: 0n },
    })
    if (decision.kind !== 'applied') return
    expect(decide(decision.payment, DISPUTED)).toEqual({ kind: 'no_effect', reason: 'late' })
  })
})

describe('a dispute stays as it is', () => {
  const repeated = { kind: 'no_effect', reason: 'repeated' }
  const late = { kind: 'no_effect', reason: 'late' }
  const held = (reason: string) => ({ kind: 'quarantined', reason })

  it.each([
    ['opened twice', open, DISPUTED, repeated],
    ['won twice', won, fact('dispute_won', 'd-1', 400n), repeated],
    ['lost twice', lost, fact('dispute_lost', 'd-1'), repeated],
    ['opened after it was won', won, DISPUTED, late],
    ['opened after it was lost', lost, DISPUTED, late],
    ['lost after it was won', won, fact('dispute_lost', 'd-1'), held('dispute_contradiction')],
    ['opened again for another amount', open, fact('disputed', 'd-1', 500n), held('amount_mismatch')],
    ['won for another amount', open, fact('dispute_won', 'd-1', 300n), held('amount_mismatch')],
    ['lost for another amount', open, fact('dispute_lost', 'd-1', 300n), held('amount_mismatch')],
    ['lost unseen and without an amount', captured, fact('dispute_lost', 'd-1'), held('amount_missing')],
    ['opened without an amount', captured, fact('disputed', 'd-1'), held('amount_missing')],
    ['opened without a currency', captured, { ...DISPUTED, currency: null }, held('currency_missing')],
    ['opened for nothing', captured, fact('disputed', 'd-1', 0n), held('amount_invalid')],
    ['won for less than nothing', captured, fact('dispute_won', 'd-1', -1n), held('amount_invalid')],
    [
      'opened for more than was captured',
      captured,
      fact('disputed', 'd-1', 1001n),
      held('dispute_exceeds_capture'),
    ],
    [
      'lost for more than was captured',
      captured,
      fact('dispute_lost', 'd-1', 1001n),
      held('dispute_exceeds_capture'),
    ],
    [
      'won for more than was captured',
      captured,
      fact('dispute_won', 'd-1', 1001n),
      held('dispute_exceeds_capture'),
    ],
  ] as const)('%s', (_words, payment, what, decision) => {
    expect(decide(payment, what)).toEqual(decision)
  })
})

describe('among other operations', () => {
  it.each([
    ['an open dispute comes before a lost one', [fact('dispute_lost', 'd-2', 1n), DISPUTED], 'disputed'],
    ['an open dispute comes before a full refund', [fact('refunded', 'r', 1000n), DISPUTED], 'disputed'],
    [
      'a lost dispute comes before a full refund',
      [fact('refunded', 'r', 1000n), fact('dispute_lost', 'd-2', 1n)],
      'dispute_lost',
    ],
    [
      'a lost dispute comes before a won one',
      [fact('dispute_lost', 'd-2', 1n), fact('dispute_won', 'd-3')],
      'dispute_lost',
    ],
    [
      'a refund comes before a won dispute',
      [fact('dispute_won', 'd-3'), fact('refunded', 'r', 1n)],
      'partially_refunded',
    ],
    [
      'a full refund comes before a won dispute',
      [fact('refunded', 'r', 1000n), fact('dispute_won', 'd-3')],
      'refunded',
    ],
  ] as const)('%s', (_words, facts, state) => {
    expect(paymentAfter(CAPTURE, ...facts).state).toBe(state)
  })

  it('the end of one dispute does not touch another', () => {
    const two = paymentAfter(CAPTURE, DISPUTED, fact('disputed', 'd-2', 200n), fact('dispute_lost', 'd-2'))
    expect(two.state).toBe('disputed')
    expect(two.operations.map(({ ref, state }) => `${ref} ${state}`)).toEqual(['d-1 open', 'd-2 lost'])
  })
})
