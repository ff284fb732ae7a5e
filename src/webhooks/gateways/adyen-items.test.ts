import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  authorisation,
  eventOf,
  eventsOf,
  receive,
  receiveBody,
  refund,
  SECRET,
  signed,
} from '../../../test/support/adyen-items.ts'
import { maySettle } from '../event.ts'
import { adyen } from './adyen.ts'
import { signAdyenItem } from './adyen-items.ts'
import type { JsonObject } from './kit/body.ts'

describe('the signature', () => {
  it('covers eight values with colons between them, an absent one as nothing', () => {
    const text = '7914073381342284::OncelineEU:trip-1:1130:EUR:AUTHORISATION:true'
    const right = createHmac('sha256', Buffer.from(SECRET, 'hex')).update(text).digest('base64')
    expect(signAdyenItem(authorisation, SECRET)).toBe(right)
    for (const originalReference of [undefined, null, ''])
      expect(signAdyenItem({ ...authorisation, originalReference }, SECRET)).toBe(right)
  })

  it('covers an amount of 0 as `0`', () => {
    const text = '7914073381342284::OncelineEU:trip-1:0:EUR:AUTHORISATION:true'
    const right = createHmac('sha256', Buffer.from(SECRET, 'hex')).update(text).digest('base64')
    const zero = { ...authorisation, amount: { value: 0, currency: 'EUR' } }
    expect(signAdyenItem(zero, SECRET)).toBe(right)
    expect(eventOf(zero)).toMatchObject({ fact: null, hold: null })
  })

  it('is made with the bytes that the key writes in hex, and not with its text', () => {
    const text = '7914073381342284::OncelineEU:trip-1:1130:EUR:AUTHORISATION:true'
    const hmacSignature = createHmac('sha256', SECRET).update(text).digest('base64')
    expect(receive([{ ...authorisation, additionalData: { hmacSignature } }]).kind).toBe('refused')
  })

  it.each<[string, JsonObject]>([
    ['pspReference', { pspReference: '7914073381342285' }],
    ['originalReference', { originalReference: '1' }],
    ['merchantAccountCode', { merchantAccountCode: 'Another' }],
    ['merchantReference', { merchantReference: 'trip-2' }],
    ['amount.value', { amount: { value: 11_300, currency: 'EUR' } }],
    ['amount.currency', { amount: { value: 1_130, currency: 'KWD' } }],
    ['amount', { amount: null }],
    ['eventCode', { eventCode: 'CAPTURE' }],
    ['success', { success: 'false' }],
  ])('%s is signed', (_, change) => {
    expect(receive([{ ...signed(authorisation), ...change }])).toMatchObject({
      kind: 'refused',
      code: 'signature_invalid',
    })
  })

  it.each<[string, JsonObject]>([
    ['paymentMethod', { paymentMethod: 'ideal' }],
    ['reason', { reason: 'Refused' }],
    ['operations', { operations: ['REFUND'] }],
    ['eventDate', { eventDate: '1999-01-01T00:00:00Z' }],
  ])('%s is not signed and decides nothing', (_, change) => {
    const event = eventOf({ ...authorisation, ...change })
    const { occurredAt, ...decided } = eventOf(authorisation)
    expect(event).toMatchObject(decided)
    expect(occurredAt).toEqual(new Date('2026-05-06T15:15:34.121Z'))
  })

  it('that decodes to 33 bytes of 44 characters is refused, and nothing throws', () => {
    const hmacSignature = Buffer.alloc(33, 7).toString('base64')
    expect(hmacSignature).toHaveLength(44)
    expect(receive([{ ...authorisation, additionalData: { hmacSignature } }])).toMatchObject({
      kind: 'refused',
      code: 'signature_invalid',
    })
  })

  it.each<[string, unknown, string]>([
    ['none', {}, 'signature_missing'],
    ['no additionalData', null, 'signature_missing'],
    ['an empty one', { hmacSignature: '' }, 'signature_missing'],
    ['a number', { hmacSignature: 12 }, 'signature_missing'],
    ['no base64', { hmacSignature: 'é'.repeat(44) }, 'signature_invalid'],
    ['url-safe base64', { hmacSignature: '_'.repeat(43) }, 'signature_invalid'],
    ['31 bytes', { hmacSignature: Buffer.alloc(31).toString('base64') }, 'signature_invalid'],
  ])('%s is refused', (_, additionalData, code) => {
    expect(receive([{ ...authorisation, additionalData }])).toMatchObject({ kind: 'refused', code })
  })

  it.each([
    [{}],
    [{ notificationItems: [] }],
    [{ notificationItems: [{}] }],
    [{ notificationItems: [null] }],
  ])('is of nothing: %j', (body) => {
    expect(receiveBody(Buffer.from(JSON.stringify(body)))).toMatchObject({ code: 'malformed_body' })
  })
})

describe('parts that move between neighbours', () => {
  it('a colon in our own reference moves nothing, and settles', () => {
    const event = eventOf({ ...authorisation, merchantReference: 'eu:trip:1' })
    expect(event.fact?.merchantRef).toBe('eu:trip:1')
    expect(maySettle(adyen, event)).toBe(true)
  })

  it.each<[string, JsonObject]>([
    ['to the merchant account', { merchantAccountCode: 'OncelineEU:eu', merchantReference: 'trip:1' }],
    [
      'over two borders',
      {
        originalReference: 'OncelineEU',
        merchantAccountCode: 'eu',
        pspReference: '7914073381342284:',
        merchantReference: 'trip:1',
      },
    ],
    [
      'from the status',
      {
        merchantReference: 'eu:trip',
        amount: { value: 1, currency: '1130' },
        eventCode: 'EUR',
        success: 'AUTHORISATION:true',
      },
    ],
  ])('%s: the signature matches and nothing settles', (_, change) => {
    const genuine = signed({ ...authorisation, merchantReference: 'eu:trip:1' })
    const [event] = eventsOf(receive([{ ...genuine, ...change }]))
    expect(event).toMatchObject({ fact: null, hold: 'fields_unsigned' })
    expect(event?.eventId).toMatch(/^signature:[0-9a-f]{64}$/)
  })
})

describe('several items in one body', () => {
  it('are several events', () => {
    const events = eventsOf(receive([signed(authorisation), signed(refund)]))
    expect(events.map(({ eventId }) => eventId)).toEqual([
      '7914073381342284:AUTHORISATION:true',
      '8815073381342285:REFUND:true',
    ])
  })

  it.each([0, 1, 2])('with a bad one at %i are refused as a whole', (at) => {
    const items = [signed(authorisation), signed(refund), signed({ ...refund, pspReference: '3' })]
    for (const bad of [{ ...signed(refund), success: 'false' }, { ...refund }, signed(refund, 'ffff')])
      expect(receive(items.with(at, bad)).kind).toBe('refused')
  })
})
