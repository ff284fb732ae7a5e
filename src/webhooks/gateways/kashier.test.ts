import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { DECISIVE_FIELDS, type GatewayAccount } from './adapter.ts'
import { kashier, signKashier } from './kashier.ts'
import type { JsonObject } from './kit/body.ts'

const SECRET = 'payment-api-key'
const account: GatewayAccount = { gateway: 'kashier', account: 'default', secrets: [SECRET], settings: {} }

const paid: JsonObject = {
  amount: 250.75,
  currency: 'EGP',
  merchantOrderId: 'trip-1',
  status: 'SUCCESS',
  transactionId: 'TX-1',
}

function hmac(text: string): string {
  return createHmac('sha256', SECRET).update(text).digest('hex')
}

function receiveRaw(body: string, signature: string | undefined) {
  const headers = { 'x-kashier-signature': signature }
  return kashier.receive({ body: Buffer.from(body), headers, query: new URLSearchParams() }, account, 0)
}

/** Sends `data` signed by `text`, the canonical text written out by hand. */
function receiveSigned(data: JsonObject, text: string) {
  return receiveRaw(JSON.stringify({ event: 'pay', data }), hmac(text))
}

function eventOf(data: JsonObject, event: unknown = 'pay', keys = Object.keys(data)) {
  const whole = { ...data, signatureKeys: keys }
  const received = receiveRaw(JSON.stringify({ event, data: whole }), signKashier(whole, SECRET))
  if (received.kind !== 'accepted') throw new Error(JSON.stringify(received))
  return received.events[0] ?? expect.fail('no event')
}

describe('the signed text', () => {
  it.each<[string, unknown, string]>([
    ['null', null, 'a&b=1'],
    ['an empty text', '', 'a=&b=1'],
    ['true', true, 'a=true&b=1'],
    ['false', false, 'a=false&b=1'],
    ['a blank', ' ', 'a=%20&b=1'],
    ['a plus', '+', 'a=%2B&b=1'],
    ['what encodeURIComponent leaves', "!'()*", 'a=%21%27%28%29%2A&b=1'],
    ['separators', 'x&b=2', 'a=x%26b%3D2&b=1'],
    ['a fraction', 1.5, 'a=1.5&b=1'],
    ['Arabic', 'رحلة', 'a=%D8%B1%D8%AD%D9%84%D8%A9&b=1'],
  ])('writes %s', (_, a, text) => {
    expect(receiveSigned({ b: 1, a, signatureKeys: ['b', 'a', 'a', 'absent'] }, text).kind).toBe('accepted')
  })

  it.each<[string, unknown]>([
    ['a list', ['1', '2']],
    ['an object', { x: 1 }],
    ['a lone surrogate', '\ud800'],
  ])('refuses %s, however a verifier might write it', (_, a) => {
    const written = String(a).toWellFormed()
    for (const text of [`a=${written}`, `a=${encodeURIComponent(written)}`, 'a=1&a=2', 'a', '']) {
      const received = receiveSigned({ a, signatureKeys: ['a'] }, text)
      expect(received).toMatchObject({ kind: 'refused', code: 'signature_invalid' })
    }
  })

  it.each<[string, unknown]>([
    ['no list', undefined],
    ['an empty list', []],
    ['a text', 'amount'],
    ['a number in it', ['amount', 1]],
    ['a name with separators', ['amount=1&currency']],
    ['a blank name', ['']],
    ['a prototype', ['__proto__']],
    ['too many names', Array.from({ length: 65 }, (_, index) => `k${index}`)],
  ])('refuses signatureKeys that are %s', (_, signatureKeys) => {
    const received = receiveSigned({ 'amount=1&currency': 'EGP', amount: 1, signatureKeys }, '')
    expect(received).toMatchObject({ kind: 'refused', code: 'signature_invalid' })
  })

  it('takes no name from a prototype', () => {
    const received = receiveSigned({ a: '1', signatureKeys: ['a', 'constructor', 'toString'] }, 'a=1')
    expect(received.kind).toBe('accepted')
  })

  it('verifies the value that it reads when a key comes twice', () => {
    const signature = hmac('amount=1&currency=EGP&merchantOrderId=t&status=SUCCESS&transactionId=TX')
    const keys = '"signatureKeys":["amount","currency","merchantOrderId","status","transactionId"]'
    const rest = `"currency":"EGP","merchantOrderId":"t","status":"SUCCESS","transactionId":"TX",${keys}`
    const lastWins = receiveRaw(`{"event":"pay","data":{"amount":999,"amount":1,${rest}}}`, signature)
    expect(lastWins.kind === 'accepted' && lastWins.events[0]?.fact?.amountMinor).toBe(100n)
    const firstSigned = receiveRaw(`{"event":"pay","data":{"amount":1,"amount":999,${rest}}}`, signature)
    expect(firstSigned).toMatchObject({ code: 'signature_invalid' })
  })
})

describe('refusals', () => {
  it.each([
    [undefined, 'signature_missing'],
    ['', 'signature_missing'],
    ['00', 'signature_invalid'],
    ['z'.repeat(64), 'signature_invalid'],
    [`${'0'.repeat(64)}, ${'0'.repeat(64)}`, 'signature_invalid'],
    ['0'.repeat(64), 'malformed_body'],
  ])('the header %j over no JSON', (header, code) => {
    expect(receiveRaw('not json', header)).toMatchObject({ kind: 'refused', code })
  })

  it('a redirect, whose text has the same key: its signature fits no webhook', () => {
    const text =
      'paymentStatus=SUCCESS&cardDataToken=&maskedCard=4111&merchantOrderId=trip-1&orderId=k&amount=1&currency=EGP'
    const data = Object.fromEntries(new URLSearchParams(text))
    const signature = hmac(text)
    const asWebhook = { ...data, status: 'SUCCESS', signatureKeys: Object.keys(data) }
    const crafted = { [text.slice(0, -4)]: 'EGP', signatureKeys: [text.slice(0, -4)] }
    for (const forged of [data, asWebhook, crafted]) {
      const received = receiveRaw(JSON.stringify({ event: 'pay', data: forged }), signature)
      expect(received).toMatchObject({ kind: 'refused', code: 'signature_invalid' })
    }
  })
})

describe('the facts', () => {
  it('a signed success is captured, with all five decisive fields signed', () => {
    const event = eventOf(paid)
    expect(event.fact).toEqual({
      kind: 'captured',
      merchantRef: 'trip-1',
      gatewayRef: null,
      operationRef: 'TX-1',
      amountMinor: 25075n,
      currency: 'EGP',
    })
    expect(event).toMatchObject({ eventId: 'TX-1:SUCCESS', type: 'pay', hold: null })
    expect(event.signed).toEqual(DECISIVE_FIELDS)
  })

  it.each([
    ['FAILURE', 'failed'],
    ['FAILED', 'failed'],
    ['PENDING', 'pending'],
    ['EXPIRED', 'expired'],
    ['CANCELLED', 'cancelled'],
  ])('pay with the status %s is %s', (status, kind) => {
    expect(eventOf({ ...paid, status }).fact?.kind).toBe(kind)
  })

  it.each(['success', 'Success', 'SUCCESS ', 'REFUNDED', 'toString', ''])('holds the status %j', (status) => {
    expect(eventOf({ ...paid, status })).toMatchObject({ fact: null, hold: 'status_unknown' })
  })

  it.each([
    ['refund', 'refunded'],
    ['authorize', 'authorized'],
    ['capture', 'captured'],
    ['void', 'cancelled'],
  ])('%s is unsigned, so its status does not count as signed', (event, kind) => {
    const read = eventOf(paid, event)
    expect(read.fact?.kind).toBe(kind)
    expect(read.signed).toEqual(['reference', 'amount', 'currency', 'transaction'])
  })

  it.each<[string, unknown]>([
    ['a list', ['pay']],
    ['nothing', null],
    ['a word that would become a label', 'x1'],
    ['a key of a prototype', 'constructor'],
  ])('holds an event that is %s, under one label', (_, event) => {
    expect(eventOf(paid, event)).toMatchObject({ type: 'other', fact: null, hold: 'event_unknown' })
  })

  it.each(Object.keys(paid))('never settles from an unsigned %s', (field) => {
    const event = eventOf(
      paid,
      'pay',
      Object.keys(paid).filter((key) => key !== field),
    )
    expect(event).toMatchObject({ fact: null, hold: 'fields_unsigned' })
    expect(event.signed).toHaveLength(4)
  })

  it.each(['transactionId', 'status'])('builds the id from the signature when %s is unsigned', (field) => {
    const keys = Object.keys(paid).filter((key) => key !== field)
    expect(eventOf(paid, 'pay', keys).eventId).toMatch(/^signature:[0-9a-f]{64}$/)
    // The unsigned field cannot make a second event of the same delivery.
    expect(eventOf({ ...paid, [field]: 'X' }, 'pay', keys).eventId).toBe(eventOf(paid, 'pay', keys).eventId)
  })

  it.each<[unknown, bigint | null]>([
    [1, 100n],
    ['1.00', 100n],
    ['1.500', 150n],
    ['1.505', null],
    [0.30000000000000004, null],
    [1e21, null],
    [-1, null],
    [0, null],
    ['1,000', null],
    [true, null],
    [null, null],
  ])('reads the amount %j as %s', (amount, amountMinor) => {
    const { fact, hold } = eventOf({ ...paid, amount })
    expect(fact?.amountMinor ?? null).toBe(amountMinor)
    expect(hold).toBe(amountMinor === null ? 'amount_unreadable' : null)
  })

  it('refuses an id that the database could not keep', () => {
    const data = { ...paid, transactionId: 'T'.repeat(250), signatureKeys: Object.keys(paid) }
    const received = receiveRaw(JSON.stringify({ event: 'pay', data }), signKashier(data, SECRET))
    expect(received).toMatchObject({ kind: 'refused', code: 'malformed_body' })
  })
})
