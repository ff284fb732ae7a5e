import { type FactKind, isPayout, type PaymentFact } from '../../../payments/fact.ts'
import type { Confirmation } from '../confirm.ts'
import type { Reading } from '../kit/verdict.ts'

/** The value of `Authorization` for a user and a password. */
export function basicAuth(user: string | undefined, password: string | undefined): string {
  return `Basic ${Buffer.from(`${user ?? ''}:${password ?? ''}`).toString('base64')}`
}

export function denied(reason: string): Confirmation {
  return { kind: 'denied', reason }
}

/** What a payment that is this by now must have been before. */
const BEFORE: ReadonlyMap<FactKind, readonly FactKind[]> = new Map([
  ['authorized', ['pending']],
  ['captured', ['pending', 'authorized']],
  ['failed', ['pending']],
  ['cancelled', ['pending']],
  ['expired', ['pending']],
])

/** What may still become anything. */
const UNDER_WAY: ReadonlySet<FactKind> = new Set(['pending', 'authorized'])

/**
 * Compares what was told with the state in which the API sees it now. It has often moved on since: then what was told is confirmed
 * with the API's references and amounts. The API may also be behind, and is asked again.
 */
export function confirmedAs(told: PaymentFact, now: Reading): Confirmation {
  const { fact } = now
  if (fact === null || isPayout(fact)) return denied(now.hold ?? 'status_unknown')
  if (fact.kind === told.kind) return { kind: 'confirmed', fact }
  if (BEFORE.get(fact.kind)?.includes(told.kind) === true)
    return { kind: 'confirmed', fact: { ...fact, kind: told.kind } }
  return UNDER_WAY.has(fact.kind) ? { kind: 'waiting' } : denied('status_differs')
}
