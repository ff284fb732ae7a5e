import { sign, verify } from 'node:crypto'
import type { Delivery, GatewayAdapter, GatewayEvent, Received } from '../../src/webhooks/gateways/adapter.ts'
import { parseObject } from '../../src/webhooks/gateways/kit/body.ts'
import { findSecret } from '../../src/webhooks/gateways/kit/signature.ts'
import { refused } from '../../src/webhooks/gateways/kit/verdict.ts'
import type { TestCertificate } from './certificates.ts'

const ABOUT = { title: 'Made up', source: '', signature: '', eventId: '' }
export const CERTIFICATE_URL = 'https://certs.certpay.example/current.pem'
const PINNED = /^https:\/\/certs\.certpay\.example\//

/** Signs with a certificate that it publishes, and asks for the confirmation of subscriptions. */
export const certpay: GatewayAdapter = {
  name: 'certpay',
  about: ABOUT,
  tier: 'A',
  confirmFirst: false,
  secretForm: 'none',
  secretsOptional: true,
  receive: ({ body, headers }, _account, _nowMs, certificates) => {
    const message = parseObject(body)
    if (message === null) return refused('malformed_body', 'the body is no JSON')
    const url = String(message.certificate)
    if (!PINNED.test(url)) return refused('signature_invalid', 'the certificate is of another host')
    const key = certificates?.get(url)
    if (key === undefined) return { kind: 'certificate_needed', url }
    const signature = headers['x-signature'] ?? ''
    if (!verify('sha256', body, key, Buffer.from(signature, 'hex')))
      return refused('signature_invalid', 'x-signature is not that of the certificate')
    if (message.subscribe !== undefined)
      return { kind: 'subscription', signature, url: String(message.subscribe) }
    return acceptedOf(0, [String(message.id)])
  },
}

/** What certpay would post: the body, and the header that signs it. */
export function signedBy(
  { privateKey }: TestCertificate,
  message: Readonly<Record<string, string>>,
): { readonly body: string; readonly headers: Readonly<Record<string, string>> } {
  const body = JSON.stringify({ certificate: CERTIFICATE_URL, ...message })
  const signature = sign('sha256', Buffer.from(body), privateKey).toString('hex')
  return { body, headers: { 'x-signature': signature } }
}

/** Sends a secret along, or nothing where the account has none; wants answers of its own; asks by GET who is there. */
export const tokenpay: GatewayAdapter = {
  name: 'tokenpay',
  about: ABOUT,
  tier: 'C',
  confirmFirst: true,
  secretForm: 'text',
  secretsOptional: true,
  acknowledgement: { contentType: 'text/plain', body: '[accepted]' },
  refusalStatus: 498,
  receive: (delivery, account) => {
    const token = delivery.headers['x-token']
    const index = findSecret(account, (_, secret) => secret === token)
    if (account.secrets.length > 0 && token === undefined) return refused('signature_missing', 'no x-token')
    if (account.secrets.length > 0 && index === -1) return refused('signature_invalid', 'x-token is wrong')
    return eventsOf(delivery, Math.max(index, 0))
  },
  challenge: ({ query }, account) =>
    account.secrets.includes(query.get('key') ?? '')
      ? { kind: 'answered', body: `here|${query.get('challenge')}` }
      : refused('signature_invalid', 'key is wrong'),
}

/** Says as little as most do, and is answered as most are. */
export const plainpay: GatewayAdapter = {
  name: 'plainpay',
  about: ABOUT,
  tier: 'A',
  confirmFirst: false,
  secretForm: 'text',
  receive: (delivery, account) => {
    const index = findSecret(account, (_, secret) => secret === delivery.headers['x-token'])
    return index === -1 ? refused('signature_invalid', 'x-token is wrong') : eventsOf(delivery, index)
  },
}

function eventsOf({ body }: Delivery, secretIndex: number): Received {
  const ids = parseObject(body)?.ids
  return Array.isArray(ids)
    ? acceptedOf(secretIndex, ids.map(String))
    : refused('malformed_body', 'the body has no ids')
}

function acceptedOf(secretIndex: number, ids: readonly string[]): Received {
  const events = ids.map(
    (eventId): GatewayEvent => ({
      eventId,
      type: 'nothing.much',
      occurredAt: null,
      fact: null,
      signed: [],
      hold: null,
    }),
  )
  return { kind: 'accepted', secretIndex, signature: 'made-up', events }
}
