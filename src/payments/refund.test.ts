import { describe, expect, it } from 'vitest'
import { CAPTURE, decide, fact, inWords, paymentAfter } from '../../test/support/payment-samples.ts'

const REFUNDED_300 = fact('refunded', 'r-1', 300n)
const FAILED_300 = fact('refund_failed', 'r-1', 300n)
const captured = paymentAfter(CAPTURE)
const partly = paymentAfter(CAPTURE, REFUNDED_300)
const reversed = paymentAfter(CAPTURE, REFUNDED_300, FAILED_300)

describe('refunded', () => {
  it('of a part, of another part, of the rest', () => {
    const first = decide(captured, REFUNDED_300)
    expect(first).toMatchObject({ kind: 'applied', from: 'captured', to: 'partially_refunded' })
    if (first.kind !== 'applied') return
    expect(inWords(first.postings)).toBe('+refunds 300, -gateway_receivable 300')
    expect(first.operation).toEqual({ kind: 'refund', ref: 'r-1', state: 'succeeded', amountMinor: 300n })
    const second = decide(first.payment, fact('refunded', 'r-2', 600n))
    expect(second).toMatchObject({ kind: 'applied', from: 'partially_refunded', to: 'partially_refunded' })
    if (second.kind !== 'applied') return
    const rest = decide(second.payment, fact('refunded', 'r-3', 100n))
    expect(rest).toMatchObject({ kind: 'applied', from: 'partially_refunded', to: 'refunded' })
  })

  it.each([
    ['the same once more', partly, REFUNDED_300, { kind: 'no_effect', reason: 'repeated' }],
    [
      'the same without its amount',
      partly,
      fact('refunded', 'r-1'),
      { kind: 'no_effect', reason: 'repeated' },
    ],
    [
      'another amount',
      partly,
      fact('refunded', 'r-1', 200n),
      { kind: 'quarantined', reason: 'amount_mismatch' },
    ],
    ['after it failed', reversed, REFUNDED_300, { kind: 'no_effect', reason: 'late' }],
    [
      'after it failed, another amount',
      reversed,
      fact('refunded', 'r-1', 200n),
      { kind: 'quarantined', reason: 'amount_mismatch' },
    ],
    [
      'one unit too much',
      partly,
      fact('refunded', 'r-2', 701n),
      { kind: 'quarantined', reason: 'refund_exceeds_capture' },
    ],
    ['no amount', captured, fact('refunded', 'r-1'), { kind: 'quarantined', reason: 'amount_missing' }],
    [
      'no currency',
      captured,
      { ...REFUNDED_300, currency: null },
      { kind: 'quarantined', reason: 'currency_missing' },
    ],
    ['nothing', captured, fact('refunded', 'r-1', 0n), { kind: 'quarantined', reason: 'amount_invalid' }],
    [
      'less than nothing',
      captured,
      fact('refunded', 'r-1', -300n),
      { kind: 'quarantined', reason: 'amount_invalid' },
    ],
  ] as const)('%s', (_words, payment, what, decision) => {
    expect(decide(payment, what)).toEqual(decision)
  })

  it('may take the room of a refund that failed', () => {
    const all = paymentAfter(CAPTURE, fact('refunded', 'r-1', 1000n), fact('refund_failed', 'r-1'))
    expect(decide(all, fact('refunded', 'r-2', 1000n))).toMatchObject({ kind: 'applied', to: 'refunded' })
  })

  it('does not share references with disputes', () => {
    const disputed = paymentAfter(CAPTURE, fact('disputed', 'same', 400n))
    const decision = decide(disputed, fact('refunded', 'same', 300n))
    expect(decision).toMatchObject({
      kind: 'applied',
      payment: { operations: [{ kind: 'dispute' }, { kind: 'refund' }] },
    })
  })
})

describe('refund_failed', () => {
  it.each([
    ['the only refund', [REFUNDED_300], 'partially_refunded', 'captured'],
    ['one of two', [fact('refunded', 'r-0', 700n), REFUNDED_300], 'refunded', 'partially_refunded'],
    ['under a dispute', [REFUNDED_300, fact('disputed', 'd', 1n)], 'disputed', 'disputed'],
    [
      'after a dispute was won',
      [fact('dispute_won', 'd'), REFUNDED_300],
      'partially_refunded',
      'dispute_won',
    ],
  ] as const)('of %s returns to the state before', (_words, facts, from, to) => {
    const decision = decide(paymentAfter(CAPTURE, ...facts), FAILED_300)
    expect(decision).toMatchObject({ kind: 'applied', from, to, operation: { ref: 'r-1', state: 'failed' } })
    if (decision.kind !== 'applied') return
    expect(inWords(decision.postings)).toBe('+gateway_receivable 300, -refunds 300')
  })

  it('without an amount reverses the one that was refunded', () => {
    const decision = decide(partly, fact('refund_failed', 'r-1'))
    expect(decision).toMatchObject({ kind: 'applied', operation: { state: 'failed', amountMinor: 300n } })
    if (decision.kind !== 'applied') return
    expect(inWords(decision.postings)).toBe('+gateway_receivable 300, -refunds 300')
  })

  it.each([
    [300n, 300n],
    [null, 0n],
  ])('of an unknown refund of %s is kept without moving money', (amountMinor, kept) => {
    const decision = decide(captured, fact('refund_failed', 'r-1', amountMinor))
    const operation = { kind: 'refund', ref: 'r-1', state: 'failed', amountMinor: kept }
    expect(decision).toMatchObject({
      kind: 'applied',
      from: 'captured',
      to: 'captured',
      postings: [],
      operation,
    })
    if (decision.kind !== 'applied') return
    expect(decide(decision.payment, REFUNDED_300)).toEqual({ kind: 'no_effect', reason: 'late' })
  })

  it.each([
    ['the same once more', reversed, FAILED_300, { kind: 'no_effect', reason: 'repeated' }],
    [
      'another amount',
      partly,
      fact('refund_failed', 'r-1', 200n),
      { kind: 'quarantined', reason: 'amount_mismatch' },
    ],
    [
      'less than nothing',
      captured,
      fact('refund_failed', 'r-1', -1n),
      { kind: 'quarantined', reason: 'amount_invalid' },
    ],
  ] as const)('%s', (_words, payment, what, decision) => {
    expect(decide(payment, what)).toEqual(decision)
  })
})
