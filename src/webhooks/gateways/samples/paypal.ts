import { createHash } from 'node:crypto'
import { minorToDecimal } from '../../../base/money.ts'
import type { JsonObject } from '../kit/body.ts'
import { DEVELOPMENT_WEBHOOK_ID, signedText, signPaypal } from '../paypal.ts'
import { PAYPAL_EXPONENTS } from '../paypal-facts.ts'
import {
  type GatewaySample,
  jsonBody,
  kindsOf,
  type SampleSpec,
  type SignedSample,
  type Words,
  wordsFor,
} from './sample.ts'

const EVENTS: Words<readonly [type: string, resourceType: string, status: string]> = {
  pending: ['PAYMENT.CAPTURE.PENDING', 'capture', 'PENDING'],
  authorized: ['PAYMENT.AUTHORIZATION.CREATED', 'authorization', 'CREATED'],
  captured: ['PAYMENT.CAPTURE.COMPLETED', 'capture', 'COMPLETED'],
  failed: ['PAYMENT.CAPTURE.DENIED', 'capture', 'DENIED'],
  cancelled: ['PAYMENT.AUTHORIZATION.VOIDED', 'authorization', 'VOIDED'],
  refunded: ['PAYMENT.CAPTURE.REFUNDED', 'refund', 'COMPLETED'],
  refund_failed: ['PAYMENT.REFUND.FAILED', 'refund', 'FAILED'],
  disputed: ['CUSTOMER.DISPUTE.CREATED', 'dispute', 'OPEN'],
  dispute_won: ['CUSTOMER.DISPUTE.RESOLVED', 'dispute', 'RESOLVED'],
  dispute_lost: ['CUSTOMER.DISPUTE.RESOLVED', 'dispute', 'RESOLVED'],
  payout_created: ['PAYMENT.PAYOUTS-ITEM.UNCLAIMED', 'payouts_item', 'UNCLAIMED'],
  payout_paid: ['PAYMENT.PAYOUTS-ITEM.SUCCEEDED', 'payouts_item', 'SUCCESS'],
  payout_failed: ['PAYMENT.PAYOUTS-ITEM.FAILED', 'payouts_item', 'FAILED'],
  payout_returned: ['PAYMENT.PAYOUTS-ITEM.RETURNED', 'payouts_item', 'RETURNED'],
}

export const paypalSample: GatewaySample = {
  kinds: kindsOf(EVENTS),
  currency: 'USD',
  unsignedHeaders: ['paypal-cert-url'],
  build,
  sign,
}

function build(spec: SampleSpec): SignedSample {
  const [event_type, resource_type] = wordsFor(EVENTS, spec.kind)
  const create_time = new Date(spec.nowMs).toISOString()
  const id = spec.eventId ?? `WH-${digestOf(`${event_type}:${spec.operationRef}`).slice(0, 17).toUpperCase()}`
  const body = {
    id,
    event_version: '1.0',
    create_time,
    resource_type,
    resource_version: '2.0',
    event_type,
    summary: 'A sample of Onceline',
    resource: resourceOf(spec, create_time),
  }
  return sign(jsonBody(body, spec.bodyBytes), spec)
}

function resourceOf(spec: SampleSpec, create_time: string): JsonObject {
  const { kind, merchantRef, operationRef, gatewayRef = merchantRef } = spec
  const [, resourceType, status] = wordsFor(EVENTS, kind)
  const amount = { currency_code: spec.currency, value: decimalOf(spec) }
  if (resourceType === 'payouts_item') {
    const money = { currency: spec.currency, value: decimalOf(spec) }
    const payout_item = { recipient_type: 'EMAIL', amount: money, sender_item_id: merchantRef }
    return { payout_item_id: operationRef, transaction_status: status, payout_item }
  }
  if (resourceType === 'dispute') {
    return {
      dispute_id: operationRef,
      disputed_transactions: [{ seller_transaction_id: gatewayRef, custom: merchantRef }],
      reason: 'UNAUTHORISED',
      status,
      dispute_amount: amount,
      dispute_life_cycle_stage: 'CHARGEBACK',
      ...(kind === 'dispute_won' ? { dispute_outcome: { outcome_code: 'RESOLVED_SELLER_FAVOUR' } } : {}),
      ...(kind === 'dispute_lost' ? { dispute_outcome: { outcome_code: 'RESOLVED_BUYER_FAVOUR' } } : {}),
      create_time,
    }
  }
  const href = `https://api.paypal.com/v2/payments/captures/${encodeURIComponent(gatewayRef)}`
  const links = resourceType === 'refund' ? { links: [{ href, rel: 'up', method: 'GET' }] } : {}
  return { id: operationRef, amount, custom_id: merchantRef, status, create_time, ...links }
}

/** Currencies that PayPal counts whole have no decimals in its text. */
function decimalOf({ amountMinor, currency }: SampleSpec): string {
  const text = minorToDecimal(amountMinor, currency)
  if (!PAYPAL_EXPONENTS.has(currency)) return text
  if (!text.endsWith('.00')) throw new RangeError(`PayPal has no unit so small in ${currency}`)
  return text.slice(0, -'.00'.length)
}

function sign(body: Buffer, { privateKey, settings, nowMs }: SampleSpec): SignedSample {
  if (privateKey === undefined) throw new RangeError('PayPal signs with a private key')
  const hex = digestOf(body)
  const id = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20, 32),
  ].join('-')
  const time = new Date(nowMs).toISOString()
  const webhookId = settings?.WEBHOOK_ID?.trim() || DEVELOPMENT_WEBHOOK_ID
  const headers = {
    'paypal-transmission-id': id,
    'paypal-transmission-time': time,
    'paypal-transmission-sig': signPaypal(signedText({ id, time }, webhookId, body), privateKey),
    'paypal-auth-algo': 'SHA256withRSA',
    'paypal-cert-url': 'https://api.paypal.com/v1/notifications/certs/CERT-00000000-00000000-00000000',
  }
  return { headers, body }
}

function digestOf(value: string | Buffer): string {
  return createHash('sha256').update(value).digest('hex')
}
