import { createCipheriv } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { runs } from '../../../test/support/gateway-deliveries.ts'
import { eventOf, IV, KEY, receive, seal, told } from '../../../test/support/hyperpay-notifications.ts'
import { anyBody } from '../../../test/support/strange-content.ts'
import { hyperpay } from './hyperpay.ts'
import { accountProblems } from './settings.ts'

describe('the encryption', () => {
  const sent = seal(JSON.stringify(told({})))

  it('is AES-256-GCM under the key’s bytes, whose hex may be of either case', () => {
    const cipher = createCipheriv('aes-256-gcm', Buffer.from(KEY, 'hex'), IV)
    const body = cipher.update(JSON.stringify(told({})), 'utf8', 'hex') + cipher.final('hex')
    expect(sent).toEqual({ body, iv: IV.toString('hex'), tag: cipher.getAuthTag().toString('hex') })
    for (const secret of [KEY, KEY.toLowerCase(), ` ${KEY}`])
      expect(receive(sent, [secret])).toMatchObject({ kind: 'accepted', secretIndex: 0, signature: sent.tag })
    expect(receive(sent, ['f'.repeat(64), KEY])).toMatchObject({ kind: 'accepted', secretIndex: 1 })
  })

  it.each([4, 8, 12, 13, 14, 15])('takes no tag of %i bytes, though GCM knows them', (bytes) => {
    expect(receive({ ...sent, tag: sent.tag.slice(0, bytes * 2) })).toMatchObject({
      code: 'signature_invalid',
      detail: 'X-Authentication-Tag is not 32 hex digits',
    })
  })

  it.each([1, 8, 11, 13, 16])('takes no initialization vector of %i bytes', (bytes) => {
    const cipher = createCipheriv('aes-256-gcm', Buffer.from(KEY, 'hex'), Buffer.alloc(bytes, 1))
    const body = cipher.update('{"type":"PAYMENT"}', 'utf8', 'hex') + cipher.final('hex')
    const other = { body, iv: '01'.repeat(bytes), tag: cipher.getAuthTag().toString('hex') }
    expect(receive(other)).toMatchObject({ code: 'signature_invalid' })
  })

  it.each<[string, string[]]>([
    ['another key', ['f'.repeat(64)]],
    ['half a key', [KEY.slice(32)]],
    ['a key that is text', ['not hex at all, and yet a secret of some length']],
    ['no key', []],
    ['a blank key', [' ']],
  ])('opens with %s for nobody', (_, secrets) => {
    expect(receive(sent, secrets)).toMatchObject({ kind: 'refused', code: 'signature_invalid' })
  })

  it('proves the body, the vector and the tag, each bit of them', () => {
    for (const part of ['body', 'iv', 'tag'] as const) {
      const bytes = Buffer.from(sent[part], 'hex')
      for (let bit = 0; bit < Math.min(bytes.length * 8, 256); bit += 1) {
        const other = Buffer.from(bytes)
        other[bit >> 3] = (other[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        const received = receive({ ...sent, [part]: other.toString('hex') })
        expect([part, bit, received.kind]).toEqual([part, bit, 'refused'])
      }
    }
  })

  it.each<[string, (hex: string) => string, boolean]>([
    ['lower case', (hex) => hex, true],
    ['upper case', (hex) => hex.toUpperCase(), true],
    ['the JSON form', (hex) => `{"encryptedBody":"${hex}"}`, true],
    ['the JSON form with blanks', (hex) => `{ "encryptedBody" : "${hex.toUpperCase()}" }`, true],
    ['mixed case', (hex) => hex.replace(/[a-f]/, (digit) => digit.toUpperCase()), false],
    ['a blank at its end', (hex) => `${hex} `, false],
    ['an odd number of digits', (hex) => hex.slice(1), false],
    ['nothing', () => '', false],
    ['the JSON form of nothing', () => '{"encryptedBody":""}', false],
    ['another field', (hex) => `{"body":"${hex}"}`, false],
    ['two of the field', (hex) => `{"encryptedBody":"00","encryptedBody":"${hex}"}`, false],
    ['a field beside it', (hex) => `{"encryptedBody":"${hex}","type":"PAYMENT"}`, false],
    ['base64', (hex) => Buffer.from(hex, 'hex').toString('base64'), false],
  ])('takes a body of %s: %s', (_, spell, isTaken) => {
    const received = receive({ ...sent, body: spell(sent.body) })
    expect(received.kind).toBe(isTaken ? 'accepted' : 'refused')
  })
})

describe('the plaintext', () => {
  it.each<[string, string]>([
    ['no JSON', 'body_unreadable'],
    ['[]', 'body_unreadable'],
    ['{"type":1}', 'body_unreadable'],
    ['{"type":"PAYMENT"}', 'object_unreadable'],
    ['{"type":"PAYMENT","payload":[]}', 'object_unreadable'],
  ])('%s is kept and held', (text, hold) => {
    const event = eventOf(text)
    expect(event).toMatchObject({ fact: null, hold })
    expect(event.eventId).toMatch(/^signature:[0-9a-f]{32}$/)
  })

  it('never makes the adapter throw (mutated plaintexts under the right key)', () => {
    fc.assert(
      fc.property(anyBody(Buffer.from(JSON.stringify(told({})))), (plaintext) => {
        const received = receive(seal(plaintext))
        // An empty plaintext has an empty body, which is refused.
        expect(received.kind).toBe(plaintext.length === 0 ? 'refused' : 'accepted')
        if (received.kind !== 'accepted') return
        const [event] = received.events
        expect(event?.eventId.isWellFormed() && event.eventId !== '' && event.type !== '').toBe(true)
      }),
      runs(500),
    )
  })
})

describe('the configuration', () => {
  it.each<[string, boolean]>([
    [KEY, true],
    [KEY.toLowerCase(), true],
    [KEY.slice(2), false],
    [`${KEY.slice(1)}g`, false],
  ])('the secret %s', (secret, isRight) => {
    const account = { gateway: 'hyperpay', account: 'default', secrets: [KEY, secret], settings: {} }
    const problems = isRight ? [] : ['WEBHOOK_SECRETS must be 64 hex digits each, as HyperPay gives them out']
    expect(accountProblems(hyperpay, account, true)).toEqual(problems)
  })
})
