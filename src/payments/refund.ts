import { assertNever } from '../base/assert.ts'
import {
  contradictsAmount,
  type Decision,
  noEffect,
  operated,
  optionalAmount,
  quarantined,
  requiredAmount,
} from './decision.ts'
import type { PaymentFact } from './fact.ts'
import { refundPostings, refundReversalPostings } from './ledger.ts'
import { type Payment, type Refund, refundedMinor } from './payment.ts'

/** Decides a refund fact of a captured payment. A refund goes succeeded → failed and never back. Pure. */
export function applyRefund(
  payment: Payment,
  fact: PaymentFact,
  kind: 'refunded' | 'refund_failed',
): Decision {
  const known = findRefund(payment, fact.operationRef)
  if (known && contradictsAmount(known, fact)) return quarantined('amount_mismatch')
  switch (kind) {
    case 'refunded':
      return known ? noEffect(known.state === 'succeeded' ? 'repeated' : 'late') : succeed(payment, fact)
    case 'refund_failed':
      return known ? failKnown(payment, known) : failUnknown(payment, fact)
    default:
      return assertNever(kind)
  }
}

function findRefund(payment: Payment, ref: string): Refund | undefined {
  return payment.operations.find(
    (operation): operation is Refund => operation.kind === 'refund' && operation.ref === ref,
  )
}

function succeed(payment: Payment, fact: PaymentFact): Decision {
  const amountMinor = requiredAmount(fact)
  if (typeof amountMinor === 'string') return quarantined(amountMinor)
  if (refundedMinor(payment.operations) + amountMinor > payment.capturedMinor) {
    return quarantined('refund_exceeds_capture')
  }
  const refund: Refund = { kind: 'refund', ref: fact.operationRef, state: 'succeeded', amountMinor }
  return operated(payment, refund, refundPostings(amountMinor))
}

function failKnown(payment: Payment, known: Refund): Decision {
  if (known.state === 'failed') return noEffect('repeated')
  return operated(payment, { ...known, state: 'failed' }, refundReversalPostings(known.amountMinor))
}

/** Nothing moved and nothing is undone, but the failure is kept, so that a success told later is late. */
function failUnknown(payment: Payment, fact: PaymentFact): Decision {
  const amountMinor = optionalAmount(fact)
  if (typeof amountMinor === 'string') return quarantined(amountMinor)
  return operated(payment, { kind: 'refund', ref: fact.operationRef, state: 'failed', amountMinor }, [])
}
