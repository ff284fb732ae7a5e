import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { GatewayAccount, GatewayEvent, Received } from './adapter.ts'
import { braintree, signBraintree } from './braintree.ts'
import { accountProblems } from './settings.ts'

const PAIR = 'public_1:private_1'
const account: GatewayAccount = { gateway: 'braintree', account: 'default', secrets: [PAIR], settings: {} }
const AT = '2026-01-01T00:00:00Z'

const post = (body: Buffer, on = account): Received =>
  braintree.receive({ body, headers: {}, query: new URLSearchParams() }, on, null)
const form = (bt_signature: string, bt_payload: string) =>
  Buffer.from(new URLSearchParams({ bt_signature, bt_payload }).toString())
const payloadOf = (xml: string) => `${Buffer.from(xml).toString('base64')}\n`
const xmlOf = (kind: string, subject: string, at = AT) =>
  `<notification><timestamp type="datetime">${at}</timestamp><kind>${kind}</kind><subject>${subject}</subject></notification>`

const MONEY = '<amount>100.00</amount><currency-iso-code>USD</currency-iso-code>'
const DISPUTE = `<dispute><id>dp_1</id><kind>chargeback</kind>${MONEY}<transaction><id>tx_1</id><order-id>trip-1</order-id></transaction></dispute>`
const SALE = `<transaction><id>tx_1</id><order-id>trip-1</order-id><type>sale</type>${MONEY}</transaction>`
const CREDIT = `<transaction><id>tx_2</id><refunded-transaction-id>tx_1</refunded-transaction-id><type>credit</type>${MONEY}</transaction>`

function eventOf(kind: string, subject: string, at = AT): GatewayEvent {
  const received = post(signBraintree(payloadOf(xmlOf(kind, subject, at)), PAIR))
  if (received.kind !== 'accepted') throw new Error(received.kind)
  return received.events[0] ?? expect.fail('no event')
}

describe('the signature', () => {
  const payload = payloadOf(xmlOf('dispute_opened', DISPUTE))
  const signed = new URLSearchParams(signBraintree(payload, PAIR).toString()).get('bt_signature') ?? ''
  const hmac = signed.slice('public_1|'.length)

  it('is chosen by the public key, among several', () => {
    expect(post(form(`other|${hmac}&${signed}`, payload)).kind).toBe('accepted')
    expect(post(form(`${signed}&other|deadbeef`, payload)).kind).toBe('accepted')
    for (const header of [
      `other|${hmac}`,
      hmac,
      `|${hmac}`,
      `public_|${hmac}`,
      `public_1${hmac}`,
      `public_1|${hmac}00`,
    ])
      expect(post(form(header, payload))).toMatchObject({ kind: 'refused', code: 'signature_invalid' })
  })

  it('may be of any active pair, and names the one', () => {
    const on = { ...account, secrets: ['public_2:private_2', PAIR] }
    expect(post(signBraintree(payload, PAIR), on)).toMatchObject({ secretIndex: 1 })
    expect(post(signBraintree(payload, 'public_2:private_2'), on)).toMatchObject({ secretIndex: 0 })
    expect(post(signBraintree(payload, 'public_1:private_2'), on)).toMatchObject({
      code: 'signature_invalid',
    })
  })

  it('holds for a payload whose last line break got lost, and for no other change', () => {
    expect(post(form(signed, payload.trimEnd())).kind).toBe('accepted')
    expect(post(form(signed, `${payload}\n`))).toMatchObject({ code: 'signature_invalid' })
    expect(post(form(signed, payload.replace('\n', '')).subarray(0, -4)).kind).toBe('refused')
  })

  it.each(['^& ', ' ', '-', '_', '\r', '\u0000', 'é', '%'])('allows no %j in the payload', (character) => {
    const odd = payload + character
    expect(post(signBraintree(odd, PAIR))).toMatchObject({ kind: 'refused', code: 'signature_invalid' })
  })

  it('is looked for among sixteen at most, each field once', () => {
    const many = Array.from({ length: 16 }, () => 'other|00').join('&')
    expect(post(form(`${many}&${signed}`, payload))).toMatchObject({ code: 'signature_invalid' })
    const twice = Buffer.concat([form(signed, payload), Buffer.from('&bt_payload=AAAA')])
    expect(post(twice)).toMatchObject({ code: 'signature_invalid' })
    expect(post(Buffer.from('bt_payload=AAAA'))).toMatchObject({ code: 'signature_missing' })
  })

  it('needs a pair of two halves, which the configuration tells', () => {
    for (const secret of ['public_1', 'public_1:', ':private_1', ' : ']) {
      const on = { ...account, secrets: [secret] }
      expect(post(form(signed, payload), on)).toMatchObject({ code: 'signature_invalid' })
    }
    expect(accountProblems(braintree, { ...account, secrets: [PAIR, 'one'] }, true)).toEqual([
      'WEBHOOK_SECRETS can never match: secret 2 must be <public key>:<private key>',
    ])
  })
})

describe('the challenge', () => {
  const asked = (text: string, on = account) =>
    braintree.challenge?.({ body: Buffer.alloc(0), headers: {}, query: new URLSearchParams(text) }, on)

  it('is answered with the public key and the HMAC', () => {
    const url = new URL('../../../test/vectors/braintree.json', import.meta.url)
    const [{ query, secrets, expectedResponse }] = JSON.parse(readFileSync(url, 'utf8'))
    const on = { ...account, secrets: [secrets.join(':')] }
    expect(asked(new URLSearchParams(query).toString(), on)).toEqual({
      kind: 'answered',
      body: expectedResponse,
    })
  })

  it.each([
    '',
    'bt_challenge=',
    'bt_challenge=ABCDEF0123456789ABCD',
    'bt_challenge=0123456789abcdef012',
    `bt_challenge=${'0'.repeat(33)}`,
    'bt_challenge=0123456789abcdef0123&bt_challenge=0123456789abcdef0123',
    `bt_challenge=${encodeURIComponent(payloadOf('<a/>'))}`,
  ])('is refused where it is %j: nothing else gets signed', (query) => {
    expect(asked(query)).toMatchObject({ kind: 'refused', code: 'malformed_body' })
  })

  it('is refused without a pair', () => {
    expect(asked('bt_challenge=0123456789abcdef0123', { ...account, secrets: [] })).toMatchObject({
      code: 'signature_missing',
    })
  })
})

describe('notifications', () => {
  it.each([
    ['dispute_opened', 'disputed'],
    ['dispute_won', 'dispute_won'],
    ['dispute_lost', 'dispute_lost'],
    ['dispute_accepted', 'dispute_lost'],
    ['dispute_auto_accepted', 'dispute_lost'],
    ['dispute_expired', 'dispute_lost'],
  ])('%s is %s', (word, kind) => {
    expect(eventOf(word, DISPUTE)).toMatchObject({
      eventId: `${word}:${AT}:dispute:dp_1`,
      type: word,
      occurredAt: new Date(AT),
      fact: { kind, merchantRef: 'trip-1', gatewayRef: 'tx_1', operationRef: 'dp_1', amountMinor: 10_000n },
    })
  })

  it.each([
    ['transaction_settled', SALE, 'captured', 'tx_1'],
    ['transaction_disbursed', SALE, 'captured', 'tx_1'],
    ['transaction_settlement_declined', SALE, 'failed', 'tx_1'],
    ['transaction_settled', CREDIT, 'refunded', 'tx_2'],
    ['transaction_disbursed', CREDIT, 'refunded', 'tx_2'],
    ['transaction_settlement_declined', CREDIT, 'refund_failed', 'tx_2'],
    ['refund_failed', CREDIT, 'refund_failed', 'tx_2'],
  ])('%s of %s is %s', (word, subject, kind, operationRef) => {
    expect(eventOf(word, subject).fact).toMatchObject({
      kind,
      gatewayRef: 'tx_1',
      operationRef,
      amountMinor: 10_000n,
    })
  })

  it.each([
    ['dispute_disputed', DISPUTE],
    ['dispute_under_review', DISPUTE],
    ['dispute_opened', DISPUTE.replace('chargeback', 'retrieval')],
    ['subscription_charged_successfully', '<subscription><id>s</id></subscription>'],
    ['check', '<check type="boolean">true</check>'],
  ])('%s moves nothing', (word, subject) => {
    expect(eventOf(word, subject)).toMatchObject({ fact: null, hold: null })
  })

  it('of one subject at another time, or of another kind, are other events', () => {
    const ids = [
      eventOf('dispute_won', DISPUTE),
      eventOf('dispute_won', DISPUTE, '2026-01-02T00:00:00Z'),
      eventOf('dispute_lost', DISPUTE),
      eventOf('dispute_won', DISPUTE.replace('dp_1', 'dp_2')),
    ].map(({ eventId }) => eventId)
    expect(new Set(ids).size).toBe(4)
    expect(eventOf('dispute_won', DISPUTE).eventId).toBe(ids[0])
  })

  it('count what is disputed, where that is only a part', () => {
    const part = DISPUTE.replace('<amount>', '<amount-disputed>25.5</amount-disputed><amount>')
    expect(eventOf('dispute_opened', part).fact?.amountMinor).toBe(2_550n)
  })

  it('of a dispute that was won in part are held: what came back is not what was withheld', () => {
    const won = (amount: string) =>
      DISPUTE.replace(
        '<amount>',
        `<amount-disputed>100.0</amount-disputed><amount-won>${amount}</amount-won><amount>`,
      )
    expect(eventOf('dispute_won', won('245.00'))).toMatchObject({ fact: null, hold: 'status_contradictory' })
    expect(eventOf('dispute_won', won('')).fact?.kind).toBe('dispute_won')
    expect(eventOf('dispute_won', won('100.00')).fact).toMatchObject({
      kind: 'dispute_won',
      amountMinor: 10_000n,
    })
    expect(eventOf('dispute_lost', won('0.00')).fact?.kind).toBe('dispute_lost')
  })

  it.each([
    ['object_unreadable', '<other/>'],
    ['reference_missing', `<dispute><id>dp_1</id>${MONEY}</dispute>`],
    ['currency_unknown', DISPUTE.replace('USD', 'usd')],
    ['amount_unreadable', DISPUTE.replace('100.00', '1e2')],
    ['amount_unreadable', DISPUTE.replace('100.00', '100.00</amount><amount>1.00')],
    ['operation_unreadable', DISPUTE.replace('dp_1', '&#100;p_1')],
  ])('are held (%s) where they are odd: %s', (hold, subject) => {
    expect(eventOf('dispute_opened', subject)).toMatchObject({ fact: null, hold })
  })

  it.each([
    'no xml',
    '<notification/>',
    '<!DOCTYPE n [<!ENTITY x "y">]><n>&x;</n>',
    '<other><kind>check</kind></other>',
  ])('are kept and held where they cannot be read: %j', (xml) => {
    expect(post(signBraintree(payloadOf(xml), PAIR))).toMatchObject({
      kind: 'accepted',
      events: [{ eventId: expect.stringMatching(/^signature:[0-9a-f]{40}$/), hold: 'body_unreadable' }],
    })
  })

  it('never throw, whatever the signed XML is', () => {
    const xml = xmlOf('dispute_opened', DISPUTE)
    const change = fc.record({ at: fc.nat(xml.length), cut: fc.nat(30), put: fc.string({ unit: 'binary' }) })
    fc.assert(
      fc.property(change, ({ at, cut, put }) => {
        const odd = xml.slice(0, at) + put + xml.slice(at + cut)
        const received = post(signBraintree(payloadOf(odd), PAIR))
        expect(received.kind).toBe('accepted')
      }),
      { numRuns: 500 },
    )
  })
})
