import type { Pool, PoolConnection } from '../../../db/pools.ts'
import type { ResultSetHeader, RowDataPacket } from '../../../db/rows.ts'
import type { Id } from '../../base/ids.ts'
import { type EventFact, isPayout, type PaymentFact } from '../../payments/fact.ts'
import type { PayoutFact } from '../../payments/payout.ts'
import { factOf } from '../event-store.ts'
import type { AccountName } from '../gateway-pause.ts'

/** An unconfirmed event whose gateway is to be asked now. */
export interface DoubtfulEvent extends AccountName {
  readonly id: Id
  readonly eventId: string
  readonly type: string
  readonly fact: PaymentFact | null
  readonly payout: PayoutFact | null
  readonly body: Buffer
  readonly attempts: number
  readonly requestId: string
  /** Until when it is the taker's alone: its `next_at`, which is another one as soon as anybody else has dealt with it. */
  readonly leaseUntil: Date
}

/** The event as its taker holds it. */
export type Lease = Pick<DoubtfulEvent, 'id' | 'leaseUntil'>

type Queryable = Pick<PoolConnection | Pool, 'query'>

/**
 * Takes events whose time has come and puts their next look ahead by the lease, so that no two processes ask at once; whoever
 * dies meanwhile leaves them to others after it. Uses the index due.
 */
export async function takeDoubtful(
  connection: PoolConnection,
  limit: number,
  leaseSeconds: number,
): Promise<DoubtfulEvent[]> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT id, gateway, account, event_id, type, fact_kind, merchant_ref, gateway_ref, operation_ref, amount_minor, currency,
       body, attempts, request_id, CAST(UTC_TIMESTAMP(3) + INTERVAL ? SECOND AS DATETIME(3)) AS lease_until
     FROM webhook_events WHERE state = 'unconfirmed' AND next_at <= UTC_TIMESTAMP(3)
     ORDER BY next_at LIMIT ? FOR UPDATE SKIP LOCKED`,
    [leaseSeconds, limit],
  )
  if (rows.length === 0) return []
  await connection.query('UPDATE webhook_events SET next_at = ? WHERE id IN (?)', [
    rows[0]?.lease_until,
    rows.map((row) => row.id),
  ])
  return rows.map((row) => ({
    id: row.id,
    gateway: row.gateway,
    account: row.account,
    eventId: row.event_id,
    type: row.type,
    ...eitherOf(factOf(row)),
    body: row.body,
    attempts: row.attempts,
    requestId: row.request_id,
    leaseUntil: row.lease_until,
  }))
}

/** Payments and payouts are asked about in different ways. */
function eitherOf(fact: EventFact | null): Pick<DoubtfulEvent, 'fact' | 'payout'> {
  if (fact === null) return { fact: null, payout: null }
  return isPayout(fact) ? { fact: null, payout: fact } : { fact, payout: null }
}

/**
 * The gateway said so: its fact takes the place of the event's, which has work to do now, and contradicts no other event any more. It is
 * as true when the lease is over. False: somebody else decided. Uses the primary key.
 */
export async function storeConfirmed(connection: Queryable, id: Id, fact: EventFact): Promise<boolean> {
  const [result] = await connection.query<ResultSetHeader>(
    `UPDATE webhook_events SET fact_kind = ?, merchant_ref = ?, gateway_ref = ?, operation_ref = ?, amount_minor = ?,
       currency = ?, may_settle = 1, is_hint = 0, confirmed_at = UTC_TIMESTAMP(3), state = 'received', outcome = NULL,
       reason = NULL, conflicts_with = NULL, attempts = 0, last_error = NULL, next_at = UTC_TIMESTAMP(3), finished_at = NULL
     WHERE id = ? AND state = 'unconfirmed'`,
    [
      fact.kind,
      fact.merchantRef,
      fact.gatewayRef,
      fact.operationRef,
      fact.amountMinor === null ? null : String(fact.amountMinor),
      fact.currency,
      id,
    ],
  )
  return result.affectedRows === 1
}

/** The gateway says otherwise, or knows of no such thing: for a person. False: the lease is over. Uses the primary key. */
export async function storeDenied(
  connection: Queryable,
  { id, leaseUntil }: Lease,
  reason: string,
  words: string,
): Promise<boolean> {
  const [result] = await connection.query<ResultSetHeader>(
    `UPDATE webhook_events SET state = 'quarantined', reason = ?, last_error = ?, next_at = NULL
     WHERE id = ? AND state = 'unconfirmed' AND next_at = ?`,
    [reason, words, id, leaseUntil],
  )
  return result.affectedRows === 1
}

/** Asks again after `delayMs`; null: never by itself. Counts an attempt. False: the lease is over. Uses the primary key. */
export async function storeUnanswered(
  connection: Queryable,
  { id, leaseUntil }: Lease,
  words: string | null,
  delayMs: number | null,
): Promise<boolean> {
  const [result] = await connection.query<ResultSetHeader>(
    `UPDATE webhook_events SET attempts = attempts + 1, last_error = ?,
       next_at = IF(?, NULL, UTC_TIMESTAMP(3) + INTERVAL ? MICROSECOND),
       reason = IF(?, 'confirmation_failed', reason)
     WHERE id = ? AND state = 'unconfirmed' AND next_at = ?`,
    [words, delayMs === null, (delayMs ?? 0) * 1_000, delayMs === null, id, leaseUntil],
  )
  return result.affectedRows === 1
}

/** Nobody here can ask for these, taken together: they wait for a person, or for credentials. Uses the primary key. */
export async function leaveUnasked(connection: Queryable, leases: readonly Lease[]): Promise<void> {
  if (leases.length === 0) return
  await connection.query(
    "UPDATE webhook_events SET next_at = NULL WHERE id IN (?) AND state = 'unconfirmed' AND next_at = ?",
    [leases.map(({ id }) => id), leases[0]?.leaseUntil],
  )
}

/**
 * Lets events be asked about that came before their account had credentials; returns how many, at most `limit`. Uses the index
 * due, which holds the unconfirmed ones without a time beside one another.
 */
export async function adoptUnasked(
  connection: Queryable,
  { gateway, account }: AccountName,
  limit: number,
): Promise<number> {
  const [result] = await connection.query<ResultSetHeader>(
    `UPDATE webhook_events SET next_at = UTC_TIMESTAMP(3)
     WHERE state = 'unconfirmed' AND next_at IS NULL AND reason = 'confirmation_needed' AND gateway = ? AND account = ?
     LIMIT ?`,
    [gateway, account, limit],
  )
  return result.affectedRows
}
