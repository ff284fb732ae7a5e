import { createDecipheriv, createHmac, createSecretKey, hash } from 'node:crypto'
import type { Delivery } from '../src/webhooks/gateways/adapter.ts'

/** SHA-256 where the gateway uses another kind of signature. */
const HMACS: Readonly<Record<string, string>> = { paymob: 'sha512', paystack: 'sha512', braintree: 'sha1' }

/**
 * The least that anybody could do with a delivery: JSON.parse and one HMAC of its bytes by Node's own functions, without a
 * look at a header or a field. Where the gateway's body is no JSON, what takes their place: the form's own reader and
 * its digest (SSLCommerz), the form, base64 and XML cut at its tags by one regular expression (Braintree), AES-GCM and JSON.parse of what it opens (HyperPay).
 */
export function bareWork(gateway: string, delivery: Delivery, secret: string): () => void {
  switch (gateway) {
    case 'hyperpay':
      return openAndParse(delivery, secret)
    case 'sslcommerz':
      return () => {
        new URLSearchParams(delivery.body.toString('utf8'))
        hash('md5', delivery.body, 'hex')
      }
    case 'braintree':
      return () => {
        const form = new URLSearchParams(delivery.body.toString('utf8'))
        const xml = Buffer.from(form.get('bt_payload') ?? '', 'base64').toString('utf8')
        xml.match(TAGS_AND_TEXTS)
        hmac()
      }
    default:
      return () => {
        hmac()
        JSON.parse(delivery.body.toString('utf8'))
      }
  }

  function hmac(): void {
    createHmac(HMACS[gateway] ?? 'sha256', BARE_KEY)
      .update(delivery.body)
      .digest()
  }
}

const TAGS_AND_TEXTS = /<[^>]*>|[^<]+/g

const BARE_KEY = createSecretKey(Buffer.from('the secret of the bare HMAC'))

function openAndParse({ body, headers }: Delivery, secret: string): () => void {
  const key = createSecretKey(secret, 'hex')
  return () => {
    const iv = Buffer.from(headers['x-initialization-vector'] ?? '', 'hex')
    const opening = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: 16 })
    opening.setAuthTag(Buffer.from(headers['x-authentication-tag'] ?? '', 'hex'))
    const opened = opening.update(Buffer.from(body.toString('latin1'), 'hex'))
    opening.final()
    JSON.parse(opened.toString('utf8'))
  }
}
