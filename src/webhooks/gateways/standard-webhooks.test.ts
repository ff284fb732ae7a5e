import crypto, { createHmac, generateKeyPairSync } from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { describe, expect, it, vi } from 'vitest'
import { FACT_KINDS } from '../../payments/fact.ts'
import type { GatewayAccount } from './adapter.ts'
import { signStandardWebhooks, signStandardWebhooksV1a, standardWebhooks } from './standard-webhooks.ts'

const NOW_MS = 1_790_000_000_000
const NOW = NOW_MS / 1000
const BYTES = Buffer.alloc(32, 7)
const SECRET = `whsec_${BYTES.toString('base64')}`
const { publicKey, privateKey } = generateKeyPairSync('ed25519')
const PUBLIC_BYTES = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url')
const PUBLIC = `whpk_${PUBLIC_BYTES.toString('base64')}`

const data = {
  merchantRef: 'trip-1',
  gatewayRef: 'g-1',
  operationRef: 'op-1',
  amountMinor: 500,
  currency: 'EGP',
}
const paid = { type: 'payment.captured', timestamp: '2026-11-23T10:00:00Z', data }
const BODY = Buffer.from(JSON.stringify(paid))

interface Change {
  readonly id?: string | undefined
  readonly timestamp?: string | undefined
  readonly signature?: string | undefined
  readonly body?: Buffer
  readonly secrets?: readonly string[]
}

function receive(change: Change = {}) {
  const { body = BODY, secrets = [PUBLIC, SECRET] } = change
  const account: GatewayAccount = { gateway: 'standard-webhooks', account: 'default', secrets, settings: {} }
  const headers = {
    'webhook-id': 'id' in change ? change.id : 'msg_1',
    'webhook-timestamp': 'timestamp' in change ? change.timestamp : String(NOW),
    'webhook-signature':
      'signature' in change ? change.signature : signStandardWebhooks('msg_1', NOW, body, SECRET),
  }
  return standardWebhooks.receive({ body, headers, query: new URLSearchParams() }, account, NOW_MS)
}

function answer(change: Change): string {
  const received = receive(change)
  return received.kind === 'refused' ? received.code : 'accepted'
}

function eventOf(value: unknown) {
  const received = receive({ body: Buffer.from(JSON.stringify(value)) })
  if (received.kind !== 'accepted') throw new Error(JSON.stringify(received))
  return received.events[0] ?? expect.fail('no event')
}

describe('the keys', () => {
  it('takes an HMAC secret with or without its prefix', () => {
    expect(receive()).toMatchObject({ kind: 'accepted', secretIndex: 1 })
    expect(answer({ secrets: [SECRET.slice('whsec_'.length)] })).toBe('accepted')
  })

  it('takes an ed25519 signature by a public key', () => {
    const signature = signStandardWebhooksV1a('msg_1', NOW, BODY, privateKey)
    expect(receive({ signature })).toMatchObject({ kind: 'accepted', secretIndex: 0, signature })
  })

  it('never uses a public key as an HMAC secret, which everybody could sign with', () => {
    const signed = createHmac('sha256', PUBLIC_BYTES).update(`msg_1.${NOW}.`).update(BODY).digest('base64')
    for (const label of ['v1', 'v1a'])
      expect(answer({ signature: `${label},${signed}` })).toBe('signature_invalid')
  })

  it.each(['v1a', 'v2', 'V1', '', 'v1 '])('does not take an HMAC under the label %j', (label) => {
    const signature = signStandardWebhooks('msg_1', NOW, BODY, SECRET).replace('v1,', `${label},`)
    expect(answer({ signature })).toBe('signature_invalid')
  })

  it.each(['', 'whsec_', 'whpk_', 'whsec_c2hvcnQ=', 'whsec_!!!', `whpk_${'A'.repeat(20)}`, 'REPLACE_ME'])(
    'matches nothing with the unusable secret %j',
    (secret) => {
      expect(answer({ secrets: [secret] })).toBe('signature_invalid')
    },
  )
})

describe('the configuration', () => {
  const problems = (...secrets: string[]) =>
    standardWebhooks.configurationProblems?.(
      { gateway: 'standard-webhooks', account: 'default', secrets, settings: {} },
      false,
    ) ?? []

  it('takes every key that can match', () => {
    expect(problems(SECRET, SECRET.slice('whsec_'.length), PUBLIC)).toEqual([])
  })

  it.each([
    'whsec_c2hvcnQ=',
    'whsec_hidden!',
    `whpk_${'A'.repeat(20)}`,
    Buffer.alloc(23, 7).toString('base64'),
  ])('names the position of %j, and not its value', (secret) => {
    const [problem = '', ...others] = problems(SECRET, secret)
    expect(others).toEqual([])
    expect(problem).toMatch(/^WEBHOOK_SECRETS can never match: secret 2 must be /)
    expect(problem).not.toContain(secret)
  })
})

describe('what a forger can make us compute', () => {
  const wrong = (length: number) => Buffer.alloc(length, 1).toString('base64')

  it('one HMAC a key, however many signatures are sent', () => {
    const hmacs = vi.spyOn(crypto, 'createHmac')
    syncBuiltinESMExports()
    expect(
      answer({
        secrets: [SECRET, Buffer.alloc(24, 9).toString('base64')],
        signature: manyOf(`v1,${wrong(32)}`, 16),
      }),
    ).toBe('signature_invalid')
    const calls = hmacs.mock.calls.length
    hmacs.mockRestore()
    syncBuiltinESMExports()
    expect(calls).toBe(2)
  })

  it('three ed25519 verifications: a right signature after them is not looked at', () => {
    const right = signStandardWebhooksV1a('msg_1', NOW, BODY, privateKey)
    const forged = `v1a,${wrong(64)}`
    expect(answer({ signature: `${manyOf(forged, 2)} ${right}` })).toBe('accepted')
    expect(answer({ signature: `${manyOf(forged, 3)} ${right}` })).toBe('signature_invalid')
  })

  it('nothing where the timestamp is old', () => {
    expect(answer({ timestamp: String(NOW - 301), signature: `v1,${wrong(32)}` })).toBe('signature_expired')
  })

  function manyOf(signature: string, count: number): string {
    return Array<string>(count).fill(signature).join(' ')
  }
})

describe('a key that is too short', () => {
  it.each([0, 1, 23])('of %s bytes matches nothing, not even its own signature', (length) => {
    const short = Buffer.alloc(length, 7)
    const hmac = createHmac('sha256', short).update(`msg_1.${NOW}.`).update(BODY).digest('base64')
    const secrets = [`whsec_${short.toString('base64')}`]
    expect(answer({ secrets, signature: `v1,${hmac}` })).toBe('signature_invalid')
  })
})

describe('the headers', () => {
  const right = signStandardWebhooks('msg_1', NOW, BODY, SECRET)

  it.each<[string, Change, string]>([
    ['several signatures, one right', { signature: `v1,AAAA v2,x v1a,AAAA ${right}` }, 'accepted'],
    ['no signature', { signature: undefined }, 'signature_missing'],
    ['an empty signature', { signature: '' }, 'signature_missing'],
    ['too many signatures', { signature: `${'v1,AAAA '.repeat(16)}${right}` }, 'signature_invalid'],
    [
      '33 bytes in 44 characters',
      { signature: `v1,${Buffer.alloc(33).toString('base64')}` },
      'signature_invalid',
    ],
    ['no base64', { signature: 'v1,é' }, 'signature_invalid'],
    ['no id', { id: undefined }, 'event_id_missing'],
    ['an id with a blank', { id: 'msg 1' }, 'malformed_body'],
    ['an id of 256 characters', { id: 'm'.repeat(256) }, 'malformed_body'],
    ['another id', { id: 'msg_2' }, 'signature_invalid'],
    ['no timestamp', { timestamp: undefined }, 'signature_invalid'],
    ['another timestamp', { timestamp: String(NOW + 1) }, 'signature_invalid'],
    ['a timestamp with a fraction', { timestamp: `${NOW}.0` }, 'signature_invalid'],
    ['a timestamp in milliseconds', { timestamp: String(NOW_MS) }, 'signature_invalid'],
  ])('%s', (_, change, expected) => {
    expect(answer(change)).toBe(expected)
  })

  it.each([
    [300, 'accepted'],
    [-300, 'accepted'],
    [301, 'signature_expired'],
    [-301, 'signature_expired'],
  ])('a clock %s s away', (shift, expected) => {
    const at = NOW + shift
    const signature = signStandardWebhooks('msg_1', at, BODY, SECRET)
    expect(answer({ timestamp: String(at), signature })).toBe(expected)
  })
})

describe('the payload', () => {
  it.each([
    ['0999-12-31T23:59:59Z', null],
    ['1000-01-01T00:00:00Z', new Date('1000-01-01T00:00:00Z')],
    ['9999-12-31T23:59:59Z', new Date('9999-12-31T23:59:59Z')],
    ['+010000-01-01T00:00:00Z', null],
    ['soon', null],
  ])('the time %s is %s', (timestamp, expected) => {
    expect(eventOf({ ...paid, timestamp }).occurredAt).toEqual(expected)
  })

  it.each(FACT_KINDS)('payment.%s is read', (kind) => {
    const event = eventOf({ ...paid, type: `payment.${kind}` })
    expect(event.fact).toEqual({ ...data, kind, amountMinor: 500n })
    expect(event).toMatchObject({
      eventId: 'msg_1',
      hold: null,
      occurredAt: new Date('2026-11-23T10:00:00Z'),
    })
  })

  it.each<[unknown, string]>([
    [{ ...paid, type: 'user.created' }, 'user.created'],
    [{ ...paid, type: 'payment.settled' }, 'payment.settled'],
    [{ ...paid, type: 'payment.constructor' }, 'payment.constructor'],
    [{ test: 1 }, 'unknown'],
  ])('%j carries no fact', (value, type) => {
    expect(eventOf(value)).toMatchObject({ type, fact: null, hold: null })
  })

  it.each([
    'not json',
    '[]',
    '{"type":1}',
    '{"type":""}',
    '{"type":"payment.captured"}',
    '{"type":"payment.captured","data":[]}',
  ])('%s is malformed', (text) => {
    expect(answer({ body: Buffer.from(text) })).toBe('malformed_body')
  })

  it.each<[object, string]>([
    [{ amountMinor: '500' }, 'amount_unreadable'],
    [{ amountMinor: 5.5 }, 'amount_unreadable'],
    [{ amountMinor: -5 }, 'amount_unreadable'],
    [{ amountMinor: 10 ** 15 + 1 }, 'amount_unreadable'],
    [{ amountMinor: undefined }, 'amount_unreadable'],
    [{ currency: 'egp' }, 'currency_unknown'],
    [{ merchantRef: undefined, gatewayRef: null }, 'reference_missing'],
    [{ merchantRef: 5 }, 'reference_unreadable'],
    [{ merchantRef: '' }, 'reference_unreadable'],
    [{ operationRef: undefined }, 'operation_unreadable'],
  ])('a signed event is held, never lost: %j', (change, hold) => {
    expect(eventOf({ ...paid, data: { ...data, ...change } })).toMatchObject({ fact: null, hold })
  })
})
