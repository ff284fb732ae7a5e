import { describe, expect, it } from 'vitest'
import {
  authorisation,
  eventOf,
  eventsOf,
  MANUAL,
  receive,
  receiveBody,
  refund,
  SECRET,
  signed,
} from '../../../test/support/adyen-items.ts'
import { maySettle } from '../event.ts'
import type { GatewayAccount } from './adapter.ts'
import { ADYEN_PLATFORM_SIGNATURE, adyen } from './adyen.ts'
import { signAdyenItem } from './adyen-items.ts'
import { signHeaderHmac } from './kit/raw-hmac.ts'
import { accountProblems } from './settings.ts'

describe('what becomes of the events', () => {
  const modification = (eventCode: string, success = 'true') => ({ ...refund, eventCode, success })

  it('AUTHORISATION is money where the account captures by itself, and set aside where it does not', () => {
    const authorized = eventOf(authorisation)
    expect(authorized.fact).toEqual({
      kind: 'authorized',
      merchantRef: 'trip-1',
      gatewayRef: '7914073381342284',
      operationRef: '7914073381342284',
      amountMinor: 1_130n,
      currency: 'EUR',
    })
    expect(eventOf(authorisation, { CAPTURE: 'automatic' }).fact).toEqual({
      ...authorized.fact,
      kind: 'captured',
    })
    expect(eventOf(authorisation, {}).fact?.kind).toBe('authorized')
  })

  it('a refused attempt leaves no gatewayRef, by which the next one would not be found', () => {
    expect(eventOf({ ...authorisation, success: 'false' }).fact).toMatchObject({
      kind: 'failed',
      gatewayRef: null,
    })
    const nameless = { ...authorisation, merchantReference: '', success: 'false' }
    expect(eventOf(nameless).fact?.gatewayRef).toBe('7914073381342284')
  })

  it('CAPTURE is money where it is done by hand, and no second money where it is not', () => {
    expect(eventOf(modification('CAPTURE')).fact).toMatchObject({
      kind: 'captured',
      gatewayRef: authorisation.pspReference,
      operationRef: refund.pspReference,
      amountMinor: 500n,
    })
    expect(eventOf(modification('CAPTURE'), { CAPTURE: 'automatic' })).toMatchObject({
      fact: null,
      hold: null,
    })
  })

  it.each([
    ['CAPTURE', 'false'],
    ['CAPTURE_FAILED', 'true'],
  ])('%s %s is held: money that we believed in is not there', (eventCode, success) => {
    for (const CAPTURE of ['automatic', 'manual'])
      expect(eventOf(modification(eventCode, success), { CAPTURE }).hold).toBe('capture_failed')
  })

  it.each([
    ['PENDING', 'true', 'pending'],
    ['OFFER_CLOSED', 'true', 'expired'],
    ['EXPIRE', 'true', 'expired'],
    ['REFUND', 'true', 'refunded'],
    ['REFUND', 'false', 'refund_failed'],
    ['REFUND_FAILED', 'true', 'refund_failed'],
    ['REFUNDED_REVERSED', 'true', 'refund_failed'],
    ['CHARGEBACK', 'true', 'disputed'],
    ['DISPUTE_OPENED_WITH_CHARGEBACK', 'true', 'disputed'],
    ['CHARGEBACK_REVERSED', 'true', 'dispute_won'],
    ['PREARBITRATION_WON', 'true', 'dispute_won'],
    ['PREARBITRATION_LOST', 'true', 'dispute_lost'],
    ['SECOND_CHARGEBACK', 'true', 'dispute_lost'],
  ])('%s %s is %s', (eventCode, success, kind) => {
    const event = eventOf(modification(eventCode, success))
    expect(event.fact?.kind).toBe(kind)
    expect(event.fact?.operationRef).toBe(refund.pspReference)
    expect(maySettle(adyen, event)).toBe(true)
  })

  it.each(['CANCELLATION', 'TECHNICAL_CANCEL'])(
    '%s names what it undoes: where AUTHORISATION was the money, that is what was booked',
    (eventCode) => {
      for (const CAPTURE of ['automatic', 'manual']) {
        const cancelled = eventOf(modification(eventCode), { CAPTURE })
        expect(cancelled.fact).toMatchObject({ kind: 'cancelled', operationRef: refund.originalReference })
      }
      const alone = eventOf({ ...modification(eventCode), originalReference: '' })
      expect(alone.fact?.operationRef).toBe(refund.pspReference)
    },
  )

  it.each([
    ['CANCEL_OR_REFUND', 'fields_unsigned'],
    ['REFUND_WITH_DATA', 'event_unknown'],
  ])('%s is held: %s', (eventCode, hold) => {
    const action = { ...modification(eventCode), additionalData: { 'modification.action': 'refund' } }
    const event = eventsOf(receive([signed(action)]))[0]
    expect(event).toMatchObject({ fact: null, hold })
  })

  it.each([
    ['CANCELLATION', 'false'],
    ['CANCEL_OR_REFUND', 'false'],
    ['NOTIFICATION_OF_CHARGEBACK', 'true'],
    ['REPORT_AVAILABLE', 'true'],
    ['AUTHORISATION_ADJUSTMENT', 'true'],
    ['NOBODY_KNOWS', 'true'],
  ])('%s %s is nothing', (eventCode, success) => {
    expect(eventOf(modification(eventCode, success))).toMatchObject({ fact: null, hold: null })
  })

  it.each(['', 'TRUE', 'yes'])('success %j is held', (success) => {
    expect(eventOf({ ...authorisation, success }).hold).toBe('status_unknown')
  })

  it('of several in one delivery each but the first is kept with its own part, which is signed by itself', () => {
    const [first, second] = eventsOf(receive([signed(authorisation), signed(refund)]))
    expect(first?.part).toBeUndefined()
    const alone = eventsOf(receiveBody(second?.part ?? Buffer.alloc(0)))
    expect(alone).toEqual([{ ...second, part: undefined }])
  })

  it('two refunds of parts are two operations, and a refund is no capture', () => {
    const other = eventOf({ ...refund, pspReference: '8815073381342286' })
    expect(other.fact?.operationRef).not.toBe(eventOf(refund).fact?.operationRef)
    const ids = [authorisation, refund, modification('REFUND_FAILED')].map((item) => eventOf(item).eventId)
    expect(new Set(ids).size).toBe(3)
  })
})

describe('amounts by Adyen’s own exponents', () => {
  it.each([
    ['EUR', 1_130, 1_130n],
    ['KWD', 1_500, 1_500n],
    ['JPY', 1_500, 1_500n],
    ['CLP', 150_000, 1_500n],
    ['ISK', 150_000, 1_500n],
    ['IDR', 1_500, 150_000n],
    ['CVE', 1_500, 150_000n],
  ])('%s %i is %i', (currency, value, amountMinor) => {
    expect(eventOf({ ...authorisation, amount: { value, currency } }).fact?.amountMinor).toBe(amountMinor)
  })

  it.each([150_050, -5])('CLP %i cannot be paid', (value) => {
    const odd = { ...authorisation, amount: { value, currency: 'CLP' } }
    expect(eventOf(odd)).toMatchObject({ fact: null, hold: 'amount_unreadable' })
  })

  it.each([1.5, '1130', [1_130], 2 ** 53])('an amount of %j was never signed by Adyen', (value) => {
    const odd = { ...authorisation, amount: { value, currency: 'EUR' } }
    expect(signAdyenItem(odd, SECRET)).toBeNull()
    const { additionalData } = signed(authorisation)
    expect(receive([{ ...odd, additionalData }])).toMatchObject({ code: 'signature_invalid' })
  })
})

describe('a balance platform', () => {
  const body = Buffer.from(
    '{"data":{"sweep":{"status":"active"}},"type":"balancePlatform.balanceAccountSweep.updated","timestamp":"2026-12-15T15:42:03+01:00"}',
  )
  const hmacsignature = signHeaderHmac(body, SECRET, ADYEN_PLATFORM_SIGNATURE)

  it('signs the whole body in a header, and tells nothing about a payment', () => {
    expect(eventsOf(receiveBody(body, { hmacsignature }))).toEqual([
      {
        eventId: `signature:${Buffer.from(hmacsignature, 'base64').toString('hex')}`,
        type: 'balancePlatform.balanceAccountSweep.updated',
        occurredAt: new Date('2026-12-15T14:42:03Z'),
        signed: expect.anything(),
        tier: 'A',
        fact: null,
        hold: null,
      },
    ])
  })

  it('is refused with one byte more, with another header, and without', () => {
    const longer = Buffer.concat([body, Buffer.from(' ')])
    expect(receiveBody(longer, { hmacsignature }).kind).toBe('refused')
    for (const value of ['', Buffer.alloc(33).toString('base64'), Buffer.alloc(32).toString('base64')])
      expect(receiveBody(body, { hmacsignature: value }).kind).toBe('refused')
    expect(receiveBody(body).kind).toBe('refused')
  })

  it('lends its signature to no payment, nor a payment to it', () => {
    const items = { notificationItems: [{ NotificationRequestItem: signed(authorisation) }] }
    expect(receiveBody(Buffer.from(JSON.stringify(items)), { hmacsignature }).kind).toBe('refused')
    const text = Buffer.from('7914073381342284::OncelineEU:trip-1:1130:EUR:AUTHORISATION:true')
    const other = signAdyenItem(authorisation, SECRET)
    const [event] = eventsOf(receiveBody(text, { hmacsignature: other }))
    expect(event).toMatchObject({ fact: null, hold: 'body_unreadable' })
  })
})

describe('the settings', () => {
  const problemsOf = (settings: GatewayAccount['settings'], secrets = [SECRET]) =>
    accountProblems(adyen, { gateway: 'adyen', account: 'default', secrets, settings }, true)

  it('production is told how the account captures', () => {
    expect(problemsOf({})).toEqual(['CAPTURE is missing; production needs it'])
    expect(problemsOf({ CAPTURE: 'sometimes' })).toEqual(['CAPTURE must be automatic or manual'])
    expect(problemsOf({ CAPTURE: 'automatic' })).toEqual([])
  })

  it('a key that is no hex is refused at start', () => {
    expect(problemsOf(MANUAL, ['not hex'])).toEqual([expect.stringMatching(/^WEBHOOK_SECRETS /)])
  })

  it('notifications of another merchant account are held', () => {
    expect(eventOf(authorisation, { ...MANUAL, MERCHANT_ACCOUNT: 'OncelineUS' }).hold).toBe('owner_mismatch')
    expect(eventOf(authorisation, { ...MANUAL, MERCHANT_ACCOUNT: 'OncelineEU' }).hold).toBeNull()
  })
})
