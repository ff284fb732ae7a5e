import type { Pool, PoolConnection } from '../../db/pools.ts'
import type { ResultSetHeader, RowDataPacket } from '../../db/rows.ts'
import type { Id } from '../base/ids.ts'
import { FIRST_PHASE, type Json, type Progress } from './operation.ts'

/** Work that this process owns until the lease is over, or another one took it over: then the fence is another. */
export interface HeldOperation extends Progress {
  readonly operation: string
  readonly fence: number
  readonly attempts: number
  /** Since an owner last said something, this one included. */
  readonly owners: number
  /** That were committed. */
  readonly phases: number
}

/** What came of taking over: this process's from now on, and what nobody shall take over any more. */
export interface TakenOver {
  readonly taken: readonly HeldOperation[]
  readonly setAside: readonly HeldOperation[]
}

/**
 * So many owners in a row were gone without a word, neither a phase nor a failure: the work kills whoever does it. A database
 * that is away for the whole of a lease is a silent owner too, and a process that is killed with others' work beside it.
 */
export const MAX_SILENT_OWNERS = 5

/** Another owner has taken the work over, or finished it. Whatever was to be committed is rolled back. */
export class FencedOff extends Error {
  override readonly name = 'FencedOff'
}

type Queryable = Pick<PoolConnection | Pool, 'execute' | 'query'>

const FIRST_FENCE = 1
const COLUMNS = 'id, operation, phase, fence, attempts, owners, phases, input, memo'

/** Begins the work of a key that was claimed in this transaction. */
export async function beginOperation(
  connection: Queryable,
  { id, operation, input }: { readonly id: Id; readonly operation: string; readonly input: Json },
  leaseSeconds: number,
): Promise<HeldOperation> {
  await connection.execute(
    `INSERT INTO idempotency_operations (id, operation, phase, fence, lease_until, owners, input, memo)
     VALUES (?, ?, ?, ?, UTC_TIMESTAMP(3) + INTERVAL ? SECOND, 1, ?, 'null')`,
    [id, operation, FIRST_PHASE, FIRST_FENCE, leaseSeconds, JSON.stringify(input)],
  )
  const counts = { fence: FIRST_FENCE, attempts: 0, owners: 1, phases: 0 }
  return { id, operation, phase: FIRST_PHASE, ...counts, input, memo: null }
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
    `UPDATE idempotency_operations SET phase = ?, memo = ?, attempts = 0, last_error = NULL, owners = 1,
       phases = phases + 1, lease_until = UTC_TIMESTAMP(3) + INTERVAL ? SECOND
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
    `UPDATE idempotency_operations SET attempts = attempts + ?, last_error = ?, owners = 0,
       lease_until = UTC_TIMESTAMP(3) + INTERVAL ? MICROSECOND
     WHERE id = ? AND fence = ? AND phase = ?`,
    [failure === null ? 0 : 1, failure, Math.round(waitMs) * 1_000, held.id, held.fence, held.phase],
  )
  if (result.affectedRows !== 1) throw new FencedOff('another owner has the work')
}

/** Sets work aside that this process owns: nobody goes on with it. Throws FencedOff. Uses the primary key. */
export async function setOperationAside(
  connection: Queryable,
  held: HeldOperation,
  reason: string,
): Promise<void> {
  const [result] = await connection.execute<ResultSetHeader>(
    `UPDATE idempotency_operations SET set_aside_at = UTC_TIMESTAMP(3), last_error = ?
     WHERE id = ? AND fence = ? AND phase = ?`,
    [reason, held.id, held.fence, held.phase],
  )
  if (result.affectedRows !== 1) throw new FencedOff('another owner has the work')
}

/**
 * Takes over work of these operations whose lease is over, the longest first: one fence more, a new lease. `suspects`: of
 * which two owners were silent, and no other. Those that somebody else is taking are skipped. Uses lease.
 */
export async function takeOverOperations(
  connection: Queryable,
  { operations, suspects }: { readonly operations: readonly string[]; readonly suspects: boolean },
  leaseSeconds: number,
  limit: number,
): Promise<TakenOver> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT ${COLUMNS} FROM idempotency_operations
     WHERE lease_until <= UTC_TIMESTAMP(3) AND operation IN (?) AND set_aside_at IS NULL AND (owners > 1) = ?
     ORDER BY lease_until LIMIT ? FOR UPDATE SKIP LOCKED`,
    [operations, suspects ? 1 : 0, limit],
  )
  return takeOver(connection, rows, leaseSeconds)
}

/** Takes over this one, if its lease is over and nobody else is taking it. Uses the primary key. */
export async function takeOverOperation(
  connection: Queryable,
  id: Id,
  leaseSeconds: number,
): Promise<TakenOver> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT ${COLUMNS} FROM idempotency_operations
     WHERE id = ? AND lease_until <= UTC_TIMESTAMP(3) AND set_aside_at IS NULL FOR UPDATE SKIP LOCKED`,
    [id],
  )
  return takeOver(connection, rows, leaseSeconds)
}

async function takeOver(
  connection: Queryable,
  rows: readonly RowDataPacket[],
  leaseSeconds: number,
): Promise<TakenOver> {
  const found = rows.map(toHeld)
  const setAside = found.filter(({ owners }) => owners >= MAX_SILENT_OWNERS)
  for (const held of setAside)
    await setOperationAside(connection, held, `${held.owners} owners were gone without a word`)
  const others = found.filter(({ owners }) => owners < MAX_SILENT_OWNERS)
  if (others.length === 0) return { taken: [], setAside }
  await connection.query(
    `UPDATE idempotency_operations SET fence = fence + 1, owners = owners + 1,
       lease_until = UTC_TIMESTAMP(3) + INTERVAL ? SECOND
     WHERE id IN (?)`,
    [leaseSeconds, others.map(({ id }) => id)],
  )
  const taken = others.map((held) => ({ ...held, fence: held.fence + 1, owners: held.owners + 1 }))
  return { taken, setAside }
}

function toHeld(row: RowDataPacket): HeldOperation {
  return {
    id: row.id,
    operation: row.operation,
    phase: row.phase,
    fence: row.fence,
    attempts: row.attempts,
    owners: row.owners,
    phases: row.phases,
    input: JSON.parse(row.input),
    memo: JSON.parse(row.memo),
  }
}
