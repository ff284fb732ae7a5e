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
import {
  disputeLostPostings,
  disputeOpenedPostings,
  disputeWonPostings,
  lossReversalPostings,
  unheldDisputeLostPostings,
} from './ledger.ts'
import type { Dispute, Payment } from './payment.ts'

export type DisputeFactKind = 'disputed' | 'dispute_won' | 'dispute_lost'

/**
 * Decides a dispute fact of a captured payment. A dispute goes open → won or lost, and lost → won where the bank decides
 * anew; won → lost would take money that was given back for good, and a person looks at it. Pure.
 */
export function applyDispute(payment: Payment, fact: PaymentFact, kind: DisputeFactKind): Decision {
  const known = findDispute(payment, fact.operationRef)
  if (!known) return meetDispute(payment, fact, kind)
  if (contradictsAmount(known, fact)) return quarantined('amount_mismatch')
  switch (kind) {
    case 'disputed':
      return noEffect(known.state === 'open' ? 'repeated' : 'late')
    case 'dispute_won':
      return win(payment, known)
    case 'dispute_lost':
      return lose(payment, known)
    default:
      return assertNever(kind)
  }
}

function findDispute(payment: Payment, ref: string): Dispute | undefined {
  return payment.operations.find(
    (operation): operation is Dispute => operation.kind === 'dispute' && operation.ref === ref,
  )
}

function win(payment: Payment, known: Dispute): Decision {
  const won: Dispute = { ...known, state: 'won' }
  switch (known.state) {
    case 'open':
      return operated(payment, won, disputeWonPostings(known.amountMinor))
    case 'lost':
      return operated(payment, won, lossReversalPostings(known.amountMinor))
    case 'won':
      return noEffect('repeated')
    default:
      return assertNever(known.state)
  }
}

function lose(payment: Payment, known: Dispute): Decision {
  switch (known.state) {
    case 'open':
      return operated(payment, { ...known, state: 'lost' }, disputeLostPostings(known.amountMinor))
    case 'lost':
      return noEffect('repeated')
    case 'won':
      return quarantined('dispute_contradiction')
    default:
      return assertNever(known.state)
  }
}

/** The first that we hear of this dispute, which may be its end. Only a win may come without an amount: it moves none. */
function meetDispute(payment: Payment, fact: PaymentFact, kind: DisputeFactKind): Decision {
  const amountMinor = kind === 'dispute_won' ? optionalAmount(fact) : requiredAmount(fact)
  if (typeof amountMinor === 'string') return quarantined(amountMinor)
  if (amountMinor > payment.capturedMinor) return quarantined('dispute_exceeds_capture')
  const dispute = { kind: 'dispute', ref: fact.operationRef, amountMinor } as const
  switch (kind) {
    case 'disputed':
      return operated(payment, { ...dispute, state: 'open' }, disputeOpenedPostings(amountMinor))
    case 'dispute_won':
      return operated(payment, { ...dispute, state: 'won' }, [])
    case 'dispute_lost':
      return operated(payment, { ...dispute, state: 'lost' }, unheldDisputeLostPostings(amountMinor))
    default:
      return assertNever(kind)
  }
}
