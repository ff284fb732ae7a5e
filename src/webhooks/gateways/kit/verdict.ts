import { isCurrency, withinBounds } from '../../../base/money.ts'
import type { EventFact, FactKind, PaymentFact } from '../../../payments/fact.ts'
import type { PayoutKind } from '../../../payments/payout.ts'
import type { GatewayEvent, Received, RefusalCode, Refused } from '../adapter.ts'
import { isIdentifier } from './body.ts'

/** Why a verified event is held, in words for the operator who finds it in quarantine. */
export type Hold =
  | 'amount_unreadable'
  | 'body_unreadable'
  | 'capture_failed'
  | 'created_at_malformed'
  | 'currency_unknown'
  | 'event_unknown'
  | 'fields_unsigned'
  | 'integration_mismatch'
  | 'object_unreadable'
  | 'operation_unreadable'
  | 'owner_mismatch'
  | 'reference_missing'
  | 'reference_unreadable'
  | 'refund_amount_unsigned'
  | 'status_contradictory'
  | 'status_unknown'
  | 'subscription_ended'
  | 'test_payment'
  | 'topic_mismatch'
  | 'topic_unpinned'

/** What an adapter made of a verified body: a fact, a reason to hold it, or (both null) nothing that is kept. */
export interface Reading {
  readonly fact: EventFact | null
  readonly hold: Hold | null
}

/** The same of what can only be about a payment. */
export interface PaymentReading extends Reading {
  readonly fact: PaymentFact | null
}

/** A fact as an adapter read it, before anything about it was checked. */
export interface FactDraft {
  readonly kind: FactKind
  readonly merchantRef: unknown
  readonly gatewayRef: unknown
  readonly operationRef: unknown
  /** Null where the amount is absent or could not be read exactly. */
  readonly amountMinor: bigint | null
  readonly currency: unknown
}

export const NOTHING: PaymentReading = { fact: null, hold: null }

/** Kinds that move money need an amount and a currency; the others may come without. */
const NEEDS_AMOUNT: ReadonlySet<FactKind> = new Set(['authorized', 'captured', 'refunded', 'disputed'])

export function held(hold: Hold): PaymentReading {
  return { fact: null, hold }
}

/**
 * Turns a draft into a fact, or says why it must be held: a signed event is never lost because a field of it is odd.
 *
 * A fact has a reference by which its payment can be found and an operationRef; a kind that moves money has a positive
 * amount within bounds in a currency that we know. Other kinds lose an amount that cannot be read.
 */
export function completeFact(draft: FactDraft): PaymentReading {
  const merchantRef = draft.merchantRef ?? null
  const gatewayRef = draft.gatewayRef ?? null
  if (merchantRef === null && gatewayRef === null) return held('reference_missing')
  if (merchantRef !== null && !isIdentifier(merchantRef)) return held('reference_unreadable')
  if (gatewayRef !== null && !isIdentifier(gatewayRef)) return held('reference_unreadable')
  const { kind, operationRef } = draft
  if (!isIdentifier(operationRef)) return held('operation_unreadable')

  const base = { kind, merchantRef, gatewayRef, operationRef }
  const currency = isCurrency(draft.currency) ? draft.currency : null
  const amountMinor = positiveAmount(draft.amountMinor)
  if (currency !== null && amountMinor !== null)
    return { fact: { ...base, amountMinor, currency }, hold: null }
  if (!NEEDS_AMOUNT.has(kind)) return { fact: { ...base, amountMinor: null, currency: null }, hold: null }
  return held(currency === null ? 'currency_unknown' : 'amount_unreadable')
}

/** A payout as an adapter read it. */
export interface PayoutDraft {
  readonly kind: PayoutKind
  /** Ours, where we ordered it. */
  readonly merchantRef?: unknown
  /** The gateway's id of the payout. */
  readonly payoutRef: unknown
  readonly amountMinor: bigint | null
  readonly currency: unknown
}

/** As completeFact, for payouts: what was sent, or came back, needs an amount. No payment is found by it. */
export function completePayout({ kind, payoutRef, amountMinor: amount, ...draft }: PayoutDraft): Reading {
  const merchantRef = draft.merchantRef === '' ? null : (draft.merchantRef ?? null)
  if (merchantRef !== null && !isIdentifier(merchantRef)) return held('reference_unreadable')
  if (!isIdentifier(payoutRef)) return held('operation_unreadable')
  const base = { kind, merchantRef, gatewayRef: null, operationRef: payoutRef }
  const currency = isCurrency(draft.currency) ? draft.currency : null
  const amountMinor = positiveAmount(amount)
  if (currency !== null && amountMinor !== null)
    return { fact: { ...base, amountMinor, currency }, hold: null }
  if (kind === 'payout_created' || kind === 'payout_failed')
    return { fact: { ...base, amountMinor: null, currency: null }, hold: null }
  return held(currency === null ? 'currency_unknown' : 'amount_unreadable')
}

function positiveAmount(amountMinor: bigint | null): bigint | null {
  return amountMinor !== null && amountMinor > 0n ? withinBounds(amountMinor) : null
}

export function accepted(secretIndex: number, signature: string, event: GatewayEvent): Received {
  return { kind: 'accepted', secretIndex, signature, events: [event] }
}

/** `detail` names the header or field at fault; it never holds a secret or a value out of the body. */
export function refused(code: RefusalCode, detail: string): Refused {
  return { kind: 'refused', code, detail }
}
