import type { FactKind } from '../../../payments/fact.ts'
import type { PayoutKind } from '../../../payments/payout.ts'
import type { ApiAnswer, Confirmation, Confirmer, EventInDoubt, GatewayApi } from '../confirm.ts'
import { linkOf, meaningOf, merchantRefOf, operationOf } from '../gocardless-actions.ts'
import { minorUnits } from '../kit/amount.ts'
import { dateOfText, isObject, type JsonObject, parseObject } from '../kit/body.ts'
import { completeFact, completePayout, type FactDraft, type Reading } from '../kit/verdict.ts'

/** The version of the API that these answers are of, https://developer.gocardless.com/api-reference/#core-endpoints. */
const API_VERSION = '2015-07-06'

/**
 * Asks for the payment, the refund or the payout that a signed event names: what it amounts to, and for a refund of which payment it is; for a
 * failure whether the payment had been confirmed before.
 */
export const gocardlessConfirmer: Confirmer = { apiUrl: 'https://api.gocardless.com', ask }

async function ask(event: EventInDoubt, api: GatewayApi): Promise<Confirmation> {
  const named = eventNamed(event)
  const meaning = named === null ? null : meaningOf(named)
  if (named !== null && meaning?.is === 'payout') return askForPayout(linkOf(named, 'payout'), api)
  if (named === null || meaning?.is !== 'asked') return denied('event_unknown')
  if (named.resource_type === 'refunds') return askForRefund(meaning.kind, linkOf(named, 'refund'), api)
  if (meaning.kind === 'failed') return askForFailure(named, linkOf(named, 'payment'), api)
  return askForPayment(meaning.kind, linkOf(named, 'payment'), api)
}

/** The event is believed that it failed. What was confirmed before is money that we hold for ours, and a person has to know. */
async function askForFailure(failed: JsonObject, id: string | null, api: GatewayApi): Promise<Confirmation> {
  if (id === null) return denied('reference_missing')
  const query = new URLSearchParams({ payment: id, action: 'confirmed' })
  const { status, body } = await get(`/events?${query}`, api)
  if (status !== 200 || !Array.isArray(body?.events)) return { kind: 'waiting' }
  const isConfirmed = (event: JsonObject) =>
    event.resource_type === 'payments' && event.action === 'confirmed' && linkOf(event, 'payment') === id
  const confirmations = body.events.filter(isObject).filter(isConfirmed)
  if (!confirmations.every((event) => isAfter(event, failed))) return denied('failed_after_confirmed')
  return confirmed({
    kind: 'failed',
    merchantRef: merchantRefOf(failed.resource_metadata),
    gatewayRef: id,
    operationRef: operationOf('failed', id),
    amountMinor: null,
    currency: null,
  })
}

/** The first event of a delivery is kept with all of the others. */
function eventNamed({ body, eventId }: EventInDoubt): JsonObject | null {
  const events = parseObject(body)?.events
  if (!Array.isArray(events)) return null
  return events.filter(isObject).find(({ id }) => id === eventId) ?? null
}

/** States in which the money of a payment never came; `failed` may follow `confirmed`. */
const NOT_YET: ReadonlySet<unknown> = new Set([
  'pending_customer_approval',
  'pending_submission',
  'submitted',
])
const NEVER: ReadonlySet<unknown> = new Set(['cancelled', 'customer_approval_denied', 'failed'])

/** A payment that failed may be tried again, and confirmed then. Without both times nobody knows which came first. */
function isAfter(event: JsonObject, other: JsonObject): boolean {
  const [at, otherAt] = [dateOfText(event.created_at), dateOfText(other.created_at)]
  return at !== null && otherAt !== null && at > otherAt
}

async function askForPayment(kind: FactKind, id: string | null, api: GatewayApi): Promise<Confirmation> {
  if (id === null) return denied('reference_missing')
  const payment = objectOf(await get(`/payments/${encodeURIComponent(id)}`, api), 'payments', id)
  if (payment === null) return denied('payment_unknown')
  if (NOT_YET.has(payment.status)) return { kind: 'waiting' }
  if (NEVER.has(payment.status)) return denied('status_differs')
  return confirmed({
    kind,
    merchantRef: merchantRefOf(payment.metadata),
    gatewayRef: payment.id,
    operationRef: operationOf(kind, id),
    ...moneyOf(payment),
  })
}

async function askForRefund(kind: FactKind, id: string | null, api: GatewayApi): Promise<Confirmation> {
  if (id === null) return denied('reference_missing')
  const refund = objectOf(await get(`/refunds/${encodeURIComponent(id)}`, api), 'refunds', id)
  if (refund === null) return denied('refund_unknown')
  return confirmed({
    kind,
    merchantRef: null,
    gatewayRef: linkOf(refund, 'payment'),
    operationRef: refund.id,
    ...moneyOf(refund),
  })
}

/** What a bank sent back is `bounced`, which no event tells. */
const PAYOUTS: ReadonlyMap<unknown, PayoutKind> = new Map<unknown, PayoutKind>([
  ['paid', 'payout_paid'],
  ['bounced', 'payout_returned'],
])

async function askForPayout(id: string | null, api: GatewayApi): Promise<Confirmation> {
  if (id === null) return denied('reference_missing')
  const payout = objectOf(await get(`/payouts/${encodeURIComponent(id)}`, api), 'payouts', id)
  if (payout === null) return denied('payout_unknown')
  const kind = PAYOUTS.get(payout.status)
  if (kind === undefined) return { kind: 'waiting' }
  return confirmedBy(completePayout({ kind, payoutRef: id, ...moneyOf(payout) }))
}

function get(path: string, api: GatewayApi): Promise<ApiAnswer> {
  const authorization = `Bearer ${api.settings.ACCESS_TOKEN ?? ''}`
  return api.call({ method: 'GET', path, headers: { authorization, 'gocardless-version': API_VERSION } })
}

/** `{ payments: { id, … } }`, and only where it is the one that was asked for. */
function objectOf({ status, body }: ApiAnswer, envelope: string, id: string): JsonObject | null {
  const object = status === 200 ? body?.[envelope] : null
  return isObject(object) && object.id === id ? object : null
}

/** Amounts are in the smallest unit: pence, cents. */
function moneyOf({ amount, currency }: JsonObject) {
  return { amountMinor: minorUnits(amount, currency), currency }
}

function confirmed(draft: FactDraft): Confirmation {
  return confirmedBy(completeFact(draft))
}

function confirmedBy({ fact, hold }: Reading): Confirmation {
  return fact === null ? denied(hold ?? 'object_unreadable') : { kind: 'confirmed', fact }
}

function denied(reason: string): Confirmation {
  return { kind: 'denied', reason }
}
