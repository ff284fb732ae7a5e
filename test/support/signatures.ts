import { expect } from 'vitest'
import type { Delivery } from '../../src/webhooks/gateways/adapter.ts'

/** Where each gateway puts its signature or token: a header, a name of the query, or a field of the body. */
export const SIGNATURE_PLACES: Readonly<Record<string, readonly [where: Where, name: string]>> = {
  adyen: ['body', 'hmacSignature'],
  bkash: ['body', 'Signature'],
  braintree: ['body', 'bt_signature'],
  cashfree: ['header', 'x-webhook-signature'],
  checkoutcom: ['header', 'cko-signature'],
  fawry: ['body', 'messageSignature'],
  flutterwave: ['header', 'flutterwave-signature'],
  gocardless: ['header', 'webhook-signature'],
  hyperpay: ['header', 'x-authentication-tag'],
  kashier: ['header', 'x-kashier-signature'],
  mercadopago: ['header', 'x-signature'],
  midtrans: ['body', 'signature_key'],
  mollie: ['header', 'x-mollie-signature'],
  myfatoorah: ['header', 'myfatoorah-signature'],
  paymob: ['query', 'hmac'],
  paypal: ['header', 'paypal-transmission-sig'],
  paystack: ['header', 'x-paystack-signature'],
  paytabs: ['header', 'signature'],
  phonepe: ['header', 'authorization'],
  razorpay: ['header', 'x-razorpay-signature'],
  shopify: ['header', 'x-shopify-hmac-sha256'],
  square: ['header', 'x-square-hmacsha256-signature'],
  sslcommerz: ['body', 'verify_sign'],
  'standard-webhooks': ['header', 'webhook-signature'],
  stripe: ['header', 'stripe-signature'],
  tap: ['header', 'hashstring'],
  xendit: ['header', 'x-callback-token'],
}

type Where = 'header' | 'query' | 'body'

/** The characters of the signature itself, without labels, times and public keys before it. */
const SIGNATURE = /[A-Za-z0-9+/_-]{32,}=*$/

/** The delivery with another signature in the place of its own. */
export function withSignature(
  gateway: string,
  delivery: Delivery,
  change: (signature: string) => string,
): Delivery {
  const [where, name] = SIGNATURE_PLACES[gateway] ?? expect.fail(`where does ${gateway} sign?`)
  if (where === 'header') {
    const value = changed(delivery.headers[name] ?? '', change)
    return { ...delivery, headers: { ...delivery.headers, [name]: value } }
  }
  if (where === 'query') {
    const query = new URLSearchParams(delivery.query)
    query.set(name, changed(query.get(name) ?? '', change))
    return { ...delivery, query }
  }
  const text = delivery.body.toString()
  const [whole = '', before = '', value = ''] =
    new RegExp(`("${name}":"|(?:^|&)${name}=(?:\\w*%7C)?)([^"&%]*)`).exec(text) ?? []
  return { ...delivery, body: Buffer.from(text.replace(whole, before + changed(value, change))) }
}

function changed(value: string, change: (signature: string) => string): string {
  if (!SIGNATURE.test(value)) throw new Error(`no signature in ${value}`)
  return value.replace(SIGNATURE, change)
}

/**
 * A signature of the same form of which the first `kept` of all bytes (0 to 1, rounded down, the last byte always left out) are
 * right and all others wrong.
 */
export function nearMiss(signature: string, kept: number): string {
  const form = formOf(signature)
  const bytes = Buffer.from(signature, form)
  const from = Math.min(Math.floor(bytes.length * kept), bytes.length - 1)
  // In a token's text 1 makes another letter or digit of one; both hex digits of a byte become others.
  const change = form === 'latin1' ? 1 : 0x11
  for (let at = from; at < bytes.length; at += 1) bytes[at] = (bytes[at] ?? 0) ^ change
  return bytes.toString(form)
}

function formOf(signature: string): 'hex' | 'base64' | 'latin1' {
  if (/^(?:[0-9a-f]{2})+$/i.test(signature)) return 'hex'
  return signature.length % 4 === 0 ? 'base64' : 'latin1'
}

const ADYEN = 'notificationItems.0.NotificationRequestItem.'

/**
 * The fields that are signed one by one, of the gateways that do not sign the bytes of the body; `*` is everything below, `!` what is not. The signature itself is none of them: its case, or
 * the bits that base64 has too many, may differ.
 */
export const SIGNED_FIELDS: Readonly<Record<string, readonly string[]>> = {
  adyen:
    'pspReference originalReference merchantAccountCode merchantReference amount.value amount.currency eventCode success'
      .split(' ')
      .map((name) => ADYEN + name),
  bkash: ['Type', 'MessageId', 'TopicArn', 'Message', 'Timestamp', 'SignatureVersion'],
  fawry: [
    'fawryRefNumber',
    'merchantRefNumber',
    'paymentAmount',
    'orderAmount',
    'orderStatus',
    'paymentMethod',
  ],
  kashier: ['data.*'],
  mercadopago: [],
  midtrans: ['order_id', 'status_code', 'gross_amount'],
  myfatoorah: ['Data.*', '!Data.GatewayReference.*'],
  // The type is not signed: any other than TRANSACTION is refused.
  paymob: ['type', 'obj.*', '!obj.order.merchant_order_id', '!obj.is_refund'],
  phonepe: [],
  sslcommerz: ['*', '!verify_sign'],
  tap: [
    'id',
    'status',
    'amount',
    'currency',
    'created',
    'transaction.created',
    'reference.gateway',
    'reference.payment',
  ],
  xendit: [],
}
