import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { maySettle } from '../event.ts'
import type { GatewayAccount } from './adapter.ts'
import { fawry, signFawry } from './fawry.ts'
import type { JsonObject } from './kit/body.ts'
import { accountProblems } from './settings.ts'

const SECRET = 'fawry_secure_key'

const paid = {
  requestId: 'c72827d084ea4b88949d91dd2db4996e',
  fawryRefNumber: '970177',
  merchantRefNumber: 'trip-1',
  customerMobile: '01004545545',
  customerMail: 'fawry@fawry.com',
  paymentAmount: 52,
  orderAmount: 52,
  fawryFees: 0,
  orderStatus: 'PAID',
  paymentMethod: 'PAYATFAWRY',
  paymentRefrenceNumber: '24480',
}

function receive(body: JsonObject, settings: GatewayAccount['settings'] = {}) {
  const account = { gateway: 'fawry', account: 'default', secrets: [SECRET], settings }
  const delivery = { body: Buffer.from(JSON.stringify(body)), headers: {}, query: new URLSearchParams() }
  return fawry.receive(delivery, account, 0)
}

function signed(fields: JsonObject, withMerchantRef = true): JsonObject {
  return { ...fields, messageSignature: signFawry(fields, SECRET, withMerchantRef) }
}

function eventOf(body: JsonObject, settings: GatewayAccount['settings'] = {}) {
  const received = receive(body, settings)
  if (received.kind !== 'accepted') throw new Error(JSON.stringify(received))
  return received.events[0] ?? expect.fail('no event')
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

describe('the signature', () => {
  it('is a SHA-256 of the values and the key, side by side, amounts with two digits', () => {
    expect(signFawry(paid, SECRET)).toBe(sha256(`970177trip-152.0052.00PAIDPAYATFAWRY24480${SECRET}`))
  })

  it.each([152, '152', '152.0', '152.00', '0152.000'])('signs the amount %j as 152.00', (amount) => {
    const fields = { ...paid, paymentAmount: amount, orderAmount: amount }
    expect(signFawry(fields, SECRET)).toBe(sha256(`970177trip-1152.00152.00PAIDPAYATFAWRY24480${SECRET}`))
    expect(eventOf(signed(fields)).fact).toMatchObject({ amountMinor: 15_200n, currency: 'EGP' })
  })

  it.each(['1e2', '-52', -52, null, '', 'x', '152.', [52]])('cannot be of the amount %j', (paymentAmount) => {
    const body = { ...paid, paymentAmount, messageSignature: '0'.repeat(64) }
    const detail = expect.stringContaining('a signed field is missing or of another form')
    expect(receive(body)).toMatchObject({ kind: 'refused', code: 'signature_invalid', detail })
  })

  it.each([undefined, null, ''])('leaves paymentRefrenceNumber %j out', (paymentRefrenceNumber) => {
    expect(signFawry({ ...paid, paymentRefrenceNumber }, SECRET)).toBe(
      sha256(`970177trip-152.0052.00PAIDPAYATFAWRY${SECRET}`),
    )
  })

  it.each<[string, unknown, string]>([
    ['none', undefined, 'signature_missing'],
    ['an empty one', '', 'signature_missing'],
    ['a short one', 'ab', 'signature_invalid'],
    ['a number', 12, 'signature_invalid'],
    ['64 characters that are no hex', 'g'.repeat(64), 'signature_invalid'],
    ['another', '0'.repeat(64), 'signature_invalid'],
  ])('%s is refused', (_, messageSignature, code) => {
    expect(receive({ ...paid, messageSignature })).toMatchObject({ kind: 'refused', code })
  })

  it.each<[string, unknown]>([
    ['fawryRefNumber', '970178'],
    ['merchantRefNumber', 'trip-2'],
    ['paymentAmount', 53],
    ['orderAmount', 51],
    ['orderStatus', 'NEW'],
    ['paymentMethod', 'CARD'],
    ['paymentRefrenceNumber', '24481'],
  ])('%s is signed', (name, value) => {
    expect(receive({ ...signed(paid), [name]: value })).toMatchObject({ code: 'signature_invalid' })
  })

  it.each<[string, unknown]>([
    ['requestId', 'another'],
    ['fawryFees', 50],
    ['customerMobile', '0'],
    ['currency', 'USD'],
    ['orderItems', [{ price: 1 }]],
  ])('%s is not signed and changes nothing', (name, value) => {
    expect(eventOf({ ...signed(paid), [name]: value })).toEqual(eventOf(signed(paid)))
  })
})

describe('the reading without merchantRefNumber', () => {
  const body = signed(paid, false)

  it('is refused without its setting, and the documented one with it', () => {
    expect(receive(body)).toMatchObject({ code: 'signature_invalid' })
    expect(receive(body, { USE_MERCHANT_REF_NUM: 'true' })).toMatchObject({ code: 'signature_invalid' })
    expect(receive(signed(paid), { USE_MERCHANT_REF_NUM: 'false' })).toMatchObject({
      code: 'signature_invalid',
    })
  })

  it('finds the payment by what is signed', () => {
    const event = eventOf({ ...body, merchantRefNumber: 'trip-2' }, { USE_MERCHANT_REF_NUM: 'false' })
    expect(event.fact).toMatchObject({ merchantRef: null, gatewayRef: '970177', operationRef: '970177' })
    expect(maySettle(fawry, event)).toBe(true)
  })

  it('settles nothing where digits could have moved between Fawry’s reference and the amount', () => {
    const fields = { ...paid, fawryRefNumber: '9701775', paymentAmount: 2, messageSignature: '' }
    const event = eventOf(signed(fields, false), { USE_MERCHANT_REF_NUM: 'false' })
    expect(event.signed).toEqual(['amount', 'currency', 'status'])
  })

  it('is asked for by true or false alone', () => {
    const problems = (USE_MERCHANT_REF_NUM: string) =>
      accountProblems(
        fawry,
        { gateway: 'fawry', account: 'default', secrets: ['s'], settings: { USE_MERCHANT_REF_NUM } },
        true,
      )
    expect([problems('false'), problems('true'), problems('')]).toEqual([[], [], []])
    expect(problems('no')).toEqual(['USE_MERCHANT_REF_NUM must be true or false'])
  })
})

describe('digits that move between neighbours', () => {
  const genuine = signed(paid)

  it.each<[string, object]>([
    ['from the amount to our reference', { merchantRefNumber: 'trip-15', paymentAmount: 2 }],
    ['from our reference to the amount', { merchantRefNumber: 'trip-', paymentAmount: 152 }],
    ['from Fawry’s reference to ours', { fawryRefNumber: '97017', merchantRefNumber: '7trip-1' }],
    ['from our reference to Fawry’s', { fawryRefNumber: '970177t', merchantRefNumber: 'rip-1' }],
    ['all of both', { fawryRefNumber: '970177trip-1', merchantRefNumber: '' }],
  ])('%s: the signature matches and nothing settles', (_, change) => {
    const event = eventOf({ ...genuine, ...change })
    expect(event.signed).not.toContain('reference')
    expect(event.signed).not.toContain('transaction')
    expect(maySettle(fawry, event)).toBe(false)
  })

  it('cannot move between the amounts, the status and the method', () => {
    for (const change of [
      { paymentAmount: '52.005', orderAmount: '2.00' },
      { paymentAmount: '52.0', orderAmount: '052.00' },
      { orderAmount: 52, orderStatus: 'PAIDP', paymentMethod: 'AYATFAWRY' },
    ]) {
      const received = receive({ ...genuine, ...change })
      if (received.kind !== 'accepted') continue
      const [event] = received.events
      expect(event?.fact === null || event?.fact.amountMinor === 5_200n).toBe(true)
      if (event?.type === 'other') expect(event.hold).toBe('status_unknown')
    }
  })

  const uuid = '0190f1ce-a5b8-7426-8b57-922df51b7f79'
  it.each<[string, boolean]>([
    ['trip-1', false],
    ['1', false],
    [uuid, true],
    [uuid.replaceAll('-', ''), true],
    [`trip-${uuid}`, true],
    [`1${uuid}`, false],
    [`1-${uuid}`, false],
    [`${uuid}-1`, false],
  ])('with a fee on the customer, %s is pinned: %s', (merchantRefNumber, isPinned) => {
    const event = eventOf(signed({ ...paid, merchantRefNumber, paymentAmount: 54, fawryFees: 2 }))
    expect(maySettle(fawry, event)).toBe(isPinned)
    expect(event.fact).toMatchObject({ merchantRef: merchantRefNumber, amountMinor: 5_200n })
  })
})

describe('the redirect of the browser', () => {
  it('is at most a notification of the same order, status and amounts', () => {
    const more = '0.00fawry@fawry.com01004545545'
    const redirect = sha256(`970177trip-152.0052.00PAIDCARD${more}${SECRET}`)
    const body = { ...paid, paymentMethod: 'CARD', paymentRefrenceNumber: more, messageSignature: redirect }
    expect(eventOf(body).eventId).toBe(eventOf(signed(paid)).eventId)
    expect(eventOf(body).fact).toEqual(eventOf(signed(paid)).fact)
    expect(receive({ ...body, orderStatus: 'REFUNDED' })).toMatchObject({ code: 'signature_invalid' })
  })
})

describe('the facts', () => {
  it.each<[string, string | null, string | null]>([
    ['NEW', 'pending', null],
    ['UNPAID', 'pending', null],
    ['PAID', 'captured', null],
    ['FAILED', 'failed', null],
    ['EXPIRED', 'expired', null],
    ['CANCELED', 'cancelled', null],
    ['CANCELLED', 'cancelled', null],
    ['REFUNDED', 'refunded', null],
    ['PARTIAL_REFUNDED', null, 'refund_amount_unsigned'],
    ['DELIVERED', null, null],
    ['paid', null, 'status_unknown'],
    ['toString', null, 'status_unknown'],
  ])('%s', (orderStatus, kind, hold) => {
    const event = eventOf(signed({ ...paid, orderStatus }))
    expect([event.fact?.kind ?? null, event.hold]).toEqual([kind, hold])
    expect(event.type).toBe(hold === 'status_unknown' ? 'other' : orderStatus)
  })

  it('are of the order’s amount, whatever fee came on top', () => {
    const event = eventOf(signed({ ...paid, paymentAmount: '54.5', fawryFees: 2.5 }))
    expect(event.fact).toEqual({
      kind: 'captured',
      merchantRef: 'trip-1',
      gatewayRef: null,
      operationRef: '970177',
      amountMinor: 5_200n,
      currency: 'EGP',
    })
    expect(event.eventId).toBe('970177:PAID:54.50')
  })

  it('keep a refund and two refunds of parts apart from the payment', () => {
    const refunded = eventOf(signed({ ...paid, orderStatus: 'REFUNDED' }))
    expect(refunded.fact?.operationRef).toBe('970177:REFUNDED')
    const ids = ['1', '2'].map(
      (paymentRefrenceNumber) =>
        eventOf(signed({ ...paid, orderStatus: 'PARTIAL_REFUNDED', paymentRefrenceNumber })).eventId,
    )
    expect(new Set([...ids, refunded.eventId, eventOf(signed(paid)).eventId]).size).toBe(4)
  })

  it.each<[object, string]>([
    [{ merchantRefNumber: null }, 'reference_missing'],
    [{ paymentAmount: 0, orderAmount: 0 }, 'amount_unreadable'],
  ])('are held for %j', (change, hold) => {
    expect(eventOf(signed({ ...paid, ...change }))).toMatchObject({ fact: null, hold })
  })

  it('reads references that are numbers', () => {
    const event = eventOf(signed({ ...paid, fawryRefNumber: 970177, merchantRefNumber: 5 }))
    expect(event.fact).toMatchObject({ merchantRef: '5', operationRef: '970177' })
  })
})
