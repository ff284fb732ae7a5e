import { assert } from '../base/assert.ts'

/**
 * The accounts of the double-entry ledger.
 *
 * gateway_receivable: what the gateway holds for us. rider_payments: what riders have paid, before any refund.
 * refunds: what went back to riders. disputes_held: what the gateway withholds while a bank decides.
 * chargebacks: what was lost to disputes.
 */
export const LEDGER_ACCOUNTS = [
  'gateway_receivable',
  'rider_payments',
  'refunds',
  'disputes_held',
  'chargebacks',
] as const

export type LedgerAccount = (typeof LEDGER_ACCOUNTS)[number]

/** One leg of an entry, in minor units of the payment's currency: a debit is positive, a credit negative. */
export interface Posting {
  readonly account: LedgerAccount
  readonly amountMinor: bigint
}

/** The rider has paid; the gateway owes it to us. */
export function capturePostings(amountMinor: bigint): Posting[] {
  return entry('gateway_receivable', 'rider_payments', amountMinor)
}

/** The gateway gave the money back to the rider. */
export function refundPostings(amountMinor: bigint): Posting[] {
  return entry('refunds', 'gateway_receivable', amountMinor)
}

/** A refund that had succeeded came back (a closed card): the gateway holds the money again. */
export function refundReversalPostings(amountMinor: bigint): Posting[] {
  return entry('gateway_receivable', 'refunds', amountMinor)
}

/** The bank asks; the gateway withholds the disputed amount. */
export function disputeOpenedPostings(amountMinor: bigint): Posting[] {
  return entry('disputes_held', 'gateway_receivable', amountMinor)
}

/** An open dispute was won: what was withheld is ours again. */
export function disputeWonPostings(amountMinor: bigint): Posting[] {
  return entry('gateway_receivable', 'disputes_held', amountMinor)
}

/** An open dispute was lost: what was withheld is gone. */
export function disputeLostPostings(amountMinor: bigint): Posting[] {
  return entry('chargebacks', 'disputes_held', amountMinor)
}

/** A dispute was lost that we never saw open: nothing was withheld, the gateway takes the amount at once. */
export function unheldDisputeLostPostings(amountMinor: bigint): Posting[] {
  return entry('chargebacks', 'gateway_receivable', amountMinor)
}

/** A lost dispute was decided anew in our favour (Adyen: CHARGEBACK_REVERSED). */
export function lossReversalPostings(amountMinor: bigint): Posting[] {
  return entry('gateway_receivable', 'chargebacks', amountMinor)
}

/** Throws BrokenInvariant unless the postings, all of one currency, sum up to zero. */
export function assertBalanced(postings: readonly Posting[]): void {
  const sum = postings.reduce((total, posting) => total + posting.amountMinor, 0n)
  assert(sum === 0n, `postings are out of balance by ${sum} minor units`)
}

function entry(debit: LedgerAccount, credit: LedgerAccount, amountMinor: bigint): Posting[] {
  assert(amountMinor > 0n, `a ledger entry moves a positive amount, not ${amountMinor}`)
  return [
    { account: debit, amountMinor },
    { account: credit, amountMinor: -amountMinor },
  ]
}
