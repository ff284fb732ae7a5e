import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect } from 'vitest'
import type { Delivery, GatewayAccount } from '../../src/webhooks/gateways/adapter.ts'
import { ADYEN_PLATFORM_SIGNATURE } from '../../src/webhooks/gateways/adyen.ts'
import { CASE } from '../../src/webhooks/gateways/case.ts'
import { parseObject } from '../../src/webhooks/gateways/kit/body.ts'
import { signHeaderHmac } from '../../src/webhooks/gateways/kit/raw-hmac.ts'
import { splitPair } from '../../src/webhooks/gateways/kit/secret-form.ts'
import { signPhonepeV1 } from '../../src/webhooks/gateways/phonepe.ts'
import type { SampleSpec } from '../../src/webhooks/gateways/samples/sample.ts'
import { buildDelivery, newSecret, samples } from '../../src/webhooks/gateways/samples/samples.ts'
import { sampleAccount, signingWith } from './gateway-accounts.ts'
import { received } from './gateway-deliveries.ts'
import { SIGNATURE_PLACES } from './signatures.ts'
import { contentOf, formOf } from './signed-content.ts'

export const STRANGE_NOW_MS = 1_790_000_000_000

/** One way in which a gateway signs; most have one. */
export interface Style {
  readonly name: string
  readonly gateway: string
  readonly account: GatewayAccount
  readonly spec: SampleSpec
  /** Genuine contents: of every kind, and those of the vectors. */
  readonly contents: readonly Buffer[]
  readonly genuine: Delivery
  /** These bytes under a right signature; null where the gateway could not sign them. */
  sign(content: Buffer): Delivery | null
  /** Whether it could; cheaper where RSA signs. */
  canSign(content: Buffer): boolean
}

/** Every way of every gateway. */
export function stylesOf(gateways: readonly string[]): readonly Style[] {
  return [
    ...gateways.map((gateway) => styleOf(gateway)),
    styleOf('flutterwave', { name: 'flutterwave v3', settings: { API_VERSION: 'v3' } }),
    styleOf('mollie', { name: 'mollie classic', secret: '', settings: { API_KEY: 'live_key' } }),
    adyenPlatform(),
    phonepeV1(),
  ].sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** Far too small for anything but this. */
const QUICK_KEY = generateKeyPairSync('rsa', { modulusLength: 1_024 }).privateKey

interface Change {
  readonly name?: string
  readonly secret?: string
  readonly settings?: Readonly<Record<string, string>>
}

function styleOf(gateway: string, change: Change = {}): Style {
  const sample = samples.get(gateway) ?? expect.fail(`no sample of ${gateway}`)
  const { secret = newSecret(gateway) } = change
  const plain = sampleAccount(gateway, secret)
  const account = { ...plain, settings: { ...plain.settings, ...change.settings } }
  const spec: SampleSpec = {
    kind: 'captured',
    merchantRef: 'trip-1',
    gatewayRef: 'order-1',
    operationRef: '1000001',
    amountMinor: 12_300n,
    currency: sample.currency,
    nowMs: STRANGE_NOW_MS,
    ...signingWith(gateway, secret),
    settings: account.settings,
  }
  const built = buildDelivery(gateway, spec)
  const contents = sample.kinds.map((kind) =>
    contentOf(gateway, buildDelivery(gateway, { ...spec, kind }), secret),
  )
  const form = contents[0] === undefined ? null : formOf(contents[0])
  const ofVectors = bodiesOf(gateway).filter((body) => body.length > 0 && formOf(body) === form)
  const isEnclosed = gateway === 'braintree' || gateway === 'hyperpay'
  return {
    name: change.name ?? gateway,
    gateway,
    account,
    spec,
    contents: isEnclosed ? contents : [...contents, ...ofVectors],
    genuine: received(built),
    canSign: (content) => sample.sign(content, { ...spec, privateKey: QUICK_KEY }) !== null,
    sign: (content) => {
      const signed = sample.sign(content, spec)
      if (signed === null) return null
      return {
        body: asItCame(gateway, content, signed.body),
        headers: { ...built.headers, ...signed.headers },
        query: new URLSearchParams(signed.query ?? built.query),
      }
    },
  }
}

function bodiesOf(gateway: string): readonly Buffer[] {
  const url = new URL(`../vectors/${gateway}.json`, import.meta.url)
  return CASE.array()
    .parse(JSON.parse(readFileSync(url, 'utf8')))
    .map(({ body }) => Buffer.from(body))
}

/**
 * Samples whose signature stands in the body write it anew, in which doubled names, odd numbers and bytes are gone. This is the
 * content as it was, with the signatures that the sample made.
 */
function asItCame(gateway: string, content: Buffer, signed: Buffer): Buffer {
  const [where, name = ''] = SIGNATURE_PLACES[gateway] ?? []
  if (where !== 'body' || gateway === 'braintree') return signed
  const place = new RegExp(`("${name}":"|(?:^|&)${name}=)([^"&]*)`, 'g')
  const made = [...signed.toString('latin1').matchAll(place)].map(([, , value]) => value)
  const text = content.toString('latin1')
  if ([...text.matchAll(place)].length !== made.length) return signed
  return Buffer.from(
    text.replace(place, (_, before) => before + made.shift()),
    'latin1',
  )
}

function adyenPlatform(): Style {
  const style = styleOf('adyen', { name: 'adyen platform' })
  const sign = (body: Buffer): Delivery => ({
    body,
    headers: { hmacsignature: signHeaderHmac(body, style.spec.secret, ADYEN_PLATFORM_SIGNATURE) },
    query: new URLSearchParams(),
  })
  const contents = bodiesOf('adyen').filter((body) => parseObject(body)?.type !== undefined)
  return {
    ...style,
    contents,
    sign,
    canSign: () => true,
    genuine: sign(contents[0] ?? expect.fail('no vector of a platform')),
  }
}

function phonepeV1(): Style {
  const style = styleOf('phonepe', { name: 'phonepe v1', secret: 'c0ffee-salt-key:1' })
  const [saltKey = '', index = ''] = splitPair(style.spec.secret) ?? []
  const sign = (content: Buffer): Delivery => {
    const response = content.toString('base64')
    const headers = { 'x-verify': signPhonepeV1(response, saltKey, index) }
    return { headers, body: Buffer.from(JSON.stringify({ response })), query: new URLSearchParams() }
  }
  const contents = bodiesOf('phonepe').flatMap((body) => {
    const response = parseObject(body)?.response
    return typeof response === 'string' ? [Buffer.from(response, 'base64')] : []
  })
  return {
    ...style,
    contents,
    sign,
    canSign: () => true,
    genuine: sign(contents[0] ?? expect.fail('no vector of version 1')),
  }
}
