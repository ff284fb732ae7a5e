import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { maySettle } from '../event.ts'
import type { JsonObject } from './kit/body.ts'
import { signTap, tap } from './tap.ts'

const SECRET = 'sk_test_tap'
const account = { gateway: 'tap', account: 'default', secrets: [SECRET], settings: {} }

const charge = {
  id: 'chg_TS01A1',
  object: 'charge',
  status: 'CAPTURED',
  amount: 1.5,
  currency: 'KWD',
  reference: { gateway: 'gw_1', payment: 'pay_1', transaction: 'txn_1', order: 'trip-1' },
  transaction: { created: '1700000000000' },
}
const refund = {
  id: 're_TS01R1',
  object: 'refund',
  status: 'REFUNDED',
  amount: 0.5,
  currency: 'KWD',
  charge_id: 'chg_TS01A1',
  created: 1700000001000,
  reference: { merchant: 'trip-1' },
}

const hmac = (text: string) => createHmac('sha256', SECRET).update(text).digest('hex')

function receive(body: JsonObject, hashstring: string) {
  const delivery = {
    body: Buffer.from(JSON.stringify(body)),
    headers: { hashstring },
    query: new URLSearchParams(),
  }
  return tap.receive(delivery, account, 0)
}

function eventOf(body: JsonObject, hashstring = signTap(body, SECRET)) {
  const received = receive(body, hashstring)
  if (received.kind !== 'accepted') throw new Error(JSON.stringify(received))
  return received.events[0] ?? expect.fail('no event')
}

describe('the signed text', () => {
  it('of a charge names its references and the transaction’s time', () => {
    expect(signTap(charge, SECRET)).toBe(
      hmac(
        'x_idchg_TS01A1x_amount1.500x_currencyKWDx_gateway_referencegw_1x_payment_referencepay_1x_statusCAPTUREDx_created1700000000000',
      ),
    )
  })

  it('of a refund has a time of its own, and nothing of its charge', () => {
    expect(signTap(refund, SECRET)).toBe(
      hmac(
        'x_idre_TS01R1x_amount0.500x_currencyKWDx_gateway_referencex_payment_referencex_statusREFUNDEDx_created1700000001000',
      ),
    )
  })

  it('of an invoice has the time of its last change in place of the references', () => {
    const invoice = { id: 'inv_1', status: 'PAID', amount: 3, currency: 'SAR', updated: '2', created: '1' }
    expect(signTap(invoice, SECRET)).toBe(
      hmac('x_idinv_1x_amount3.00x_currencySARx_updated2x_statusPAIDx_created1'),
    )
    expect(eventOf(invoice)).toMatchObject({ type: 'invoice', fact: null, hold: null })
  })

  it.each<[unknown, string, string | null, bigint]>([
    [1.5, 'KWD', '1.500', 1_500n],
    ['1.5', 'KWD', '1.500', 1_500n],
    [0.1, 'BHD', '0.100', 100n],
    [10, 'SAR', '10.00', 1_000n],
    [99.9, 'EGP', '99.90', 9_990n],
    [1000, 'JPY', '1000', 1_000n],
    [0.001, 'OMR', '0.001', 1n],
    [123456789012.345, 'JOD', '123456789012.345', 123_456_789_012_345n],
    [1.005, 'AED', null, 0n],
    [1e-7, 'KWD', null, 0n],
    ['1,5', 'KWD', null, 0n],
    [1, 'kwd', null, 0n],
    [null, 'KWD', null, 0n],
  ])('writes %j %s as %s', (amount, currency, text, amountMinor) => {
    const body = { ...charge, amount, currency }
    if (text === null) {
      const detail = expect.stringContaining('a signed field is missing or of another form')
      expect(receive(body, '0'.repeat(64))).toMatchObject({ code: 'signature_invalid', detail })
      return
    }
    const signature = hmac(
      `x_idchg_TS01A1x_amount${text}x_currency${currency}x_gateway_referencegw_1x_payment_referencepay_1` +
        'x_statusCAPTUREDx_created1700000000000',
    )
    expect(eventOf(body, signature).fact).toMatchObject({ amountMinor, currency })
  })

  it('with two digits of a currency that has three is refused', () => {
    const two =
      'x_idchg_TS01A1x_amount1.50x_currencyKWDx_gateway_referencegw_1x_payment_referencepay_1x_statusCAPTUREDx_created1700000000000'
    expect(receive(charge, hmac(two))).toMatchObject({ code: 'signature_invalid' })
  })

  it.each<[string, JsonObject]>([
    ['id', { id: 'chg_TS01A2' }],
    ['amount', { amount: 15 }],
    ['currency', { currency: 'BHD' }],
    ['reference.gateway', { reference: { ...charge.reference, gateway: 'gw_2' } }],
    ['reference.payment', { reference: { ...charge.reference, payment: 'pay_2' } }],
    ['status', { status: 'DECLINED' }],
    ['transaction.created', { transaction: { created: '1700000000001' } }],
  ])('covers %s', (_, change) => {
    expect(receive({ ...charge, ...change }, signTap(charge, SECRET))).toMatchObject({
      code: 'signature_invalid',
    })
  })

  it.each<[string, JsonObject]>([
    [
      'our references',
      { reference: { gateway: 'gw_1', payment: 'pay_1', transaction: 'x', order: 'trip-2' } },
    ],
    ['object', { object: 'refund', charge_id: 'chg_2' }],
    ['object, as an authorization', { object: 'authorize' }],
    ['created beside the transaction’s', { created: 'x' }],
    ['live_mode, response and metadata', { live_mode: true, response: {}, metadata: { a: 1 } }],
  ])('does not cover %s, which change nothing', (_, change) => {
    expect(eventOf({ ...charge, ...change }, signTap(charge, SECRET))).toEqual(eventOf(charge))
  })

  it('that could be read in two ways settles nothing', () => {
    const reference = { gateway: 'gw_1x_payment_referencepay_1', payment: '' }
    const genuine = signTap(charge, SECRET)
    const moved = { ...charge, reference: { gateway: 'gw_1', payment: 'pay_1' } }
    expect(maySettle(tap, eventOf(moved, genuine))).toBe(true)
    for (const body of [
      { ...charge, reference },
      { ...charge, id: 'chg_1x_amount9.000' },
    ]) {
      const event = eventOf(body)
      expect([event.signed, maySettle(tap, event)]).toEqual([[], false])
    }
  })
})

describe('the facts', () => {
  it.each<[string, string | null, string | null]>([
    ['INITIATED', 'pending', null],
    ['IN_PROGRESS', 'pending', null],
    ['AUTHORIZED', 'authorized', null],
    ['CAPTURED', 'captured', null],
    ['FAILED', 'failed', null],
    ['DECLINED', 'failed', null],
    ['RESTRICTED', 'failed', null],
    ['CANCELLED', 'cancelled', null],
    ['ABANDONED', 'cancelled', null],
    ['VOID', 'cancelled', null],
    ['VOIDED', 'cancelled', null],
    ['TIMEDOUT', 'expired', null],
    ['UNKNOWN', null, 'status_unknown'],
    ['captured', null, 'status_unknown'],
    ['REFUNDED', null, 'status_unknown'],
  ])('a charge that is %s', (status, kind, hold) => {
    const event = eventOf({ ...charge, status })
    expect([event.fact?.kind ?? null, event.hold]).toEqual([kind, hold])
    expect(event.eventId).toBe(`chg_TS01A1:${status}`)
  })

  it.each<[string, string | null, string | null]>([
    ['INITIATED', null, null],
    ['PENDING', null, null],
    ['IN_PROGRESS', null, null],
    ['REFUNDED', 'refunded', null],
    ['FAILED', 'refund_failed', null],
    ['DECLINED', 'refund_failed', null],
    ['CANCELLED', 'refund_failed', null],
    ['CAPTURED', null, 'status_unknown'],
  ])('a refund that is %s', (status, kind, hold) => {
    const event = eventOf({ ...refund, status })
    expect([event.fact?.kind ?? null, event.hold]).toEqual([kind, hold])
  })

  it('find a charge by its own id, which alone is signed', () => {
    expect(eventOf(charge)).toMatchObject({
      fact: { merchantRef: null, gatewayRef: 'chg_TS01A1', operationRef: 'chg_TS01A1' },
      signed: ['reference', 'amount', 'currency', 'status', 'transaction'],
    })
  })

  it('do not settle a refund, whose charge is unsigned', () => {
    const event = eventOf(refund)
    expect(event.fact).toMatchObject({
      gatewayRef: 'chg_TS01A1',
      operationRef: 're_TS01R1',
      amountMinor: 500n,
    })
    expect([event.signed.includes('reference'), maySettle(tap, event)]).toEqual([false, false])
    const forged = eventOf({ ...refund, charge_id: 'chg_2', object: 'charge' }, signTap(refund, SECRET))
    expect([forged.type, maySettle(tap, forged)]).toEqual(['refund', false])
  })

  it('leave the capture of an authorization to its charge', () => {
    const authorize = { ...charge, id: 'auth_TS01', object: 'authorize' }
    expect(eventOf({ ...authorize, status: 'AUTHORIZED' }).fact?.kind).toBe('authorized')
    expect(eventOf({ ...authorize, status: 'VOID' }).fact?.kind).toBe('cancelled')
    expect(eventOf(authorize)).toMatchObject({ fact: null, hold: null })
    expect(eventOf({ ...authorize, object: 'charge' })).toEqual(eventOf(authorize))
  })

  it('never throw for an odd id', () => {
    for (const id of [{ toString: 1 }, [], null, true, 1.5])
      expect(receive({ ...charge, id }, '0'.repeat(64))).toMatchObject({ code: 'signature_invalid' })
  })
})
