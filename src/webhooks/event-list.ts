import type { Pool } from '../../db/pools.ts'
import type { RowDataPacket } from '../../db/rows.ts'
import type { Id } from '../base/ids.ts'
import { gatewayRefKey, merchantRefKey } from '../payments/refs.ts'
import { findPaymentIds } from '../payments/store.ts'
import { EVENT_STATES, type EventOutcome, type EventState } from './event.ts'
import { and, conditionOf, type EventFilter } from './event-filter.ts'

/** An event as a line of a list. Amounts are minor units. */
export interface EventSummary {
  readonly id: Id
  readonly gateway: string
  readonly account: string
  readonly eventId: string
  readonly type: string
  readonly kind: string | null
  readonly amountMinor: bigint | null
  readonly currency: string | null
  readonly state: EventState
  readonly outcome: EventOutcome | null
  readonly reason: string | null
  readonly attempts: number
  readonly paymentId: Id | null
  readonly receivedAt: Date
  readonly finishedAt: Date | null
}

/** Everything that is stored of an event but its bytes. */
export interface EventDetail extends EventSummary {
  readonly merchantRef: string | null
  readonly gatewayRef: string | null
  readonly operationRef: string | null
  readonly occurredAt: Date | null
  readonly maySettle: boolean
  readonly hold: string | null
  readonly approved: boolean
  readonly nextAt: Date | null
  readonly lastError: string | null
  readonly conflictsWith: Id | null
  readonly requestId: string
  readonly signature: string
  readonly eventKey: Buffer
  readonly digest: Buffer
  readonly bodyBytes: number
}

type Queryable = Pick<Pool, 'query'>

const SUMMARY_COLUMNS = `id, gateway, account, event_id, type, fact_kind, amount_minor, currency, state, outcome, reason,
  attempts, payment_id, received_at, finished_at`
const DETAIL_COLUMNS = `${SUMMARY_COLUMNS}, merchant_ref, gateway_ref, operation_ref, occurred_at, may_settle, hold, approved,
  next_at, last_error, conflicts_with, request_id, signature, event_key, digest, LENGTH(body) AS body_bytes`

export interface EventPage {
  readonly events: readonly EventSummary[]
  /** There are older ones: ask again with `after` = the last event's id. */
  readonly hasMore: boolean
}

/** Lists events, the newest first. `after` is the last event of the page before. Uses the index due, payment or the primary key. */
export async function listEvents(
  pool: Queryable,
  filter: EventFilter,
  page: { readonly limit: number; readonly after?: Id | undefined },
): Promise<EventPage> {
  const older = page.after === undefined ? [] : [{ sql: 'id < ?', values: [page.after] }]
  const { sql, values } = and([conditionOf(filter), ...older])
  const [rows] = await pool.query<RowDataPacket[]>(
    `SELECT ${SUMMARY_COLUMNS} FROM webhook_events WHERE ${sql} ORDER BY id DESC LIMIT ?`,
    [...values, page.limit + 1],
  )
  return { events: rows.slice(0, page.limit).map(toSummary), hasMore: rows.length > page.limit }
}

/** One event; null when there is none. Uses the primary key. */
export async function readEvent(pool: Queryable, id: Id): Promise<EventDetail | null> {
  const [rows] = await pool.query<RowDataPacket[]>(
    `SELECT ${DETAIL_COLUMNS} FROM webhook_events WHERE id = ?`,
    [id],
  )
  return rows[0] ? toDetail(rows[0]) : null
}

const RELATED_LIMIT = 50

/** A conflict starts in quarantine; from there a person's word takes it to one of these, or to processed. */
const UNPROCESSED: readonly EventState[] = EVENT_STATES.filter((state) => state !== 'processed')

/**
 * The events that came under the same event id with other money: the first, and the later ones, without the event itself.
 * `conflicts_with` bears no index, which would cost every insert; so the first is read by the primary key, those that are
 * not processed by the index due, and released ones by the index payment.
 */
export async function listConflicts(pool: Queryable, event: EventDetail): Promise<EventSummary[]> {
  const first = event.conflictsWith ?? event.id
  const later = 'conflicts_with = ? AND id <> ?'
  const [rows] = await pool.query<RowDataPacket[]>(
    `SELECT ${SUMMARY_COLUMNS} FROM webhook_events WHERE id = ? AND id <> ?
     UNION SELECT ${SUMMARY_COLUMNS} FROM webhook_events WHERE state IN (?) AND ${later}
     UNION SELECT ${SUMMARY_COLUMNS} FROM webhook_events WHERE payment_id IN (?) AND ${later}
     ORDER BY id LIMIT ?`,
    [
      ...[first, event.id],
      ...[UNPROCESSED, first, event.id],
      ...[await paymentsOf(pool, event), first, event.id],
      RELATED_LIMIT,
    ],
  )
  return rows.map(toSummary)
}

/** The payments that the event is or would be about: one that was held knows none, though a later one moved it. */
async function paymentsOf(pool: Queryable, event: EventDetail): Promise<(Id | null)[]> {
  const { gateway, account, merchantRef, gatewayRef, paymentId } = event
  const keys = [
    ...(merchantRef === null ? [] : [merchantRefKey(gateway, account, merchantRef)]),
    ...(gatewayRef === null ? [] : [gatewayRefKey(gateway, account, gatewayRef)]),
  ]
  return [paymentId, ...(await findPaymentIds(pool, keys)).values()]
}

/** The bytes as they came; null when there is no such event. Uses the primary key. */
export async function readEventBody(pool: Queryable, id: Id): Promise<Buffer | null> {
  const [rows] = await pool.query<RowDataPacket[]>('SELECT body FROM webhook_events WHERE id = ?', [id])
  return rows[0]?.body ?? null
}

function toSummary(row: RowDataPacket): EventSummary {
  return {
    id: row.id,
    gateway: row.gateway,
    account: row.account,
    eventId: row.event_id,
    type: row.type,
    kind: row.fact_kind,
    amountMinor: row.amount_minor === null ? null : BigInt(row.amount_minor),
    currency: row.currency,
    state: row.state,
    outcome: row.outcome,
    reason: row.reason,
    attempts: row.attempts,
    paymentId: row.payment_id,
    receivedAt: row.received_at,
    finishedAt: row.finished_at,
  }
}

function toDetail(row: RowDataPacket): EventDetail {
  return {
    ...toSummary(row),
    merchantRef: row.merchant_ref,
    gatewayRef: row.gateway_ref,
    operationRef: row.operation_ref,
    occurredAt: row.occurred_at,
    maySettle: row.may_settle === 1,
    hold: row.hold,
    approved: row.approved === 1,
    nextAt: row.next_at,
    lastError: row.last_error,
    conflictsWith: row.conflicts_with,
    requestId: row.request_id,
    signature: row.signature.toString(),
    eventKey: row.event_key,
    digest: row.digest,
    bodyBytes: Number(row.body_bytes),
  }
}
