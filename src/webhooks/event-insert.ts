import type { PoolConnection } from '../../db/pools.ts'
import type { ResultSetHeader, RowDataPacket } from '../../db/rows.ts'
import type { StoredClaim } from '../idempotency/decide.ts'
import type { NewEvent } from './event.ts'
import { HINT_SECONDS } from './gateways/kit/hint.ts'

/**
 * How long the ring has before the sweeper looks: a healthy event is processed in milliseconds, so whatever is older has
 * lost its ring.
 */
export const RING_GRACE_SECONDS = 2

const COLUMNS = [
  'id',
  'event_key',
  'digest',
  'gateway',
  'account',
  'event_id',
  'type',
  'fact_kind',
  'merchant_ref',
  'gateway_ref',
  'operation_ref',
  'amount_minor',
  'currency',
  'occurred_at',
  'may_settle',
  'is_hint',
  'hold',
  'state',
  'outcome',
  'reason',
  'conflicts_with',
  'request_id',
  'signature',
  'body',
] as const

const DUE = `UTC_TIMESTAMP(3) + INTERVAL ${RING_GRACE_SECONDS} SECOND`
/**
 * A hint's id holds a stretch of ten seconds (HINT_SECONDS): its gateway is asked after that, so that whatever else was hinted at
 * meanwhile is in the answer.
 */
const HINT_DUE = `UTC_TIMESTAMP(3) + INTERVAL ${HINT_SECONDS + RING_GRACE_SECONDS} SECOND`
/** received_at, next_at, finished_at: the database's clock; next_at only where there is work to do. */
const ROW = `(${COLUMNS.map(() => '?').join(', ')}, UTC_TIMESTAMP(3), CASE ? WHEN 'work' THEN ${DUE} WHEN 'ask' THEN UTC_TIMESTAMP(3) WHEN 'hint' THEN ${HINT_DUE} END, IF(?, UTC_TIMESTAMP(3), NULL))`
const HEAD = `INSERT INTO webhook_events (${COLUMNS.join(', ')}, received_at, next_at, finished_at) VALUES `
/** A row that stands stays as it is; with -FOUND_ROWS the count of changed rows is the count of inserted ones. */
const TAIL = ' ON DUPLICATE KEY UPDATE id = id'

/** One text a batch size, so that the server prepares each once. */
const statements = new Map<number, string>()

/**
 * Inserts the rows that are not there yet, in one statement and so all or none; returns how many were new. Rows must be
 * sorted by event key (deadlocks: 147 a run unsorted, none sorted) and have distinct keys. Uses one_event_per_key.
 */
export async function insertEvents(
  connection: PoolConnection,
  events: readonly NewEvent[],
  onSent?: () => void,
): Promise<number> {
  let sql = statements.get(events.length)
  if (sql === undefined) {
    sql = HEAD + new Array(events.length).fill(ROW).join(', ') + TAIL
    statements.set(events.length, sql)
  }
  const values: (string | number | Buffer | null)[] = []
  for (const event of events) pushValues(values, event)
  const answer = connection.execute<ResultSetHeader>(sql, values)
  onSent?.()
  const [result] = await answer
  return result.affectedRows
}

function pushValues(values: (string | number | Buffer | null)[], event: NewEvent): void {
  const { fact } = event
  values.push(
    event.id,
    event.eventKey,
    event.digest,
    event.gateway,
    event.account,
    event.eventId,
    event.type,
    fact === null ? null : fact.kind,
    fact === null ? null : fact.merchantRef,
    fact === null ? null : fact.gatewayRef,
    fact === null ? null : fact.operationRef,
    fact === null || fact.amountMinor === null ? null : String(fact.amountMinor),
    fact === null ? null : fact.currency,
    event.occurredAt === null ? null : toDateTime(event.occurredAt),
    event.maySettle ? 1 : 0,
    event.isHint ? 1 : 0,
    event.hold,
    event.state,
    event.outcome,
    event.reason,
    event.conflictsWith,
    event.requestId,
    Buffer.from(event.signature),
    event.body,
    lookOf(event),
    event.state === 'processed' ? 1 : 0,
  )
}

/** Who looks at the event next: a worker, or whoever asks its gateway. */
function lookOf({ state, isHint }: NewEvent): 'work' | 'ask' | 'hint' | null {
  if (state === 'received') return 'work'
  if (state !== 'unconfirmed') return null
  return isHint ? 'hint' : 'ask'
}

/** DATETIME(3) in UTC, as text: no driver's idea of a time zone comes between. */
function toDateTime(date: Date): string {
  return date.toISOString().replace('T', ' ').slice(0, 23)
}

/** Reads who holds each key, by hex key. Uses one_event_per_key. */
export async function readClaims(
  connection: PoolConnection,
  keys: readonly Buffer[],
): Promise<Map<string, StoredClaim>> {
  const [rows] = await connection.query<RowDataPacket[]>(
    'SELECT id, event_key, digest FROM webhook_events WHERE event_key IN (?) LIMIT ?',
    [keys, keys.length],
  )
  return new Map(
    rows.map((row) => [row.event_key.toString('hex'), { claim: row.id, fingerprint: row.digest }]),
  )
}
