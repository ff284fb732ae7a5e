import type { Pool, PoolConnection } from '../../db/pools.ts'
import type { ResultSetHeader, RowDataPacket } from '../../db/rows.ts'
import type { Id } from '../base/ids.ts'
import type { EventFact } from '../payments/fact.ts'
import type { EventOutcome, EventState } from './event.ts'

/** An event that this transaction has locked, as processing needs it: everything but the bytes. */
export interface ClaimedEvent {
  readonly id: Id
  readonly gateway: string
  readonly account: string
  readonly eventId: string
  readonly fact: EventFact | null
  readonly maySettle: boolean
  readonly isHint: boolean
  readonly hold: string | null
  readonly approved: boolean
  readonly amountApproved: boolean
  /** The event that came first under the same id, with other money. */
  readonly conflictsWith: Id | null
  readonly attempts: number
  readonly requestId: string
  readonly receivedAt: Date
  readonly now: Date
}

/** What processing decided for one event. */
export interface EventResult {
  readonly id: Id
  readonly state: EventState
  readonly outcome: EventOutcome | null
  readonly reason: string | null
  readonly paymentId: Id | null
}

type Queryable = Pick<PoolConnection | Pool, 'query'>

/**
 * Locks those of the events that still have work to do and that nobody else is working on. The lock is the claim: it goes
 * with the transaction, also when the process dies. Uses the primary key, by force: on the index due it would touch, for a
 * moment, the locks of other batches, and those would skip what they came for.
 */
export async function claimEvents(connection: PoolConnection, ids: readonly Id[]): Promise<ClaimedEvent[]> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT id, gateway, account, event_id, fact_kind, merchant_ref, gateway_ref, operation_ref, amount_minor, currency,
       may_settle, is_hint, hold, approved, amount_approved, conflicts_with, attempts, request_id, received_at, UTC_TIMESTAMP(3) AS now
     FROM webhook_events FORCE INDEX (PRIMARY) WHERE id IN (?) AND state = 'received' ORDER BY id FOR UPDATE SKIP LOCKED`,
    [ids],
  )
  return rows.map((row) => ({
    id: row.id,
    gateway: row.gateway,
    account: row.account,
    eventId: row.event_id,
    fact: factOf(row),
    maySettle: row.may_settle === 1,
    isHint: row.is_hint === 1,
    hold: row.hold,
    approved: row.approved === 1,
    amountApproved: row.amount_approved === 1,
    conflictsWith: row.conflicts_with,
    attempts: row.attempts,
    requestId: row.request_id,
    receivedAt: row.received_at,
    now: row.now,
  }))
}

/** The fact that a row of webhook_events holds. */
export function factOf(row: RowDataPacket): EventFact | null {
  if (row.fact_kind === null) return null
  return {
    kind: row.fact_kind,
    merchantRef: row.merchant_ref,
    gatewayRef: row.gateway_ref,
    operationRef: row.operation_ref,
    amountMinor: row.amount_minor === null ? null : BigInt(row.amount_minor),
    currency: row.currency,
  }
}

/** Writes the results, one statement for each different outcome (nearly always one). Uses the primary key. */
export async function finishEvents(
  connection: PoolConnection,
  results: readonly EventResult[],
): Promise<void> {
  const groups = new Map<string, EventResult[]>()
  for (const result of results) {
    const key = `${result.state} ${result.outcome} ${result.reason}`
    const group = groups.get(key)
    if (group) group.push(result)
    else groups.set(key, [result])
  }
  for (const group of groups.values()) await finishGroup(connection, group)
}

async function finishGroup(connection: PoolConnection, group: readonly EventResult[]): Promise<void> {
  const [first] = group
  if (!first) return
  const cases = group.flatMap(({ id, paymentId }) => [id, paymentId])
  await connection.query(
    `UPDATE webhook_events SET state = ?, outcome = ?, reason = ?, next_at = IF(?, UTC_TIMESTAMP(3), NULL), last_error = NULL,
       finished_at = UTC_TIMESTAMP(3), payment_id = CASE id ${'WHEN ? THEN ? '.repeat(group.length)} END
     WHERE id IN (?)`,
    [
      first.state,
      first.outcome,
      first.reason,
      first.state === 'unconfirmed',
      ...cases,
      group.map(({ id }) => id),
    ],
  )
}

/** Counts a failed attempt: due again after `delayMs`, or dead when null. Only while the event still has work to do. */
export async function recordFailure(
  connection: Queryable,
  id: Id,
  error: string,
  delayMs: number | null,
): Promise<void> {
  await connection.query(
    `UPDATE webhook_events SET attempts = attempts + 1, last_error = ?,
       next_at = IF(?, NULL, UTC_TIMESTAMP(3) + INTERVAL ? MICROSECOND),
       state = IF(?, 'dead', state), reason = IF(?, 'attempts_exhausted', reason),
       finished_at = IF(?, UTC_TIMESTAMP(3), NULL)
     WHERE id = ? AND state = 'received'`,
    [
      error,
      delayMs === null,
      (delayMs ?? 0) * 1_000,
      delayMs === null,
      delayMs === null,
      delayMs === null,
      id,
    ],
  )
}

/**
 * Takes events whose time has come and puts their next look-out ahead, so that no two sweepers ring the same ones at once.
 * Uses the index due.
 */
export async function takeDueEvents(
  connection: PoolConnection,
  limit: number,
  nextLookSeconds: number,
  overdueSeconds = 0,
): Promise<Id[]> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT id FROM webhook_events WHERE state = 'received' AND next_at <= UTC_TIMESTAMP(3) - INTERVAL ? SECOND
     ORDER BY next_at LIMIT ? FOR UPDATE SKIP LOCKED`,
    [overdueSeconds, limit],
  )
  const ids = rows.map((row) => row.id as Id)
  if (ids.length > 0) {
    await connection.query(
      'UPDATE webhook_events SET next_at = UTC_TIMESTAMP(3) + INTERVAL ? SECOND WHERE id IN (?)',
      [nextLookSeconds, ids],
    )
  }
  return ids
}

/**
 * Puts events of one state back to work; returns how many there were. `approved` marks a person's release: his word stands
 * for what the signature does not cover, and for the amount only where the amount is what the event was held for.
 */
export async function reopenEvents(
  connection: Queryable,
  ids: readonly Id[],
  from: readonly EventState[],
  approved = false,
): Promise<number> {
  if (ids.length === 0) return 0
  const [result] = await connection.query<ResultSetHeader>(
    // Assignments take effect from left to right, so the reason is read before it is cleared.
    `UPDATE webhook_events SET
       amount_approved = IF(? AND state = 'quarantined' AND reason = 'amount_mismatch', 1, amount_approved),
       approved = GREATEST(approved, ?), state = 'received', outcome = NULL, reason = NULL, attempts = 0,
       last_error = NULL, next_at = UTC_TIMESTAMP(3), finished_at = NULL
     WHERE id IN (?) AND state IN (?)`,
    [approved ? 1 : 0, approved ? 1 : 0, ids, from],
  )
  return result.affectedRows
}
