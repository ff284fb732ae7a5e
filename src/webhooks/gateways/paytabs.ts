import type { FactKind } from '../../payments/fact.ts'
import { DECISIVE_FIELDS, type GatewayAdapter, type GatewayEvent } from './adapter.ts'
import { majorUnits } from './kit/amount.ts'
import { dateOfText, identifierText, isIdentifier, isObject, type JsonObject, wordOf } from './kit/body.ts'
import { type HeaderHmac, receiveSignedJson, unreadable } from './kit/raw-hmac.ts'
import { completeFact, held, NOTHING, type Reading } from './kit/verdict.ts'

/** The key is the profile's server key, which is also the key of the API. */
export const PAYTABS_SIGNATURE: HeaderHmac = { header: 'Signature', hash: 'sha256', encoding: 'hex' }

/**
 * PayTabs (PT2), https://support.paytabs.com, "How to configure Instant Payment Notification (IPN)": `Signature` signs the whole
 * body of an IPN and of a callback, without a time. A listener that is not HTTPS gets an empty body, which is held.
 */
export const paytabs: GatewayAdapter = {
  name: 'paytabs',
  about: {
    title: 'PayTabs',
    source:
      'https://support.paytabs.com/en/support/solutions/articles/60000710069-how-to-configure-instant-payment-notification-ipn-',
    signature: 'HMAC-SHA256 hex of the body in `Signature`',
    eventId: '`tran_ref`, `tran_type` and `payment_result.response_status`',
  },
  tier: 'A',
  confirmFirst: false,
  secretForm: 'text',
  receive: (delivery, account) => receiveSignedJson(delivery, account, PAYTABS_SIGNATURE, readEvent),
}

function readEvent(body: JsonObject, signature: string): GatewayEvent {
  const { tran_ref: reference, tran_type: type, payment_result: result } = body
  if (!isIdentifier(reference) || !isIdentifier(type) || !isObject(result)) return unreadable(signature)
  const status = result.response_status
  const own = `${reference}:${type}:${wordOf(status)}`
  return {
    eventId: isIdentifier(status) && isIdentifier(own) ? own : `signature:${signature}`,
    type,
    occurredAt: dateOfText(result.transaction_time),
    signed: DECISIVE_FIELDS,
    ...readFact(type.toLowerCase(), status, body),
  }
}

type Outcome = 'done' | 'waiting' | 'failed' | 'cancelled' | 'expired'

/** PayTabs, "Response code vs the response status". X comes for pages that nobody used. */
const OUTCOMES: ReadonlyMap<unknown, Outcome> = new Map<unknown, Outcome>([
  ['A', 'done'],
  ['H', 'waiting'],
  ['P', 'waiting'],
  ['D', 'failed'],
  ['E', 'failed'],
  ['V', 'cancelled'],
  ['C', 'cancelled'],
  ['X', 'expired'],
])

type Kinds = Readonly<Partial<Record<Outcome, FactKind | 'unheard of'>>>

const PAYMENT = { waiting: 'pending', failed: 'failed', cancelled: 'cancelled', expired: 'expired' } as const
/**
 * What each outcome means for each type of transaction; none: the payment stays where it was. A follow-up that waits or failed
 * changes nothing but a refund, whose failure is told.
 */
const TYPES: ReadonlyMap<string, Kinds> = new Map<string, Kinds>([
  ['sale', { ...PAYMENT, done: 'captured' }],
  ['auth', { ...PAYMENT, done: 'authorized' }],
  ['capture', { done: 'captured' }],
  ['void', { done: 'cancelled', cancelled: 'cancelled' }],
  ['release', { done: 'cancelled', cancelled: 'cancelled' }],
  ['refund', { done: 'refunded', failed: 'refund_failed' }],
  // A page that was opened: whoever pays on it makes a sale of its own, and may try more than once.
  ['payment request', { waiting: 'pending', cancelled: 'cancelled', expired: 'expired', done: 'unheard of' }],
  // What is set aside stays so for longer.
  ['authext', {}],
  // A card is stored: nothing is paid.
  ['register', {}],
  ['token', {}],
])

/** These name the transaction that they follow. */
const NAMING: ReadonlySet<string> = new Set(['void', 'release', 'refund'])

/** What these undo is named beside them: should it be money that was taken, it is not late. */
const UNDOING: ReadonlySet<string> = new Set(['void', 'release'])

function readFact(type: string, status: unknown, body: JsonObject): Reading {
  const kinds = TYPES.get(type)
  if (kinds === undefined) return held('event_unknown')
  const outcome = OUTCOMES.get(status)
  if (outcome === undefined) return held('status_unknown')
  const kind = kinds[outcome]
  if (kind === undefined) return NOTHING
  if (kind === 'unheard of') return held('status_unknown')
  return completeFact({
    kind,
    merchantRef: identifierText(body.cart_id),
    // A payment learns what later transactions name, and one with a cart of its own is found by it.
    gatewayRef: NAMING.has(type) ? identifierText(body.previous_tran_ref) : identifierText(body.tran_ref),
    operationRef: UNDOING.has(type) ? (body.previous_tran_ref ?? body.tran_ref) : body.tran_ref,
    ...moneyOf(body),
  })
}

/** What was charged; an IPN of an older profile names only what was asked for. The two differ where PayTabs gave a discount. */
function moneyOf(body: JsonObject) {
  const isCharged = body.tran_total !== undefined && body.tran_total !== null
  const [amount, currency] = isCharged
    ? [body.tran_total, body.tran_currency]
    : [body.cart_amount, body.cart_currency]
  return { amountMinor: majorUnits(amount, currency), currency }
}
