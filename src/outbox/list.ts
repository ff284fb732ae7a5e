import type { Pool } from '../../db/pools.ts'
import type { RowDataPacket } from '../../db/rows.ts'
import type { Id } from '../base/ids.ts'
import type { OutboxState } from './message.ts'

/** A message as a line of a list. */
export interface MessageSummary {
  readonly id: Id
  readonly event: string
  readonly orderingKey: string
  readonly sequence: number
  readonly state: OutboxState
  readonly reason: string | null
  readonly attempts: number
  readonly responseStatus: number | null
  readonly createdAt: Date
  readonly finishedAt: Date | null
}

/** Everything that is stored of a message. */
export interface MessageDetail extends MessageSummary {
  readonly lastError: string | null
  readonly traceId: string | null
  /** When the sweeper looks at it next or, of a message that is done or discarded, may remove it. */
  readonly nextAt: Date | null
  /** End of the back-off or, in flight, of the lease; null: at once. */
  readonly claimableAt: Date | null
  readonly firstAttemptAt: Date | null
  /** JSON, as it was added. */
  readonly payload: string
}

/** Which messages a person means. What is left out does not narrow. `since` is included, `until` is not. */
export interface MessageFilter {
  readonly state?: OutboxState | undefined
  readonly event?: string | undefined
  readonly orderingKey?: string | undefined
  readonly since?: Date | undefined
  readonly until?: Date | undefined
}

type Queryable = Pick<Pool, 'query'>

const SUMMARY_COLUMNS = `id, event, ordering_key, seq, state, reason, attempts, response_status, created_at, finished_at`
const DETAIL_COLUMNS = `${SUMMARY_COLUMNS}, last_error, trace_id, next_at, claimable_at, first_attempt_at, payload`

export interface MessagePage {
  readonly messages: readonly MessageSummary[]
  /** There are older ones: ask again with `before` = the last message's sequence. */
  readonly hasMore: boolean
}

/** Lists messages of a topic, the newest first. Uses the index turn for a key, due_of_topic for a state, or drawn. */
export async function listMessages(
  pool: Queryable,
  topic: string,
  filter: MessageFilter,
  page: { readonly limit: number; readonly before?: number | undefined },
): Promise<MessagePage> {
  const { sql, values } = conditionOf(topic, filter)
  const [rows] = await pool.query<RowDataPacket[]>(
    `SELECT ${SUMMARY_COLUMNS} FROM outbox WHERE ${sql} AND seq < ? ORDER BY seq DESC LIMIT ?`,
    [...values, page.before ?? Number.MAX_SAFE_INTEGER, page.limit + 1],
  )
  return { messages: rows.slice(0, page.limit).map(toSummary), hasMore: rows.length > page.limit }
}

/** One message; null when there is none. Uses the primary key. */
export async function readMessage(pool: Queryable, topic: string, id: Id): Promise<MessageDetail | null> {
  const [rows] = await pool.query<RowDataPacket[]>(
    `SELECT ${DETAIL_COLUMNS} FROM outbox WHERE id = ? AND topic = ?`,
    [id, topic],
  )
  return rows[0] ? toDetail(rows[0]) : null
}

/** The next messages after `after` in the order of adding that the filter finds, without a lock. */
export async function findMessages(
  pool: Queryable,
  topic: string,
  filter: MessageFilter,
  page: { readonly after: number; readonly limit: number },
): Promise<{ readonly id: Id; readonly sequence: number }[]> {
  const { sql, values } = conditionOf(topic, filter)
  const [rows] = await pool.query<RowDataPacket[]>(
    `SELECT id, seq FROM outbox WHERE ${sql} AND seq > ? ORDER BY seq LIMIT ?`,
    [...values, page.after, page.limit],
  )
  return rows.map((row) => ({ id: row.id, sequence: Number(row.seq) }))
}

function conditionOf(topic: string, filter: MessageFilter): { sql: string; values: unknown[] } {
  const parts = ['topic = ?']
  const values: unknown[] = [topic]
  const add = (sql: string, value: unknown): void => {
    if (value === undefined) return
    parts.push(sql)
    values.push(value)
  }
  add('state = ?', filter.state)
  add('event = ?', filter.event)
  add('ordering_key = ?', filter.orderingKey)
  add('created_at >= ?', filter.since)
  add('created_at < ?', filter.until)
  return { sql: parts.join(' AND '), values }
}

function toSummary(row: RowDataPacket): MessageSummary {
  return {
    id: row.id,
    event: row.event,
    orderingKey: row.ordering_key,
    sequence: Number(row.seq),
    state: row.state,
    reason: row.reason,
    attempts: row.attempts,
    responseStatus: row.response_status,
    createdAt: row.created_at,
    finishedAt: row.finished_at,
  }
}

function toDetail(row: RowDataPacket): MessageDetail {
  return {
    ...toSummary(row),
    lastError: row.last_error,
    traceId: row.trace_id,
    nextAt: row.next_at,
    claimableAt: row.claimable_at,
    firstAttemptAt: row.first_attempt_at,
    payload: row.payload,
  }
}
