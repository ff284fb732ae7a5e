import { isDuplicateEntry } from '../../db/errors.ts'
import type { Pool, PoolConnection } from '../../db/pools.ts'
import type { ResultSetHeader, RowDataPacket } from '../../db/rows.ts'
import { beginning } from '../../db/transaction.ts'
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
 * Begins a transaction with the claim of a key for work that ends in it: the row is seen by nobody before it is done. Waits
 * for a transaction that holds the key. Throws KeyTaken where it stands. One round trip, on a pool of several statements.
 */
export async function beginWithKey(connection: PoolConnection, claim: KeyClaim): Promise<void> {
  await insertKey(
    (sql, values) => beginning(connection.query(sql, values)),
    `START TRANSACTION; INSERT INTO idempotency_keys (id, record_key, fingerprint, state, created_at, due_at)
     VALUES (?, ?, ?, 'done', UTC_TIMESTAMP(3), UTC_TIMESTAMP(3) + INTERVAL ${ANSWER_HOURS} HOUR)`,
    claim,
  )
}

/** Claims a key for work of several transactions, in the caller's. Otherwise as `beginWithKey`. */
export async function claimKeyForLong(connection: Queryable, claim: KeyClaim): Promise<void> {
  await insertKey(
    (sql, values) => connection.execute(sql, values),
    `INSERT INTO idempotency_keys (id, record_key, fingerprint, state, created_at)
     VALUES (?, ?, ?, 'running', UTC_TIMESTAMP(3))`,
    claim,
  )
}

/** A claim that comes again meets its own row by the primary key, every other one by one_record_per_key. */
async function insertKey(
  send: (sql: string, values: Buffer[]) => Promise<unknown>,
  sql: string,
  { claim, key, fingerprint }: KeyClaim,
): Promise<void> {
  await send(sql, [claim, key, fingerprint]).catch((error: unknown) => {
    throw isDuplicateEntry(error) ? new KeyTaken('the key is claimed', { cause: error }) : error
  })
}

/** The foreign key holds an answer to its key: where the transaction was taken back under the handler, there is none, and this fails. */
const INSERT_ANSWER = 'INSERT INTO idempotency_answers (id, status, headers, body) VALUES (?, ?, ?, ?)'

/**
 * Adds the answer in the transaction that claimed the key, and commits it. One round trip, on a pool of several statements:
 * the server does not come to the COMMIT where the INSERT fails.
 */
export async function commitWithAnswer(connection: Queryable, claim: Id, answer: Answer): Promise<void> {
  await connection.query(`${INSERT_ANSWER}; COMMIT`, answerValues(claim, answer))
}

function answerValues(claim: Id, { status, headers, body }: Answer): (Id | number | string | Buffer)[] {
  return [claim, status, JSON.stringify(headers), body]
}

/** Ends work of several transactions with its answer. Uses the primary key. */
export async function finishKey(connection: Queryable, claim: Id, answer: Answer): Promise<void> {
  const [result] = await connection.execute<ResultSetHeader>(
    `UPDATE idempotency_keys SET state = 'done', due_at = UTC_TIMESTAMP(3) + INTERVAL ${ANSWER_HOURS} HOUR
     WHERE id = ? AND state = 'running'`,
    [claim],
  )
  assert(result.affectedRows === 1, 'the end of work that was not running')
  await connection.execute(INSERT_ANSWER, answerValues(claim, answer))
}

/** What stands under the key. A plain read: it waits for nobody. Uses one_record_per_key and the primary keys. */
export async function readRecord(connection: Queryable, key: Buffer): Promise<KeyRecord | undefined> {
  const found = await readRecords(connection, [key])
  return found.get(key.toString('latin1'))
}

/** What stands under each of these keys, by the latin1 text of the key; otherwise as `readRecord`. */
export async function readRecords(
  connection: Queryable,
  keys: readonly Buffer[],
): Promise<Map<string, KeyRecord>> {
  const places = fewLengths(keys)
  const [rows] = await connection.execute<RowDataPacket[]>(
    `SELECT k.record_key, k.id, k.fingerprint, k.state, a.status, a.headers, a.body,
       o.lease_until <= UTC_TIMESTAMP(3) AS is_lease_over
     FROM idempotency_keys AS k LEFT JOIN idempotency_answers AS a ON a.id = k.id
       LEFT JOIN idempotency_operations AS o ON o.id = k.id AND k.state = 'running'
     WHERE k.record_key IN (${places.map(() => '?').join(', ')}) LIMIT ${places.length}`,
    places,
  )
  return new Map(rows.map((row) => [row.record_key.toString('latin1'), recordOf(row)]))
}

/** 1, 2, 4, 8 … of them, so that there are few statements to prepare; the last one is said again where some are missing. */
function fewLengths(keys: readonly Buffer[]): Buffer[] {
  const length = 2 ** Math.ceil(Math.log2(keys.length))
  return Array.from({ length }, (_, index) => keys[Math.min(index, keys.length - 1)] as Buffer)
}

function recordOf(row: RowDataPacket): KeyRecord {
  return {
    claim: row.id,
    fingerprint: row.fingerprint,
    state: row.state,
    isLeaseOver: Number(row.is_lease_over) === 1,
    answer:
      row.status === null ? null : { status: row.status, headers: JSON.parse(row.headers), body: row.body },
  }
}

/**
 * Takes away the answers of at most `limit` keys whose time has come; returns how many there were. Rows that anybody has
 * locked are skipped, and only these rows are locked, so that no insert waits. Uses due.
 */
export async function pruneAnswers(connection: Queryable, limit: number): Promise<number> {
  const ids = await lockDue(connection, 'done', limit)
  if (ids.length === 0) return 0
  await connection.query('DELETE FROM idempotency_answers WHERE id IN (?)', [ids])
  await connection.query(
    `UPDATE idempotency_keys SET state = 'pruned', due_at = due_at + INTERVAL ${TOMBSTONE_DAYS} DAY
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
