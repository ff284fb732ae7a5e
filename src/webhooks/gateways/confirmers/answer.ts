import type { EventFact, EventKind } from '../../../payments/fact.ts'
import type { Confirmation } from '../confirm.ts'
import type { Reading } from '../kit/verdict.ts'

/** The value of `Authorization` for a user and a password. */
export function basicAuth(user: string | undefined, password: string | undefined): string {
  return `Basic ${Buffer.from(`${user ?? ''}:${password ?? ''}`).toString('base64')}`
}

export function denied(reason: string): Confirmation {
  return { kind: 'denied', reason }
}

/** What a payment or a payout that is this by now must have been before. */
const BEFORE: ReadonlyMap<EventKind, readonly EventKind[]> = new Map([
  ['authorized', ['pending']],
  ['captured', ['pending', 'authorized']],
  ['failed', ['pending']],
  ['cancelled', ['pending']],
  ['expired', ['pending']],
  ['payout_paid', ['payout_created']],
  ['payout_failed', ['payout_created', 'payout_paid']],
  ['payout_returned', ['payout_created', 'payout_paid']],
])

/** What may still become anything. */
const UNDER_WAY: ReadonlySet<EventKind> = new Set(['pending', 'authorized', 'payout_created'])

/**
 * Compares what was told with the state in which the API sees it now. It has often moved on since: then what was told is confirmed
 * with the API's references and amounts. The API may also be behind, and is asked again.
 */
export function confirmedAs(told: EventFact, now: Reading): Confirmation {
  const { fact } = now
  if (fact === null) return denied(now.hold ?? 'status_unknown')
  if (fact.kind === told.kind) return { kind: 'confirmed', fact }
  if (BEFORE.get(fact.kind)?.includes(told.kind) === true)
    return { kind: 'confirmed', fact: { ...fact, kind: told.kind } as EventFact }
  return UNDER_WAY.has(fact.kind) ? { kind: 'waiting' } : denied('status_differs')
}
