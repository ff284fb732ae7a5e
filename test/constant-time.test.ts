import crypto from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { signPhonepeV1 } from '../src/webhooks/gateways/phonepe.ts'
import { adapters } from '../src/webhooks/gateways/registry.ts'
import { Target } from './support/attacks.ts'
import { nearMiss, SIGNATURE_PLACES, withSignature } from './support/signatures.ts'

/**
 * The time of a refusal says nothing about how much of a signature was right: whatever is secret is compared by timingSafeEqual, or
 * by OpenSSL where it verifies by itself. `npm run bench:refusals` measures the time itself.
 */
const GATEWAYS = [...adapters.keys()]
/** RSA and GCM. */
const BY_OPENSSL = new Set(['bkash', 'hyperpay', 'paypal'])

/** How many first bytes of the two were the same, of every comparison. */
const compared: number[] = []
const { timingSafeEqual } = crypto

beforeAll(() => {
  crypto.timingSafeEqual = (left, right) => {
    const [a, b] = [Buffer.from(left as Uint8Array), Buffer.from(right as Uint8Array)]
    const differs = a.findIndex((byte, index) => byte !== b[index])
    compared.push(differs < 0 ? a.length : differs)
    return timingSafeEqual(left, right)
  }
  syncBuiltinESMExports()
})
afterAll(() => {
  crypto.timingSafeEqual = timingSafeEqual
  syncBuiltinESMExports()
})

describe('how much of a signature is right', () => {
  it('is asked of every gateway', () => {
    expect(Object.keys(SIGNATURE_PLACES).sort()).toEqual(GATEWAYS.sort())
  })

  it.each(GATEWAYS)('%s: is told by no refusal, and by no other comparison', (gateway) => {
    const target = new Target(gateway)
    const genuine = target.genuine()
    compared.length = 0
    expect(target.receive(genuine).kind).toBe('accepted')
    const all = Math.max(...compared)
    const details = [0, 0.5, 1].map((kept) => {
      compared.length = 0
      const near = withSignature(gateway, genuine, (signature) => nearMiss(signature, kept))
      const result = target.receive(near)
      if (!BY_OPENSSL.has(gateway))
        expect([kept, compared.map((same) => shareOf(same, all))]).toEqual([
          kept,
          expect.arrayContaining([kept]),
        ])
      return result
    })
    expect(details[0]).toMatchObject({ kind: 'refused', code: 'signature_invalid' })
    expect(details).toEqual(details.map(() => details[0]))
  })

  /** Half of a text of 43 characters is 21, and all but the last byte are 62 of 64 hex digits. */
  function shareOf(same: number, all: number): number {
    return same >= all - 2 && same < all ? 1 : same === Math.floor(all / 2) ? 0.5 : same / all
  }

  it.each([0, 0.5, 1])('PhonePe v1 and Flutterwave v3 beside their newer forms: %f', (kept) => {
    const v3 = new Target('flutterwave', {}, { API_VERSION: 'v3' })
    const token = { ...v3.genuine(), headers: { 'verif-hash': nearMiss(v3.secret, kept) } }
    compared.length = 0
    expect(v3.receive(token)).toMatchObject({ code: 'signature_invalid' })
    expect(compared).toEqual([Math.min(Math.floor(v3.secret.length * kept), v3.secret.length - 1)])

    const v1 = new Target('phonepe')
    const response = Buffer.from('{}').toString('base64')
    const [hash = ''] = signPhonepeV1(response, 'salt-key', '1').split('###')
    const headers = { 'x-verify': `${nearMiss(hash, kept)}###1` }
    const delivery = { ...v1.genuine(), headers, body: Buffer.from(JSON.stringify({ response })) }
    compared.length = 0
    expect(v1.receive(delivery, { ...v1.account, secrets: ['salt-key:1'] })).toMatchObject({
      code: 'signature_invalid',
    })
    expect(compared).toEqual([Math.min(32 * kept, 31)])
  })
})

const FILES = globSync('src/webhooks/**/*.ts', {
  cwd: new URL('..', import.meta.url),
  exclude: ['**/*.test.ts', 'src/webhooks/gateways/samples/**'],
})

/** Names of what only its owner may know, or of what is made of that. */
const SECRET =
  /\b\w*(?:signature|secret|token|hmac|digest|given|password|mac|hash|expected|v1|verify|tag|pair|header)\b/i
const OPERATOR = /[!=]==?(?![>])/
/** With anything but a literal. */
const METHOD =
  /\.(?:equals|compare|localeCompare|startsWith|endsWith|includes|indexOf|lastIndexOf|search)\((?!'[^']*'[,)])/

/** A comparison with nothing, a literal, a number or a length says nothing of a secret. */
const HARMLESS =
  /[\w.?[\]]+(?:\((?:[^()]|\([^()]*\))*\))? [!=]== (?:null|undefined|true|false|-?\d+|'[^']*')|[\w.?]+ [!=]== [A-Z_\d]+\b|[\w.?]+\.length [!=]==? [^&|?)]+/g

/** Part of a line → why it may stand. */
const GW = 'src/webhooks/gateways'
const PUBLIC = 'what is compared is no secret'
const ALLOWED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  [`${GW}/case.ts`]: { 'one.expectedResponse === answer.body': 'a file that a person judges' },
  [`${GW}/kashier.ts`]: { 'names.length && given.every((name, index) => name === names[index])': PUBLIC },
  [`${GW}/myfatoorah-text.ts`]: { 'keys.length && given.every((key, index) => key === keys[index])': PUBLIC },
  [`${GW}/phonepe.ts`]: { 'saltIndex === index': 'the index says which salt key, and is sent in clear' },
  [`${GW}/braintree.ts`]: { 'pair.startsWith(`${key.publicKey}|`)': 'the public key is sent in clear' },
  [`${GW}/standard-webhooks.ts`]: { 'signature.startsWith(`${label},`)': 'v1 or v1a' },
  [`${GW}/stripe.ts`]: { "header.lastIndexOf('t=') !== start": 'a place, not a text' },
  [`${GW}/kit/secret-form.ts`]: { 'mark === secret.length - 1': 'a place, not a text' },
  [`${GW}/kit/xml.ts`]: { 'tag !== at': 'a place, not a text' },
}

describe('no comparison that ends at the first difference', () => {
  it('looks at the files that it means to', () => {
    expect(FILES.length).toBeGreaterThan(90)
    expect(FILES).toEqual(expect.arrayContaining([...Object.keys(ALLOWED)]))
  })

  it.each(FILES)('%s', (file) => {
    const allowed = Object.keys(ALLOWED[file] ?? {})
    const lines = comparing(file)
    expect(lines.filter((line) => !allowed.some((part) => line.includes(part)))).toEqual([])
    expect(allowed.filter((part) => !lines.some((line) => line.includes(part)))).toEqual([])
  })

  it('timingSafeEqual stands in one place, which all others use', () => {
    const users = FILES.filter((file) => /timingSafeEqual\(/.test(read(file)))
    expect(users).toEqual(['src/webhooks/gateways/kit/signature.ts'])
  })

  it.each([
    'if (hmac.digest("hex") === header) return 0',
    'return signature !== expected',
    'return findSecret(account, (_, secret) => secret === given)',
    'given.equals(hmacOf(text, key))',
    'return header.startsWith(secret)',
    'if (account.secrets.includes(token)) return true',
    'return Buffer.compare(digest, given) === 0',
  ])('would see %s', (line) => {
    expect(isComparing(line)).toBe(true)
  })
})

function comparing(file: string): readonly string[] {
  return read(file)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => !/^(?:\/\/|\/?\*)/.test(line))
    .filter(isComparing)
}

function isComparing(line: string): boolean {
  return SECRET.test(line) && (METHOD.test(line) || isOperated(line.replace(HARMLESS, '')))
}

function isOperated(rest: string): boolean {
  return OPERATOR.test(rest) && SECRET.test(rest)
}

function read(file: string): string {
  return readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')
}
