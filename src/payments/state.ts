/*
 * The payment state machine: pure, and forward only, since no gateway promises an order.
 *
 *   created ──▶ pending ──▶ authorized      created may skip pending
 *      │           │            ▲
 *      └───────────┴──▶ failed ─┘           a later attempt may succeed (Razorpay)
 *
 *   created, pending, authorized, failed ──▶ cancelled, expired
 *
 *   every state above ──▶ captured          even cancelled: the gateway took the money
 *
 *   captured ◀──▶ partially_refunded ◀──▶ refunded        each refund:  succeeded ──▶ failed
 *       ▲
 *       ▼
 *   disputed ◀──▶ dispute_won, dispute_lost               each dispute: open ──▶ won, open ──▶ lost ──▶ won
 *
 * Once captured, a payment has no arrows of its own: its refunds and disputes go forward only, and stateAfterCapture()
 * derives the state from them. That is how a refund that fails takes the payment back to the state before it.
 */
import { assertNever } from '../base/assert.ts'
import { applied, type Decision, early, noEffect, quarantined, requiredAmount } from './decision.ts'
import { applyDispute } from './dispute.ts'
import type { PaymentFact } from './fact.ts'
import { capturePostings } from './ledger.ts'
import { isCaptured, type Payment, type PaymentState } from './payment.ts'
import { applyRefund } from './refund.ts'

export type { Applied, Decision, QuarantineReason } from './decision.ts'
export {
  type Dispute,
  type Operation,
  PAYMENT_STATES,
  type Payment,
  type PaymentState,
  type Refund,
} from './payment.ts'

export interface ApplyOptions {
  /** A person released this event: a capture or authorization need not be of the expected amount. It waives nothing else. */
  readonly amountApproved: boolean
}

/**
 * Decides what a fact means for a payment. Changes nothing itself and never throws on what a gateway says. A decision
 * that is `applied` bears the payment as it becomes and the balanced ledger postings of this step.
 */
export function applyFact(payment: Payment, fact: PaymentFact, options: ApplyOptions): Decision {
  if (fact.currency !== null && fact.currency !== payment.currency) return quarantined('currency_mismatch')
  switch (fact.kind) {
    case 'pending':
    case 'failed':
    case 'expired':
      return step(payment, fact.kind)
    case 'cancelled':
      return cancel(payment, fact)
    case 'authorized':
      return authorize(payment, fact, options)
    case 'captured':
      return isCaptured(payment.state) ? captureAgain(payment, fact) : capture(payment, fact, options)
    case 'refunded':
    case 'refund_failed':
      return isCaptured(payment.state) ? applyRefund(payment, fact, fact.kind) : early()
    case 'disputed':
    case 'dispute_won':
    case 'dispute_lost':
      return isCaptured(payment.state) ? applyDispute(payment, fact, fact.kind) : early()
    default:
      return assertNever(fact.kind)
  }
}

type Step = 'pending' | 'authorized' | 'failed' | 'cancelled' | 'expired'

/** From where each step goes forward; from anywhere else it is late. */
const STEPS_FROM: Readonly<Record<Step, readonly PaymentState[]>> = {
  pending: ['created'],
  authorized: ['created', 'pending', 'failed'],
  failed: ['created', 'pending'],
  cancelled: ['created', 'pending', 'authorized', 'failed'],
  expired: ['created', 'pending', 'authorized', 'failed'],
}

function step(payment: Payment, to: Step): Decision {
  if (payment.state === to) return noEffect('repeated')
  if (!STEPS_FROM[to].includes(payment.state)) return noEffect('late')
  return applied(payment, { ...payment, state: to }, [], null)
}

/**
 * A cancellation that names the very capture that we booked is not late: the money went back, in whole, and not as a refund. What
 * becomes of the ledger a person decides.
 */
function cancel(payment: Payment, fact: PaymentFact): Decision {
  const isOfCapture = fact.operationRef === payment.captureRef && payment.state !== 'refunded'
  return isOfCapture ? quarantined('capture_cancelled') : step(payment, 'cancelled')
}

/** Once the money is taken, what was set aside for it no longer matters. */
function authorize(payment: Payment, fact: PaymentFact, options: ApplyOptions): Decision {
  const isOther = fact.amountMinor !== null && fact.amountMinor !== payment.expectedMinor
  if (isOther && !isCaptured(payment.state) && !options.amountApproved) return quarantined('amount_mismatch')
  return step(payment, 'authorized')
}

function capture(payment: Payment, fact: PaymentFact, options: ApplyOptions): Decision {
  const amountMinor = requiredAmount(fact)
  if (typeof amountMinor === 'string') return quarantined(amountMinor)
  if (amountMinor !== payment.expectedMinor && !options.amountApproved) return quarantined('amount_mismatch')
  const captured: Payment = {
    ...payment,
    state: 'captured',
    capturedMinor: amountMinor,
    captureRef: fact.operationRef,
  }
  return applied(payment, captured, capturePostings(amountMinor), null)
}

/** The same capture told twice is nothing new; another one means that the rider paid twice. */
function captureAgain(payment: Payment, fact: PaymentFact): Decision {
  if (fact.operationRef !== payment.captureRef) return quarantined('duplicate_capture')
  const isOther = fact.amountMinor !== null && fact.amountMinor !== payment.capturedMinor
  return isOther ? quarantined('amount_mismatch') : noEffect('repeated')
}
