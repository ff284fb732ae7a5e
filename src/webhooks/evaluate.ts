import type { Id } from '../base/ids.ts'
import type { PaymentBook } from '../payments/book.ts'
import type { PaymentFact } from '../payments/fact.ts'
import type { PayoutDecision } from '../payments/payout.ts'
import { gatewayRefKey, merchantRefKey } from '../payments/refs.ts'
import type { ClaimedEvent, EventResult } from './event-store.ts'
import { captureKey, type ParkedEvent } from './park.ts'

/** An event's result, and what it waits for when it is parked. */
export interface Evaluation {
  readonly result: EventResult
  readonly parked: ParkedEvent | null
}

/** What can be said of an event before any payment is read; null: its payment decides. Pure. */
export function evaluateAlone(event: ClaimedEvent, isPaused: boolean): EventResult | null {
  const is = (
    state: EventResult['state'],
    reason: string | null,
    outcome: EventResult['outcome'] = null,
  ) => ({
    id: event.id,
    state,
    outcome,
    reason,
    paymentId: null,
  })
  if (isPaused) return is('paused', 'gateway_paused')
  if (event.hold !== null && !event.approved) return is('quarantined', event.hold)
  if (event.conflictsWith !== null && !event.approved) return is('quarantined', 'event_id_conflict')
  if (event.fact === null && event.isHint) return is('unconfirmed', 'confirmation_needed')
  if (event.fact === null) return is('processed', null, 'ignored')
  if (!event.maySettle && !event.approved) return is('unconfirmed', 'confirmation_needed')
  return null
}

/** What an event about a payout is worth, by what its payout's row said to it. Pure. */
export function evaluateWithPayout({ id }: ClaimedEvent, decision: PayoutDecision): EventResult {
  const none = { id, paymentId: null }
  switch (decision.kind) {
    case 'moved':
      return { ...none, state: 'processed', outcome: 'noted', reason: null }
    case 'no_effect':
      return { ...none, state: 'processed', outcome: 'no_effect', reason: decision.reason }
    case 'contradicts':
      return { ...none, state: 'quarantined', outcome: null, reason: decision.reason }
    default:
      return decision satisfies never
  }
}

/** The keys under which this fact's payment may be found. */
export function refKeysOf(event: ClaimedEvent, fact: PaymentFact): Buffer[] {
  const keys: Buffer[] = []
  if (fact.merchantRef !== null) keys.push(merchantRefKey(event.gateway, event.account, fact.merchantRef))
  if (fact.gatewayRef !== null) keys.push(gatewayRefKey(event.gateway, event.account, fact.gatewayRef))
  return keys
}

/** Decides an event by the payments that its references name; applies it in the book when it applies. */
export function evaluateWithPayment(
  event: ClaimedEvent,
  fact: PaymentFact,
  found: ReadonlyMap<string, Id>,
  book: PaymentBook,
): Evaluation {
  const refKeys = refKeysOf(event, fact)
  const paymentIds = distinct(refKeys.flatMap((key) => found.get(key.toString('hex')) ?? []))
  const [paymentId] = paymentIds
  const say = (
    state: EventResult['state'],
    reason: string | null,
    outcome: EventResult['outcome'] = null,
  ) => ({
    result: { id: event.id, state, outcome, reason, paymentId: paymentId ?? null },
    parked: null,
  })
  if (refKeys.length === 0) return say('quarantined', 'reference_missing')
  if (paymentIds.length > 1) return say('quarantined', 'reference_conflict')
  const row = paymentId && book.find(paymentId)
  if (!row) {
    return { ...say('parked', 'payment_unknown'), parked: { eventId: event.id, refKeys, paymentId: null } }
  }
  const decision = book.apply(row, event.id, fact, event.amountApproved)
  switch (decision.kind) {
    case 'applied':
      return say('processed', null, 'applied')
    case 'no_effect':
      return say('processed', decision.reason, 'no_effect')
    case 'quarantined':
      return say('quarantined', decision.reason)
    case 'early':
      return {
        ...say('parked', decision.reason),
        parked: { eventId: event.id, refKeys: [captureKey(row.id)], paymentId: row.id },
      }
  }
}

function distinct(ids: readonly Id[]): Id[] {
  return [...new Map(ids.map((id) => [id.toString('hex'), id])).values()]
}
