import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Delivery, Received } from '../src/webhooks/gateways/adapter.ts'
import { adapters } from '../src/webhooks/gateways/registry.ts'
import { buildDelivery, samples } from '../src/webhooks/gateways/samples/samples.ts'
import { Target, withHeaders } from './support/attacks.ts'
import { isForm, signatureIn, withField, withQuery, withTwo } from './support/delivery-fields.ts'
import { received } from './support/gateway-deliveries.ts'
import { flipsOf } from './support/json-leaves.ts'
import { SIGNATURE_PLACES, SIGNED_FIELDS } from './support/signatures.ts'

/** What stands beside a body, of every gateway: headers, the query, the signature wherever it is, and the bytes that it may cover. */
const GATEWAYS = [...adapters.keys()]
const BY_BYTES = GATEWAYS.filter((gateway) => !(gateway in SIGNED_FIELDS))

/** The bits that base64 has too many are not told. */
function saidBy(result: Received) {
  return result.kind === 'accepted' ? result.events : result.kind
}

/** Hex digits of another case, or an id that is signed in lower case. */
function isSameText(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase()
}

describe.each(GATEWAYS)('%s: what stands beside the body', (gateway) => {
  const target = new Target(gateway)
  const genuine = target.genuine()
  const known = target.receive(genuine)
  const unsigned = ['content-type', ...(samples.get(gateway)?.unsignedHeaders ?? [])]
  const signing = Object.keys(genuine.headers).filter((name) => !unsigned.includes(name))
  const [where, field = ''] = SIGNATURE_PLACES[gateway] ?? expect.fail('no place')

  it.each(signing)('a flipped bit of %s is refused, or is written another way and the same', (name) => {
    const value = genuine.headers[name] ?? ''
    for (const flip of flipsOf(value).map(String)) {
      const result = target.receive(withHeaders(genuine, { [name]: flip }))
      const mayBeSame = name === field || isSameText(flip, value)
      expect([flip, saidBy(result)]).toEqual([
        flip,
        mayBeSame && result.kind === 'accepted' ? saidBy(known) : 'refused',
      ])
    }
  })

  it('every name of the query is signed bit by bit, or has no say in what is booked', () => {
    for (const [name, value] of genuine.query) {
      for (const flip of flipsOf(value).map(String)) {
        const changed = withQuery(genuine, name, flip)
        const result = target.receive(changed)
        if (name !== 'type')
          expect([name, flip, saidBy(result)]).toEqual([
            name,
            flip,
            isSameText(flip, value) ? saidBy(known) : 'refused',
          ])
        expect(target.settles(changed)).toEqual(target.settles(genuine))
      }
    }
  })

  it('the type of the content has no say', () => {
    for (const type of [
      undefined,
      '',
      'text/plain',
      'application/json, application/json',
      'é',
      'x'.repeat(9_000),
    ])
      expect([type, target.receive(withHeaders(genuine, { 'content-type': type }))]).toEqual([type, known])
  })

  it.skipIf(where === 'header')(
    `${field}: missing, doubled, empty, over-long or not ASCII is refused`,
    () => {
      const value = signatureIn(genuine, where, field)
      for (const odd of [
        undefined,
        '',
        ' ',
        value.repeat(200),
        `${value}é`,
        `\u0100${value.slice(1)}`,
        ...typesOf(genuine, value),
      ])
        expect([odd, target.receive(withField(genuine, where, field, odd)).kind]).toEqual([odd, 'refused'])
      const twice = target.receive(withTwo(genuine, where, field, value))
      if (twice.kind !== 'refused') expect(twice).toEqual(known)
      // The last one counts wherever two are taken for one, and that is wrong here.
      expect(target.receive(withTwo(genuine, where, field, 'A'.repeat(value.length))).kind).toBe('refused')
    },
  )

  /** Only JSON has others. */
  function typesOf(delivery: Delivery, value: string): readonly unknown[] {
    return where === 'body' && !isForm(delivery) ? [1, null, true, [value], { value }] : []
  }

  it('another secret, or another key, matches nothing', () => {
    const other = new Target(gateway)
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
    const PUBLIC_KEY = publicKey.export({ type: 'spki', format: 'pem' }).toString()
    const settings = { ...target.account.settings, PUBLIC_KEY }
    const isByKey = adapters.get(gateway)?.secretForm === 'none'
    const account = isByKey ? { ...target.account, settings } : other.account
    expect(target.receive(genuine, account)).toMatchObject({ kind: 'refused', code: 'signature_invalid' })
    const forged = received(buildDelivery(gateway, { ...other.spec, ...(isByKey ? { privateKey } : {}) }))
    expect(target.receive(forged)).toMatchObject({ kind: 'refused', code: 'signature_invalid' })
  })

  it('a body that is written anew is refused where its bytes are signed, and is the same event elsewhere', () => {
    for (const body of anewOf(genuine)) {
      const result = target.receive({ ...genuine, body })
      if (BY_BYTES.includes(gateway))
        expect([body.toString(), result.kind]).toEqual([body.toString(), 'refused'])
      else expect([body.toString(), eventIdsOf(result)]).toEqual([body.toString(), eventIdsOf(known)])
    }
  })
})

// Bodies of tier A are flipped in src/webhooks/gateways/conformance.test.ts; PayPal signs a CRC of its bytes.
it('paypal: a body with any bit flipped is refused', () => {
  const target = new Target('paypal')
  const genuine = target.genuine()
  for (let bit = 0; bit < genuine.body.length * 8; bit += 1) {
    const body = Buffer.from(genuine.body)
    body[bit >> 3] = (body[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    expect([bit, target.receive({ ...genuine, body }).kind]).toEqual([bit, 'refused'])
  }
})

/** Settings that are part of what is signed. */
it.each([
  ['square', 'PUBLIC_URL', 'http://127.0.0.1:3000/webhooks/square/'],
  ['paypal', 'WEBHOOK_ID', '0ONCELINE0SAMPLE1'],
])('%s signs %s, too', (gateway, name, value) => {
  const target = new Target(gateway)
  const account = { ...target.account, settings: { ...target.account.settings, [name]: value } }
  expect(target.receive(target.genuine(), account)).toMatchObject({
    kind: 'refused',
    code: 'signature_invalid',
  })
})

function eventIdsOf(result: Received): readonly string[] {
  return result.kind === 'accepted' ? result.events.map(({ eventId }) => eventId) : [result.kind]
}

/** What some framework on the way might make of a body that it has parsed. */
function anewOf(delivery: Delivery): readonly Buffer[] {
  const text = delivery.body.toString()
  if (!text.startsWith('{')) return []
  const body = JSON.parse(text)
  const backwards = Object.fromEntries(Object.entries(body).reverse())
  const others = [
    JSON.stringify(body, null, 2),
    JSON.stringify(backwards),
    `${text}\n`,
    text.replace(':', ': '),
  ]
  return others.filter((other) => other !== text).map((other) => Buffer.from(other))
}
