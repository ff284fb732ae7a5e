import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { withCrcOf } from '../../../test/support/crc-forgery.ts'
import { signingKey } from '../../../test/support/gateway-accounts.ts'
import { mayMoveMoney, maySettle, newEvent } from '../event.ts'
import type { GatewayAccount } from './adapter.ts'
import { paypal, signedText, signPaypal } from './paypal.ts'
import { accountProblems } from './settings.ts'

const WEBHOOK_ID = '8XK21987UF123456A'
const PEM = createPublicKey(signingKey()).export({ type: 'spki', format: 'pem' }).toString()
const PINNED = { WEBHOOK_ID, PUBLIC_KEY: PEM }
const CERTIFICATE = 'https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-5ecacc47'

const resource = {
  id: '3C679366HH908993F',
  status: 'COMPLETED',
  amount: { currency_code: 'USD', value: '12.50' },
  custom_id: 'trip-1',
}
const event = {
  id: 'WH-58D329510W468432D-8HN650336L201105X',
  event_type: 'PAYMENT.CAPTURE.COMPLETED',
  create_time: '2026-02-14T21:50:07.940Z',
  resource,
}
const BODY = Buffer.from(JSON.stringify(event))
const id = '69cd13f0-d67a-11e5-baa3-778b53f4ae55'
const time = '2026-02-14T21:50:08Z'

function headersFor(body: Buffer, privateKey = signingKey(), webhookId = WEBHOOK_ID) {
  return {
    'paypal-transmission-id': id,
    'paypal-transmission-time': time,
    'paypal-transmission-sig': signPaypal(signedText({ id, time }, webhookId, body), privateKey),
    'paypal-auth-algo': 'SHA256withRSA',
    'paypal-cert-url': CERTIFICATE,
  }
}

interface Change {
  readonly body?: Buffer
  readonly headers?: Readonly<Record<string, string | undefined>>
  readonly settings?: GatewayAccount['settings']
  readonly certificates?: ReadonlyMap<string, KeyObject>
}

function receive({ body = BODY, headers = {}, settings = PINNED, certificates }: Change = {}) {
  const account = { gateway: 'paypal', account: 'default', secrets: [], settings }
  const delivery = { body, headers: { ...headersFor(BODY), ...headers }, query: new URLSearchParams() }
  return paypal.receive(delivery, account, null, certificates)
}

function eventOf(change: Change = {}) {
  const received = receive(change)
  if (received.kind !== 'accepted') throw new Error(JSON.stringify(received))
  return received.events[0] ?? expect.fail('no event')
}

const INVALID = { kind: 'refused', code: 'signature_invalid' }

describe('the signature', () => {
  it('covers the transmission, the webhook and the CRC-32 of the body as a decimal', () => {
    expect(signedText({ id, time }, WEBHOOK_ID, BODY)).toBe(`${id}|${time}|${WEBHOOK_ID}|${crc32(BODY)}`)
    expect(crc32(Buffer.from('123456789'))).toBe(0xcbf43926)
    expect(eventOf().fact).toEqual({
      kind: 'captured',
      merchantRef: 'trip-1',
      gatewayRef: resource.id,
      operationRef: resource.id,
      amountMinor: 1_250n,
      currency: 'USD',
    })
  })

  it.each<[string, Change]>([
    ['another body', { body: Buffer.from(JSON.stringify({ ...event, id: 'WH-2' })) }],
    ['another transmission', { headers: { 'paypal-transmission-id': 'another' } }],
    ['another time', { headers: { 'paypal-transmission-time': '2026-02-14T21:50:09Z' } }],
    ['another webhook', { settings: { ...PINNED, WEBHOOK_ID: '8XK21987UF123456B' } }],
    ['no webhook', { settings: { PUBLIC_KEY: PEM } }],
    ['another algorithm', { headers: { 'paypal-auth-algo': 'SHA1withRSA' } }],
    ['a border that moved', { headers: { 'paypal-transmission-id': `${id}|${time}` } }],
    ['a time that is none', { headers: { 'paypal-transmission-time': 'now' } }],
    ['a short signature', { headers: { 'paypal-transmission-sig': 'AAAA' } }],
    ['no base64', { headers: { 'paypal-transmission-sig': 'é'.repeat(344) } }],
    ['a key of somebody else', { settings: { ...PINNED, PUBLIC_KEY: otherPem() } }],
  ])('is not right with %s', (_, change) => {
    expect(receive(change)).toMatchObject(INVALID)
  })

  it('is missing', () => {
    for (const value of [undefined, ''])
      expect(receive({ headers: { 'paypal-transmission-sig': value } })).toMatchObject({
        code: 'signature_missing',
      })
  })
})

function otherPem(): string {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
  return publicKey.export({ type: 'spki', format: 'pem' }).toString()
}

describe('the certificate', () => {
  const settings = { WEBHOOK_ID }

  it('is asked for by its URL, and its key verifies', () => {
    expect(receive({ settings })).toEqual({ kind: 'certificate_needed', url: CERTIFICATE })
    const certificates = new Map([[CERTIFICATE, createPublicKey(signingKey())]])
    expect(receive({ settings, certificates }).kind).toBe('accepted')
    const others = new Map([[CERTIFICATE, createPublicKey(otherPem())]])
    expect(receive({ settings, certificates: others })).toMatchObject(INVALID)
  })

  it('of the sandbox stands on its own host', () => {
    const url = CERTIFICATE.replace('api.', 'api.sandbox.')
    expect(receive({ settings, headers: { 'paypal-cert-url': url } })).toEqual({
      kind: 'certificate_needed',
      url,
    })
  })

  it.each([
    undefined,
    '',
    'https://evil.example/v1/notifications/certs/CERT-1',
    'https://api.paypal.com.evil.example/v1/notifications/certs/CERT-1',
    'https://evil.example/?https://api.paypal.com/v1/notifications/certs/CERT-1',
    'https://api.paypal.com@evil.example/v1/notifications/certs/CERT-1',
    'https://user:pass@api.paypal.com/v1/notifications/certs/CERT-1',
    'https://api.paypal.com:8443/v1/notifications/certs/CERT-1',
    'http://api.paypal.com/v1/notifications/certs/CERT-1',
    'https://api-m.paypal.com/v1/notifications/certs/CERT-1',
    'https://www.paypal.com/v1/notifications/certs/CERT-1',
    'https://api.paypal.com/v1/notifications/certs/../../oauth2/redirect',
    'https://api.paypal.com/v1/notifications/certs/CERT-1?next=https://evil.example',
    'https://api.paypal.com/v1/notifications/certs/CERT-1#',
    'https://api.paypal.com\\@evil.example/v1/notifications/certs/CERT-1',
    'HTTPS://API.PAYPAL.COM/v1/notifications/certs/CERT-1',
    ` ${CERTIFICATE}`,
    `${CERTIFICATE}, ${CERTIFICATE}`,
    `${CERTIFICATE}\nhttps://evil.example`,
  ])('is not fetched from %j', (url) => {
    expect(receive({ settings, headers: { 'paypal-cert-url': url } })).toMatchObject(INVALID)
  })

  it('is not looked at where a key is pinned', () => {
    expect(receive({ headers: { 'paypal-cert-url': 'https://evil.example' } }).kind).toBe('accepted')
  })
})

describe('a body padded to the same CRC-32', () => {
  const other = { ...event, resource: { ...resource, amount: { currency_code: 'USD', value: '9999.00' } } }
  const forged = withCrcOf(BODY, JSON.stringify(other))

  it('verifies, and moves no money: it waits until PayPal was asked', () => {
    expect(crc32(forged)).toBe(crc32(BODY))
    const read = eventOf({ body: forged })
    expect(read.fact?.amountMinor).toBe(999_900n)
    expect([maySettle(paypal, read), mayMoveMoney(paypal, read)]).toEqual([false, false])
    const delivery = { body: forged, headers: {}, query: new URLSearchParams() }
    const context = { gateway: 'paypal', account: 'default', requestId: 'r', signature: 's', delivery }
    expect(newEvent(paypal, read, context)).toMatchObject({ state: 'unconfirmed', maySettle: false })
  })

  it('no more than the genuine one does', () => {
    expect(maySettle(paypal, eventOf())).toBe(false)
  })
})

describe('a signed body', () => {
  it.each([
    '',
    'no json',
    '[]',
    '{"id":""}',
    '{"id":"WH-1"}',
    '{"id":7,"event_type":"PAYMENT.CAPTURE.COMPLETED"}',
  ])('%j is held by its transmission', (text) => {
    const body = Buffer.from(text)
    expect(eventOf({ body, headers: headersFor(body) })).toMatchObject({
      eventId: `transmission:${id}`,
      fact: null,
      hold: 'body_unreadable',
    })
  })
})

describe('the settings', () => {
  const problemsOf = (settings: GatewayAccount['settings']) =>
    accountProblems(paypal, { gateway: 'paypal', account: 'default', secrets: [], settings }, true)

  it('production needs the webhook id', () => {
    expect(problemsOf({})).toEqual(['WEBHOOK_ID is missing; production needs it'])
    expect(problemsOf(PINNED)).toEqual([])
    expect(problemsOf({ WEBHOOK_ID: 'https://x' })).toEqual(['WEBHOOK_ID must be the id of a webhook'])
  })

  it('a key may be a PEM on one line, and is RSA', () => {
    expect(problemsOf({ WEBHOOK_ID, PUBLIC_KEY: PEM.replaceAll('\n', '\\n') })).toEqual([])
    const ed25519 = generateKeyPairSync('ed25519')
      .publicKey.export({ type: 'spki', format: 'pem' })
      .toString()
    for (const PUBLIC_KEY of ['no pem', ed25519])
      expect(problemsOf({ WEBHOOK_ID, PUBLIC_KEY })).toEqual([
        'PUBLIC_KEY must be an RSA key or certificate in PEM',
      ])
  })
})
