import { openPool, type Pool } from '../../db/pools.ts'
import type { RowDataPacket } from '../../db/rows.ts'
import { createLogger, type Log } from '../../src/base/log.ts'
import { Completer } from '../../src/idempotency/completer.ts'
import { OnceInPhases } from '../../src/idempotency/once-in-phases.ts'
import type { Operation } from '../../src/idempotency/operation.ts'
import { Operations } from '../../src/idempotency/operations.ts'
import type { TestDatabase } from './database.ts'
import { requestOf } from './once-requests.ts'

/** What one process has for operations of several phases. */
export interface Site {
  readonly pool: Pool
  readonly operations: Operations
  readonly door: OnceInPhases
  readonly completer: Completer
  readonly lines: Record<string, unknown>[]
}

export interface SiteOptions {
  readonly leaseSeconds?: number
  readonly waitMs?: number
}

/** A site with one connection: whoever held it while he waits or calls would stop everything. */
export function openSite(
  address: TestDatabase['address'],
  operations: readonly Operation[],
  { leaseSeconds = 30, waitMs = 400 }: SiteOptions = {},
): Site {
  const lines: Record<string, unknown>[] = []
  const log: Log = createLogger({
    level: 'info',
    destination: { write: (line) => void lines.push(JSON.parse(line)) },
  })
  const pool = openPool(address, { connectionLimit: 1, lockWaitSeconds: 1 })
  const driver = new Operations({ pool, log, operations, leaseSeconds })
  return {
    pool,
    operations: driver,
    door: new OnceInPhases({ pool, operations: driver, waitMs }),
    completer: new Completer({ operations: driver, log }),
    lines,
  }
}

/** Every operation that is not finished. */
export async function unfinished(pool: Pool): Promise<RowDataPacket[]> {
  const [rows] = await pool.query<RowDataPacket[]>(
    'SELECT phase, fence, attempts, last_error FROM idempotency_operations',
  )
  return rows
}

/** Lets the time pass for one key's lease. */
export async function letLeasePass(pool: Pool, key: string, seconds: number): Promise<void> {
  await pool.query(
    `UPDATE idempotency_operations SET lease_until = lease_until - INTERVAL ? SECOND
     WHERE id = (SELECT id FROM idempotency_keys WHERE record_key = ?)`,
    [seconds, requestOf(key).key],
  )
}
