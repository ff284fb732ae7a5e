import { isDuplicateEntry } from '../../db/errors.ts'
import type { Pool, PoolConnection } from '../../db/pools.ts'
import type { ResultSetHeader, RowDataPacket } from '../../db/rows.ts'
import { assert } from '../base/assert.ts'
import type { Id } from '../base/ids.ts'
import type { Answer } from './answer.ts'
import type { StoredClaim, StoredRecord } from './decide.ts'

/** A key that somebody wants, and for what content. */
export interface KeyClaim extends StoredClaim {
  readonly claim: Id
  /** `recordKey` of the scope. */
  readonly key: Buffer
}

/** What stands under a key; `answer` where the state is done. */
export interface KeyRecord extends StoredRecord {
  readonly claim: Id
  readonly answer: Answer | null
}

/**
 * A lost connection, a slow worker or a night's sleep of a phone: whoever repeats a request does it within three days.
 * After that the answer goes, and the key stays.
 */
export const ANSWER_HOURS = 72
/** After the answer went. A key never executes twice within more than a year, which covers a restored backup and a dispute. */
export const TOMBSTONE_DAYS = 400

type Queryable = Pick<PoolConnection | Pool, 'execute' | 'query'>

/** The key is claimed already: by another request, or, after a lost connection, by this very claim. */
export class KeyTaken extends Error {
  override readonly name = 'KeyTaken'
}

/**
 * Claims a key for work that ends in this transaction: the row is seen by nobody before it is done. Waits for a
 * transaction that holds the key. Throws KeyTaken where it stands.
 */
export async function claimKey(connection: Queryable, claim: KeyClaim): Promise<void> {
  await insertKey(
    connection,
    `INSERT INTO idempotency_keys (id, record_key, fingerprint, state, created_at, due_at)
     VALUES (?, ?, ?, 'done', UTC_TIMESTAMP(3), UTC_TIMESTAMP(3) + INTERVAL ${ANSWER_HOURS} HOUR)`,
    claim,
  )
}

/** Claims a key for work of several transactions. Otherwise as `claimKey`. */
export async function claimKeyForLong(connection: Queryable, claim: KeyClaim): Promise<void> {
  await insertKey(
    connection,
    `INSERT INTO idempotency_keys (id, record_key, fingerprint, state, created_at)
     VALUES (?, ?, ?, 'running', UTC_TIMESTAMP(3))`,
    claim,
  )
}

/** A claim that comes again meets its own row by the primary key, every other one by one_record_per_key. */
async function insertKey(
  connection: Queryable,
  sql: string,
  { claim, key, fingerprint }: KeyClaim,
): Promise<void> {
  await connection.execute(sql, [claim, key, fingerprint]).catch((error: unknown) => {
    throw isDuplicateEntry(error) ? new KeyTaken('the key is claimed', { cause: error }) : error
  })
}

/** Adds the answer in the transaction that claimed the key. Uses the primary key. */
export async function keepAnswer(connection: Queryable, claim: Id, answer: Answer): Promise<void> {
  const [result] = await connection.execute<ResultSetHeader>(
    'UPDATE idempotency_keys SET status = ?, headers = ?, body = ? WHERE id = ?',
    [answer.status, JSON.stringify(answer.headers), answer.body, claim],
  )
  assert(result.affectedRows === 1, 'the answer of a key that was not claimed')
}

/** Ends work of several transactions with its answer. Uses the primary key. */
export async function finishKey(connection: Queryable, claim: Id, answer: Answer): Promise<void> {
  const [result] = await connection.execute<ResultSetHeader>(
    `UPDATE idempotency_keys SET state = 'done', status = ?, headers = ?, body = ?,
       due_at = UTC_TIMESTAMP(3) + INTERVAL ${ANSWER_HOURS} HOUR
     WHERE id = ? AND state = 'running'`,
    [answer.status, JSON.stringify(answer.headers), answer.body, claim],
  )
  assert(result.affectedRows === 1, 'the end of work that was not running')
}

/** What stands under the key. A plain read: it waits for nobody. Uses one_record_per_key and the primary key. */
export async function readRecord(connection: Queryable, key: Buffer): Promise<KeyRecord | undefined> {
  const [rows] = await connection.execute<RowDataPacket[]>(
    `SELECT k.id, k.fingerprint, k.state, k.status, k.headers, k.body,
       o.lease_until <= UTC_TIMESTAMP(3) AS is_lease_over
     FROM idempotency_keys AS k LEFT JOIN idempotency_operations AS o ON o.id = k.id
     WHERE k.record_key = ? LIMIT 1`,
    [key],
  )
  const [row] = rows
  if (!row) return undefined
  return {
    claim: row.id,
    fingerprint: row.fingerprint,
    state: row.state,
    isLeaseOver: Number(row.is_lease_over) === 1,
    answer:
      row.state === 'done' ? { status: row.status, headers: JSON.parse(row.headers), body: row.body } : null,
  }
}

/**
 * Takes the answers out of at most `limit` rows whose time has come; returns how many there were. Rows that anybody has
 * locked are skipped, and only these rows are locked, so that no insert waits. Uses due.
 */
export async function pruneAnswers(connection: Queryable, limit: number): Promise<number> {
  const ids = await lockDue(connection, 'done', limit)
  if (ids.length === 0) return 0
  await connection.query(
    `UPDATE idempotency_keys SET state = 'pruned', status = NULL, headers = NULL, body = NULL,
       due_at = due_at + INTERVAL ${TOMBSTONE_DAYS} DAY
     WHERE id IN (?)`,
    [ids],
  )
  return ids.length
}

/** Forgets at most `limit` keys whose time has come; otherwise as `pruneAnswers`. Uses due. */
export async function forgetKeys(connection: Queryable, limit: number): Promise<number> {
  const ids = await lockDue(connection, 'pruned', limit)
  if (ids.length > 0) await connection.query('DELETE FROM idempotency_keys WHERE id IN (?)', [ids])
  return ids.length
}

async function lockDue(connection: Queryable, state: 'done' | 'pruned', limit: number): Promise<Id[]> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT id FROM idempotency_keys WHERE state = ? AND due_at <= UTC_TIMESTAMP(3)
     ORDER BY due_at LIMIT ? FOR UPDATE SKIP LOCKED`,
    [state, limit],
  )
  return rows.map(({ id }) => id)
}
