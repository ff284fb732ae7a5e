import type { Pool, PoolConnection } from '../../db/pools.ts'
import type { ResultSetHeader, RowDataPacket } from '../../db/rows.ts'
import { READ_TIMEOUT_MS, withConnection } from '../../db/transaction.ts'
import type { Id } from '../base/ids.ts'

/** A gateway account whose events are stored and acknowledged, and wait. */
export interface Pause {
  readonly gateway: string
  readonly account: string
  readonly actor: string
  readonly reason: string
  readonly pausedAt: Date
}

/** A pause is seen by every process within this time. */
const FRESH_MS = 1_000

/** The pauses as this process knows them; read anew when older than a second. */
export class PauseBoard {
  readonly #pool: Pool
  #paused = new Set<string>()
  #readAtMs = Number.NEGATIVE_INFINITY

  constructor(pool: Pool) {
    this.#pool = pool
  }

  /** Reads the pauses if the last reading is too old. */
  async refresh(): Promise<void> {
    if (performance.now() - this.#readAtMs < FRESH_MS) return
    const pauses = await withConnection(this.#pool, 'read pauses', READ_TIMEOUT_MS, listPauses)
    this.#paused = new Set(pauses.map(({ gateway, account }) => `${gateway}/${account}`))
    this.#readAtMs = performance.now()
  }

  isPaused(gateway: string, account: string): boolean {
    return this.#paused.has(`${gateway}/${account}`)
  }
}

/** Every pause in force. */
export async function listPauses(connection: Pick<Pool, 'query'>): Promise<Pause[]> {
  const [rows] = await connection.query<RowDataPacket[]>(
    'SELECT gateway, account, actor, reason, paused_at FROM gateway_pauses ORDER BY gateway, account LIMIT 1000',
  )
  return rows.map((row) => ({
    gateway: row.gateway,
    account: row.account,
    actor: row.actor,
    reason: row.reason,
    pausedAt: row.paused_at,
  }))
}

/** Pauses an account; again with another reason changes the reason. */
export async function insertPause(connection: PoolConnection, pause: Omit<Pause, 'pausedAt'>): Promise<void> {
  await connection.query(
    `INSERT INTO gateway_pauses (gateway, account, actor, reason, paused_at) VALUES (?, ?, ?, ?, UTC_TIMESTAMP(3))
     ON DUPLICATE KEY UPDATE actor = VALUES(actor), reason = VALUES(reason)`,
    [pause.gateway, pause.account, pause.actor, pause.reason],
  )
}

/** Ends a pause; false when there was none. */
export async function deletePause(
  connection: PoolConnection,
  gateway: string,
  account: string,
): Promise<boolean> {
  const [result] = await connection.query<ResultSetHeader>(
    'DELETE FROM gateway_pauses WHERE gateway = ? AND account = ?',
    [gateway, account],
  )
  return result.affectedRows > 0
}

/** One statement holds its rows' locks for some milliseconds at this size. */
export const RESUME_LIMIT = 1_000

/**
 * Events that wait for a pause which is over. A worker that had not heard of the resumption may still set one aside, so
 * this is looked for again and again rather than once. At most RESUME_LIMIT. Uses the index due.
 */
export async function findResumedEvents(connection: Pick<Pool, 'query'>): Promise<Id[]> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT id FROM webhook_events WHERE state = 'paused'
       AND NOT EXISTS (SELECT 1 FROM gateway_pauses WHERE gateway_pauses.gateway = webhook_events.gateway
         AND gateway_pauses.account = webhook_events.account)
     LIMIT ?`,
    [RESUME_LIMIT],
  )
  return rows.map((row) => row.id)
}
