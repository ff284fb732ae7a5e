import type { FactKind } from '../../payments/fact.ts'
import { DECISIVE_FIELDS, type GatewayAdapter, type GatewayEvent } from './adapter.ts'
import { type Exponents, minorUnits, minorUnitsOfText } from './kit/amount.ts'
import { dateOfText, identifierText, isIdentifier, isObject, type JsonObject } from './kit/body.ts'
import { type HeaderHmac, receiveSignedJson, unreadable } from './kit/raw-hmac.ts'
import { completeFact, held, NOTHING, type Reading } from './kit/verdict.ts'
import { readPaystackTransfer } from './payouts/paystack.ts'

/** The key is the account's secret key; there is no other for webhooks. */
export const PAYSTACK_SIGNATURE: HeaderHmac = {
  header: 'x-paystack-signature',
  hash: 'sha512',
  encoding: 'hex',
}

/** Paystack, https://paystack.com/docs/payments/webhooks: `x-paystack-signature` signs the whole body, without a time. */
export const paystack: GatewayAdapter = {
  name: 'paystack',
  about: {
    title: 'Paystack',
    source: 'https://paystack.com/docs/payments/webhooks',
    signature: 'HMAC-SHA512 hex of the body in `x-paystack-signature`',
    eventId: '`event` and `data.id`',
  },
  tier: 'A',
  confirmFirst: false,
  secretForm: 'text',
  receive: (delivery, account) => receiveSignedJson(delivery, account, PAYSTACK_SIGNATURE, readEvent),
}

/** Paystack has no event id: its word and the object's id make one, and where the object has none the signature does. */
function readEvent({ event, data }: JsonObject, signature: string): GatewayEvent {
  if (!isIdentifier(event)) return unreadable(signature)
  if (!isObject(data)) return OF_MONEY.test(event) ? unreadable(signature) : ofNoPayment(event, signature)
  const id = identifierText(data.id)
  const own = `${event}:${id}`
  return {
    eventId: id !== null && isIdentifier(own) ? own : `signature:${signature}`,
    type: event,
    occurredAt: dateOfText(data.paid_at ?? data.created_at ?? data.createdAt),
    signed: DECISIVE_FIELDS,
    ...readFact(event, data),
  }
}

const OF_MONEY = /^(?:charge|refund|preauthorization)\./

/** `subscription.expiring_cards` brings a list. */
function ofNoPayment(type: string, signature: string): GatewayEvent {
  return { eventId: `signature:${signature}`, type, occurredAt: null, signed: DECISIVE_FIELDS, ...NOTHING }
}

const CHARGES: ReadonlyMap<string, FactKind> = new Map([
  ['charge.success', 'captured'],
  ['charge.failed', 'failed'],
])
const REFUNDS: ReadonlyMap<string, FactKind> = new Map([
  ['refund.processed', 'refunded'],
  ['refund.failed', 'refund_failed'],
])

/** One that failed leaves the payment where it was. */
const PREAUTHORIZATIONS: ReadonlyMap<string, FactKind> = new Map([
  ['preauthorization.reserve.success', 'authorized'],
  ['preauthorization.capture.success', 'captured'],
  ['preauthorization.release.success', 'cancelled'],
])

function readFact(event: string, data: JsonObject): Reading {
  const charge = CHARGES.get(event)
  if (charge !== undefined) return readCharge(charge, data)
  const refund = REFUNDS.get(event)
  if (refund !== undefined) return readRefund(refund, data)
  const preauthorization = PREAUTHORIZATIONS.get(event)
  if (preauthorization !== undefined) return readPreauthorization(preauthorization, data)
  return event.startsWith('charge.dispute.')
    ? readDispute(event, data)
    : readPaystackTransfer(event, data, PAYSTACK_EXPONENTS)
}

function readCharge(kind: FactKind, data: JsonObject): Reading {
  return completeFact({
    kind,
    merchantRef: data.reference,
    gatewayRef: null,
    operationRef: identifierText(data.id) ?? data.reference,
    ...moneyOf(data, 'amount'),
  })
}

/** Its capture is a charge, which may be told by `charge.success` too: it has the charge's id. */
function readPreauthorization(kind: FactKind, data: JsonObject): Reading {
  const isCapture = kind === 'captured'
  return completeFact({
    kind,
    merchantRef: data.reference,
    gatewayRef: null,
    operationRef: identifierText(isCapture ? data.transaction_id : data.id),
    ...moneyOf(data, isCapture ? 'captured_amount' : 'amount'),
  })
}

/**
 * A refund names the charge by its reference alone. Not every delivery of it has an id, and the reference of one that waits is
 * null: the id goes first where there is one.
 */
function readRefund(kind: FactKind, data: JsonObject): Reading {
  return completeFact({
    kind,
    merchantRef: data.transaction_reference,
    gatewayRef: null,
    operationRef: identifierText(data.id) ?? identifierText(data.refund_reference),
    ...moneyOf(data, 'amount'),
  })
}

function readDispute(event: string, data: JsonObject): Reading {
  const kind = disputeKind(event, data.resolution)
  if (typeof kind !== 'string') return kind
  if (!isObject(data.transaction)) return held('object_unreadable')
  const amount = data.refund_amount === null ? 'amount' : 'refund_amount'
  const source =
    amount === 'amount' ? data.transaction : { ...data, currency: data.currency ?? data.transaction.currency }
  return completeFact({
    kind,
    merchantRef: data.transaction.reference,
    gatewayRef: null,
    operationRef: identifierText(data.id),
    ...moneyOf(source, amount),
  })
}

/** Whoever lets the time to answer pass has accepted (`auto-accepted`). */
const RESOLUTIONS: ReadonlyMap<unknown, FactKind> = new Map<unknown, FactKind>([
  ['merchant-accepted', 'dispute_lost'],
  ['auto-accepted', 'dispute_lost'],
  ['declined', 'dispute_won'],
])

/** Reminders and the like say nothing new; an end that we do not know is one all the same. */
function disputeKind(event: string, resolution: unknown): FactKind | Reading {
  if (event === 'charge.dispute.create') return 'disputed'
  if (event !== 'charge.dispute.resolve') return NOTHING
  return RESOLUTIONS.get(resolution) ?? held('status_unknown')
}

/**
 * Hundredths of every currency, also of those that have none: Paystack's plugin for WooCommerce multiplies them all by 100.
 */
export const PAYSTACK_EXPONENTS: Exponents = new Map([
  ['XOF', 2],
  ['RWF', 2],
])

/** Amounts are in the smallest unit: kobo, pesewas, cents; of refunds and of terminals sometimes as text. */
function moneyOf({ currency, ...object }: JsonObject, field: string) {
  const units = object[field]
  const amountMinor =
    typeof units === 'string'
      ? minorUnitsOfText(units, currency, PAYSTACK_EXPONENTS)
      : minorUnits(units, currency, PAYSTACK_EXPONENTS)
  return { amountMinor, currency }
}
