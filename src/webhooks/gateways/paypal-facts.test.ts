import { describe, expect, it } from 'vitest'
import type { JsonObject } from './kit/body.ts'
import { readFact } from './paypal-facts.ts'

const amount = { currency_code: 'USD', value: '12.50' }
const capture = { id: 'CAP1', amount, custom_id: 'trip-1' }
const refund = {
  id: 'REF1',
  amount,
  custom_id: 'trip-1',
  links: [
    { rel: 'self', href: 'https://api.paypal.com/v2/payments/refunds/REF1' },
    { rel: 'up', href: 'https://api.paypal.com/v2/payments/captures/CAP1' },
  ],
}
const dispute = {
  dispute_id: 'PP-D-1',
  disputed_transactions: [{ seller_transaction_id: 'CAP1', custom: 'trip-1' }],
  dispute_amount: amount,
  dispute_life_cycle_stage: 'CHARGEBACK',
}
const resolved = (outcome_code: unknown) => ({ ...dispute, dispute_outcome: { outcome_code } })

describe('what becomes of the events', () => {
  it.each([
    ['PAYMENT.AUTHORIZATION.CREATED', 'authorized'],
    ['PAYMENT.AUTHORIZATION.VOIDED', 'cancelled'],
    ['PAYMENT.CAPTURE.PENDING', 'pending'],
    ['PAYMENT.CAPTURE.COMPLETED', 'captured'],
    ['PAYMENT.CAPTURE.DECLINED', 'failed'],
    ['PAYMENT.CAPTURE.DENIED', 'failed'],
  ])('%s is %s', (type, kind) => {
    expect(readFact(type, capture).fact).toEqual({
      kind,
      merchantRef: 'trip-1',
      gatewayRef: 'CAP1',
      operationRef: 'CAP1',
      amountMinor: 1_250n,
      currency: 'USD',
    })
  })

  it.each([
    ['PAYMENT.CAPTURE.REFUNDED', 'refunded'],
    ['PAYMENT.REFUND.FAILED', 'refund_failed'],
  ])('%s is %s, and names its capture by a link', (type, kind) => {
    expect(readFact(type, refund).fact).toMatchObject({ kind, gatewayRef: 'CAP1', operationRef: 'REF1' })
    expect(readFact(type, { ...refund, links: [] }).fact).toMatchObject({ gatewayRef: null })
    const nameless = { ...refund, links: 'x', custom_id: undefined }
    expect(readFact(type, nameless)).toMatchObject({ fact: null, hold: 'reference_missing' })
  })

  it('sales of v1 are read too', () => {
    const sale = { id: 'SALE1', amount: { currency: 'USD', total: '12.50' }, custom: 'trip-1' }
    expect(readFact('PAYMENT.SALE.COMPLETED', sale).fact).toMatchObject({
      kind: 'captured',
      merchantRef: 'trip-1',
      gatewayRef: 'SALE1',
      amountMinor: 1_250n,
    })
    const back = { ...sale, id: 'REF1', sale_id: 'SALE1' }
    expect(readFact('PAYMENT.SALE.REFUNDED', back).fact).toMatchObject({
      kind: 'refunded',
      gatewayRef: 'SALE1',
      operationRef: 'REF1',
    })
  })

  it('a refund of v1 may have a sign: its sample is one of "-0.01"', () => {
    const back = { id: 'REF1', sale_id: 'SALE1', amount: { currency: 'USD', total: '-0.01' } }
    expect(readFact('PAYMENT.SALE.REFUNDED', back).fact).toMatchObject({ kind: 'refunded', amountMinor: 1n })
    const paid = { id: 'SALE1', amount: { currency: 'USD', total: '-0.01' } }
    expect(readFact('PAYMENT.SALE.COMPLETED', paid).hold).toBe('amount_unreadable')
    const twice = { ...back, amount: { currency: 'USD', total: '--0.01' } }
    expect(readFact('PAYMENT.SALE.REFUNDED', twice).hold).toBe('amount_unreadable')
  })

  it.each(['PAYMENT.CAPTURE.REVERSED', 'PAYMENT.SALE.REVERSED'])(
    '%s is held: a dispute may tell of the same',
    (type) => {
      expect(readFact(type, refund)).toEqual({ fact: null, hold: 'capture_failed' })
    },
  )

  it.each(['CHECKOUT.ORDER.APPROVED', 'CHECKOUT.ORDER.COMPLETED', 'BILLING.PLAN.CREATED', 'x'])(
    '%s is nothing',
    (type) => {
      expect(readFact(type, capture)).toEqual({ fact: null, hold: null })
    },
  )

  it('our reference is custom_id, else the invoice', () => {
    const of = (change: JsonObject) =>
      readFact('PAYMENT.CAPTURE.COMPLETED', { ...capture, ...change }).fact?.merchantRef
    expect(of({ invoice_id: 'INV-1' })).toBe('trip-1')
    expect(of({ custom_id: '', invoice_id: 'INV-1' })).toBe('INV-1')
    expect(of({ custom_id: undefined })).toBeNull()
  })
})

describe('a dispute', () => {
  it.each(['CUSTOMER.DISPUTE.CREATED', 'CUSTOMER.DISPUTE.UPDATED'])('%s is disputed', (type) => {
    expect(readFact(type, dispute).fact).toEqual({
      kind: 'disputed',
      merchantRef: 'trip-1',
      gatewayRef: 'CAP1',
      operationRef: 'PP-D-1',
      amountMinor: 1_250n,
      currency: 'USD',
    })
    const inquiry = { ...dispute, dispute_life_cycle_stage: 'INQUIRY' }
    expect(readFact(type, inquiry)).toEqual({ fact: null, hold: null })
  })

  it.each([
    ['RESOLVED_BUYER_FAVOUR', 'dispute_lost'],
    ['ACCEPTED', 'dispute_lost'],
    ['RESOLVED_SELLER_FAVOUR', 'dispute_won'],
    ['RESOLVED_WITH_PAYOUT', 'dispute_won'],
    ['CANCELED_BY_BUYER', 'dispute_won'],
    ['DENIED', 'dispute_won'],
  ])('resolved as %s is %s', (outcome, kind) => {
    expect(readFact('CUSTOMER.DISPUTE.RESOLVED', resolved(outcome)).fact?.kind).toBe(kind)
  })

  it.each(['NONE', undefined, 7])('resolved as %j is held', (outcome) => {
    expect(readFact('CUSTOMER.DISPUTE.RESOLVED', resolved(outcome)).hold).toBe('status_unknown')
  })

  it('that ends as an inquiry withdrew nothing: what we gave back is told as a refund', () => {
    for (const outcome of ['RESOLVED_BUYER_FAVOUR', 'ACCEPTED', 'RESOLVED_SELLER_FAVOUR', 'NONE']) {
      const inquiry = { ...resolved(outcome), dispute_life_cycle_stage: 'INQUIRY' }
      expect(readFact('CUSTOMER.DISPUTE.RESOLVED', inquiry)).toEqual({ fact: null, hold: null })
    }
  })

  it('that was lost in part is held', () => {
    const lost = (value: string) => ({
      ...dispute,
      dispute_outcome: {
        outcome_code: 'RESOLVED_BUYER_FAVOUR',
        amount_refunded: { currency_code: 'USD', value },
      },
    })
    expect(readFact('CUSTOMER.DISPUTE.RESOLVED', lost('5.00'))).toEqual({
      fact: null,
      hold: 'status_contradictory',
    })
    expect(readFact('CUSTOMER.DISPUTE.RESOLVED', lost('x')).hold).toBe('status_contradictory')
    expect(readFact('CUSTOMER.DISPUTE.RESOLVED', lost('12.50')).fact?.kind).toBe('dispute_lost')
  })

  it('of several captures is held', () => {
    const two = [...dispute.disputed_transactions, ...dispute.disputed_transactions]
    const several = { ...dispute, disputed_transactions: two }
    expect(readFact('CUSTOMER.DISPUTE.CREATED', several).hold).toBe('reference_unreadable')
  })
})

describe('amounts', () => {
  it.each([
    ['USD', '12.50', 1_250n],
    ['USD', '12', 1_200n],
    ['JPY', '1500', 1_500n],
    ['HUF', '1500', 150_000n],
    ['HUF', '1500.00', 150_000n],
    ['TWD', '1500', 150_000n],
  ])('%s %s is %i', (currency_code, value, amountMinor) => {
    const paid = { ...capture, amount: { currency_code, value } }
    expect(readFact('PAYMENT.CAPTURE.COMPLETED', paid).fact?.amountMinor).toBe(amountMinor)
  })

  it.each([
    ['HUF', '1500.50'],
    ['TWD', '0.50'],
    ['JPY', '1500.5'],
    ['USD', '12.505'],
    ['USD', '1e3'],
    ['USD', '-1'],
    ['USD', 12.5],
    ['USD', ''],
    ['USD', null],
  ])('%s %j is held', (currency_code, value) => {
    const paid = { ...capture, amount: { currency_code, value } }
    expect(readFact('PAYMENT.CAPTURE.COMPLETED', paid).hold).toBe('amount_unreadable')
  })

  it.each([null, [], 'x', undefined])('%j is no resource', (resource) => {
    expect(readFact('PAYMENT.CAPTURE.COMPLETED', resource).hold).toBe('object_unreadable')
  })
})
