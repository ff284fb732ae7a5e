import type { Pool, PoolConnection } from '../../db/pools.ts'
import type { RowDataPacket } from '../../db/rows.ts'
import { inTransaction, READ_TIMEOUT_MS, withConnection } from '../../db/transaction.ts'
import { type Id, idToText } from '../base/ids.ts'
import { recordKey } from '../idempotency/key.ts'
import { reopenEvents } from './event-store.ts'

/** What a parked event waits for. `paymentId` is set when the payment is known and its capture is not. */
export interface ParkedEvent {
  readonly eventId: Id
  readonly refKeys: readonly Buffer[]
  readonly paymentId: Id | null
}

/** The key under which events wait for the capture of a payment that we know. */
export function captureKey(paymentId: Id): Buffer {
  return recordKey({
    kind: 'payment-ref',
    tenant: '',
    actor: '',
    operation: 'awaiting-capture',
    key: idToText(paymentId),
  })
}

/** Notes what the events wait for, in the transaction that parks them. */
export async function insertParked(
  connection: PoolConnection,
  parked: readonly ParkedEvent[],
  now: Date,
): Promise<void> {
  const rows = parked.flatMap(({ eventId, refKeys, paymentId }) =>
    refKeys.map((refKey) => [refKey, eventId, paymentId, now]),
  )
  if (rows.length === 0) return
  await connection.query(
    `INSERT INTO webhook_parked (ref_key, event_id, payment_id, parked_at) VALUES ?
     ON DUPLICATE KEY UPDATE parked_at = VALUES(parked_at)`,
    [rows],
  )
}

const WAKE_LIMIT = 1_000

/**
 * Puts back to work what waits for any of these keys, and returns the events for ringing. Both sides of a meeting call it
 * (or look for the other side) after their commit: whoever commits last sees the other. Uses the primary key.
 */
export async function wakeParked(pool: Pool, refKeys: readonly Buffer[]): Promise<Id[]> {
  if (refKeys.length === 0) return []
  const [rows] = await withConnection(pool, 'find who waits', READ_TIMEOUT_MS, (connection) =>
    connection.query<RowDataPacket[]>(
      'SELECT DISTINCT event_id FROM webhook_parked WHERE ref_key IN (?) LIMIT ?',
      [refKeys, WAKE_LIMIT],
    ),
  )
  return unpark(
    pool,
    rows.map((row) => row.event_id),
  )
}

const JOIN_LIMIT = 500

type Queryable = Pick<Pool, 'query'>

/**
 * The sweeper's side: finds parked events whose payment, or whose capture, is there after all. `from` is the last event
 * of the page before, which may have more rows than that page had; a page shorter than the limit is the last one.
 */
export async function findMissedMeetings(
  connection: Queryable,
  from: Id,
): Promise<{ matched: Id[]; last: Id | null }> {
  const [page] = await connection.query<RowDataPacket[]>(
    'SELECT event_id, ref_key, payment_id FROM webhook_parked WHERE event_id >= ? ORDER BY event_id LIMIT ?',
    [from, JOIN_LIMIT],
  )
  if (page.length === 0) return { matched: [], last: null }
  const keys = page.map((row) => row.ref_key as Buffer)
  const [met] = await connection.query<RowDataPacket[]>(
    `SELECT merchant_ref_key AS ref_key FROM payments WHERE merchant_ref_key IN (?)
     UNION ALL SELECT gateway_ref_key AS ref_key FROM payments WHERE gateway_ref_key IN (?)`,
    [keys, keys],
  )
  const captured = await capturedAmong(
    connection,
    page.flatMap((row) => row.payment_id ?? []),
  )
  const found = new Set(met.map((row) => row.ref_key.toString('hex')))
  const matched = page.filter(
    (row) =>
      found.has(row.ref_key.toString('hex')) ||
      (row.payment_id && captured.has(row.payment_id.toString('hex'))),
  )
  const last = page.length < JOIN_LIMIT ? null : (page.at(-1)?.event_id ?? null)
  return { matched: matched.map((row) => row.event_id), last }
}

async function capturedAmong(connection: Queryable, paymentIds: readonly Id[]): Promise<Set<string>> {
  if (paymentIds.length === 0) return new Set()
  const [rows] = await connection.query<RowDataPacket[]>(
    'SELECT id FROM payments WHERE id IN (?) AND captured_minor > 0 LIMIT ?',
    [paymentIds, paymentIds.length],
  )
  return new Set(rows.map((row) => row.id.toString('hex')))
}

/**
 * Takes those of the events that are parked out of the waiting room, back to work, and returns them. They are locked
 * first: who found them may be slow, and an event that is at work again by now must keep what it will wait for next.
 */
export function unpark(pool: Pool, ids: readonly Id[]): Promise<Id[]> {
  if (ids.length === 0) return Promise.resolve([])
  return inTransaction(pool, 'unpark', async (connection) => {
    const parked = await lockParked(connection, ids)
    if (parked.length === 0) return []
    await reopenEvents(connection, parked, ['parked'])
    await connection.query('DELETE FROM webhook_parked WHERE event_id IN (?)', [parked])
    return parked
  })
}

/** Waits for whoever works on them, who may be about to park them. Uses the primary key. */
async function lockParked(connection: PoolConnection, ids: readonly Id[]): Promise<Id[]> {
  const [rows] = await connection.query<RowDataPacket[]>(
    "SELECT id FROM webhook_events WHERE id IN (?) AND state = 'parked' ORDER BY id LIMIT ? FOR UPDATE",
    [ids, ids.length],
  )
  return rows.map((row) => row.id)
}
