import type { FactKind, PaymentFact } from '../../src/payments/fact.ts'
import type { LedgerAccount, Posting } from '../../src/payments/ledger.ts'
import { applyFact, type Decision, type Payment } from '../../src/payments/state.ts'

/** A payment of 1000 EGP piastres that nobody has told us anything about. */
export const CREATED: Payment = {
  state: 'created',
  expectedMinor: 1000n,
  currency: 'EGP',
  capturedMinor: 0n,
  captureRef: null,
  operations: [],
}

/** A fact with its reference and amount; without an amount it states no currency either. */
export function fact(kind: FactKind, operationRef: string, amountMinor: bigint | null = null): PaymentFact {
  const currency = amountMinor === null ? null : 'EGP'
  return { kind, merchantRef: 'trip-1', gatewayRef: null, operationRef, amountMinor, currency }
}

/** The capture of all that is expected. */
export const CAPTURE = fact('captured', 'cap-1', 1000n)

/** Decides without a person's approval. */
export function decide(payment: Payment, what: PaymentFact): Decision {
  return applyFact(payment, what, { amountApproved: false })
}

/** The payment after facts that must all apply. */
export function paymentAfter(...facts: readonly PaymentFact[]): Payment {
  return facts.reduce((payment, what) => {
    const decision = decide(payment, what)
    if (decision.kind === 'applied') return decision.payment
    throw new Error(`${what.kind} ${what.operationRef} did not apply: ${decision.reason}`)
  }, CREATED)
}

/** Postings in one line: `+refunds 300, -gateway_receivable 300`. */
export function inWords(postings: readonly Posting[]): string {
  return postings
    .map(
      ({ account, amountMinor }) =>
        `${amountMinor < 0n ? '-' : '+'}${account} ${amountMinor < 0n ? -amountMinor : amountMinor}`,
    )
    .join(', ')
}

/** The balance of every account that was touched. */
export function balancesOf(postings: readonly Posting[]): Map<LedgerAccount, bigint> {
  const balances = new Map<LedgerAccount, bigint>()
  for (const { account, amountMinor } of postings)
    balances.set(account, (balances.get(account) ?? 0n) + amountMinor)
  return balances
}
