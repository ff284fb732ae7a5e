import { identifierText, integerOf, type JsonObject } from './kit/body.ts'
import { completeFact, held, NOTHING, type PaymentReading } from './kit/verdict.ts'
import { valueAt } from './paymob-hmac.ts'

/** Of a transaction as it was sent: merchant_order_id is unsigned and never read; Paymob's own order id finds the payment. */
export function readPaymobFact(obj: JsonObject): PaymentReading {
  const reading = readKind(obj)
  if (typeof reading !== 'string') return reading
  return completeFact({
    kind: reading,
    merchantRef: null,
    gatewayRef: identifierText(valueAt(obj, ['order', 'id'])),
    operationRef: identifierText(isUndone(reading, obj) ? obj.parent_transaction : obj.id),
    amountMinor: integerOf(obj.amount_cents),
    currency: obj.currency,
  })
}

/** A void is no operation of its own: should what it undoes be money that was taken, it must not pass for late. */
function isUndone(kind: PaymobKind, obj: JsonObject): boolean {
  return kind === 'cancelled' && isFollowUp(obj)
}

type PaymobKind = 'pending' | 'authorized' | 'captured' | 'failed' | 'cancelled' | 'refunded'

function readKind(obj: JsonObject): PaymobKind | PaymentReading {
  if (obj.success === true && (obj.pending === true || obj.error_occured === true)) {
    return held('status_contradictory')
  }
  if (isFollowUp(obj)) return readFollowUp(obj)
  if (obj.pending === true) return 'pending'
  if (obj.success !== true) return 'failed'
  if (obj.is_voided === true) return 'cancelled'
  // The first transaction sent again after a refund: amount_cents is still the whole, the refunded part is unsigned.
  if (obj.is_refunded === true) return held('refund_amount_unsigned')
  return obj.is_auth === true ? 'authorized' : 'captured'
}

/** A follow-up that waits or failed leaves the payment where it was. */
function readFollowUp(obj: JsonObject): PaymobKind | PaymentReading {
  if (obj.success !== true) return NOTHING
  if (obj.is_capture === true) return 'captured'
  if (obj.is_refund === true) return 'refunded'
  return obj.is_void === true ? 'cancelled' : held('event_unknown')
}

/** A refund, void or capture of an earlier transaction. Which of them, only `is_capture` says with a signature. */
export function isFollowUp(obj: JsonObject): boolean {
  return obj.has_parent_transaction === true
}
