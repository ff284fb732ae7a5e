import type { Pool, PoolConnection } from '../../db/pools.ts'
import type { ResultSetHeader, RowDataPacket } from '../../db/rows.ts'
import type { Id } from '../base/ids.ts'
import { FIRST_PHASE, type Json, type Progress } from './operation.ts'

/** Work that this process owns until the lease is over, or another one took it over: then the fence is another. */
export interface HeldOperation extends Progress {
  readonly operation: string
  readonly fence: number
  readonly attempts: number
}

/** Another owner has taken the work over, or finished it. Whatever was to be committed is rolled back. */
export class FencedOff extends Error {
  override readonly name = 'FencedOff'
}

type Queryable = Pick<PoolConnection | Pool, 'execute' | 'query'>

const FIRST_FENCE = 1
const COLUMNS = 'id, operation, phase, fence, attempts, input, memo'

/** Begins the work of a key that was claimed in this transaction. */
export async function beginOperation(
  connection: Queryable,
  { id, operation, input }: { readonly id: Id; readonly operation: string; readonly input: Json },
  leaseSeconds: number,
): Promise<HeldOperation> {
  await connection.execute(
    `INSERT INTO idempotency_operations (id, operation, phase, fence, lease_until, input, memo)
     VALUES (?, ?, ?, ?, UTC_TIMESTAMP(3) + INTERVAL ? SECOND, ?, 'null')`,
    [id, operation, FIRST_PHASE, FIRST_FENCE, leaseSeconds, JSON.stringify(input)],
  )
  return { id, operation, phase: FIRST_PHASE, fence: FIRST_FENCE, attempts: 0, input, memo: null }
}

/** The work as it stands, with whoever owns it; undefined when it is finished. A plain read by the primary key. */
export async function readOperation(connection: Queryable, id: Id): Promise<HeldOperation | undefined> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT ${COLUMNS} FROM idempotency_operations WHERE id = ? LIMIT 1`,
    [id],
  )
  return rows[0] && toHeld(rows[0])
}

/** The next phase, under my fence and from my phase, with a new lease. Throws FencedOff. Uses the primary key. */
export async function advanceOperation(
  connection: Queryable,
  held: HeldOperation,
  next: { readonly phase: string; readonly memo: Json },
  leaseSeconds: number,
): Promise<void> {
  const [result] = await connection.execute<ResultSetHeader>(
    `UPDATE idempotency_operations SET phase = ?, memo = ?, attempts = 0, last_error = NULL,
       lease_until = UTC_TIMESTAMP(3) + INTERVAL ? SECOND
     WHERE id = ? AND fence = ? AND phase = ?`,
    [next.phase, JSON.stringify(next.memo), leaseSeconds, held.id, held.fence, held.phase],
  )
  if (result.affectedRows !== 1) throw new FencedOff('another owner has the work')
}

/** The work is done: nobody owns it any more. Throws FencedOff. Uses the primary key. */
export async function endOperation(connection: Queryable, held: HeldOperation): Promise<void> {
  const [result] = await connection.execute<ResultSetHeader>(
    'DELETE FROM idempotency_operations WHERE id = ? AND fence = ? AND phase = ?',
    [held.id, held.fence, held.phase],
  )
  if (result.affectedRows !== 1) throw new FencedOff('another owner has the work')
}

/** Lets go of the work for so long; `failure` counts as an attempt. Throws FencedOff. Uses the primary key. */
export async function postponeOperation(
  connection: Queryable,
  held: HeldOperation,
  waitMs: number,
  failure: string | null,
): Promise<void> {
  const [result] = await connection.execute<ResultSetHeader>(
    `UPDATE idempotency_operations SET attempts = attempts + ?, last_error = ?,
       lease_until = UTC_TIMESTAMP(3) + INTERVAL ? MICROSECOND
     WHERE id = ? AND fence = ? AND phase = ?`,
    [failure === null ? 0 : 1, failure, Math.round(waitMs) * 1_000, held.id, held.fence, held.phase],
  )
  if (result.affectedRows !== 1) throw new FencedOff('another owner has the work')
}

/**
 * Takes over work of these operations whose lease is over, the longest first: one fence more, a new lease. Those that
 * somebody else is taking are skipped. Uses lease.
 */
export async function takeOverOperations(
  connection: Queryable,
  operations: readonly string[],
  leaseSeconds: number,
  limit: number,
): Promise<HeldOperation[]> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT ${COLUMNS} FROM idempotency_operations WHERE lease_until <= UTC_TIMESTAMP(3) AND operation IN (?)
     ORDER BY lease_until LIMIT ? FOR UPDATE SKIP LOCKED`,
    [operations, limit],
  )
  return takeOver(connection, rows, leaseSeconds)
}

/** Takes over this one, if its lease is over and nobody else is taking it. Uses the primary key. */
export async function takeOverOperation(
  connection: Queryable,
  id: Id,
  leaseSeconds: number,
): Promise<HeldOperation | undefined> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT ${COLUMNS} FROM idempotency_operations WHERE id = ? AND lease_until <= UTC_TIMESTAMP(3)
     FOR UPDATE SKIP LOCKED`,
    [id],
  )
  const [held] = await takeOver(connection, rows, leaseSeconds)
  return held
}

async function takeOver(
  connection: Queryable,
  rows: readonly RowDataPacket[],
  leaseSeconds: number,
): Promise<HeldOperation[]> {
  if (rows.length === 0) return []
  await connection.query(
    `UPDATE idempotency_operations SET fence = fence + 1, lease_until = UTC_TIMESTAMP(3) + INTERVAL ? SECOND
     WHERE id IN (?)`,
    [leaseSeconds, rows.map(({ id }) => id)],
  )
  return rows.map((row) => ({ ...toHeld(row), fence: row.fence + 1 }))
}

function toHeld(row: RowDataPacket): HeldOperation {
  return {
    id: row.id,
    operation: row.operation,
    phase: row.phase,
    fence: row.fence,
    attempts: row.attempts,
    input: JSON.parse(row.input),
    memo: JSON.parse(row.memo),
  }
}
