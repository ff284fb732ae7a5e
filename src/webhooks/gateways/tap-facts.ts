import type { FactKind } from '../../payments/fact.ts'
import { majorUnits } from './kit/amount.ts'
import { identifierText, type JsonObject } from './kit/body.ts'
import { completeFact, held, NOTHING, type PaymentReading } from './kit/verdict.ts'

export type TapObject = 'charge' | 'authorize' | 'refund' | 'invoice'

/** `object` is unsigned; the beginning of a real id is signed and has the last word. */
export function tapObject({ id, object }: JsonObject): TapObject {
  const [, prefix] = /^(chg|auth|re|inv)_/.exec(identifierText(id) ?? '') ?? []
  const known = prefix ?? object
  switch (known) {
    case 'inv':
      return 'invoice'
    case 're':
    case 'refund':
      return 'refund'
    case 'auth':
    case 'authorize':
      return 'authorize'
    default:
      return 'charge'
  }
}

const CHARGES: ReadonlyMap<unknown, FactKind> = new Map<unknown, FactKind>([
  ['INITIATED', 'pending'],
  ['IN_PROGRESS', 'pending'],
  ['AUTHORIZED', 'authorized'],
  ['CAPTURED', 'captured'],
  ['FAILED', 'failed'],
  ['DECLINED', 'failed'],
  ['RESTRICTED', 'failed'],
  ['CANCELLED', 'cancelled'],
  ['ABANDONED', 'cancelled'],
  ['VOID', 'cancelled'],
  ['VOIDED', 'cancelled'],
  ['TIMEDOUT', 'expired'],
])
const REFUNDS: ReadonlyMap<unknown, FactKind | null> = new Map<unknown, FactKind | null>([
  ['INITIATED', null],
  ['PENDING', null],
  ['IN_PROGRESS', null],
  ['REFUNDED', 'refunded'],
  ['FAILED', 'refund_failed'],
  ['DECLINED', 'refund_failed'],
  ['CANCELLED', 'refund_failed'],
])

/** The same for what a delivery and what the API says; our own references (`reference.transaction`, `.order`) are unsigned. */
export function readTapFact(body: JsonObject): PaymentReading {
  const object = tapObject(body)
  // What an invoice has to say, its charge says too.
  if (object === 'invoice') return NOTHING
  const kind = (object === 'refund' ? REFUNDS : CHARGES).get(body.status)
  if (kind === undefined) return held('status_unknown')
  // The capture is a charge of its own, of its own amount.
  if (kind === null || (object === 'authorize' && kind === 'captured')) return NOTHING
  return completeFact({
    kind,
    merchantRef: null,
    gatewayRef: identifierText(object === 'refund' ? body.charge_id : body.id),
    operationRef: identifierText(body.id),
    amountMinor: majorUnits(body.amount, body.currency),
    currency: body.currency,
  })
}
