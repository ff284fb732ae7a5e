import { setTimeout as pause } from 'node:timers/promises'
import { createConnection } from 'mysql2/promise'
import type { DatabaseAddress } from '../../db/pools.ts'
import type { RowDataPacket } from '../../db/rows.ts'

const POLL_MS = 10
const TIMEOUT_MS = 5_000

/**
 * Resolves with the connection's id when a prepared statement of this database waits for a row lock; the servers tell
 * nobody, so they are asked. `start` is how a statement that is not prepared begins. (MySQL's information_schema cannot show a statement with binary values, SHOW can.)
 */
export async function waitForLockWait(address: DatabaseAddress, start?: string): Promise<number> {
  const connection = await createConnection({ ...address })
  try {
    const endMs = performance.now() + TIMEOUT_MS
    while (performance.now() < endMs) {
      const [waits] = await connection.query<RowDataPacket[]>(
        "SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_current_waits'",
      )
      const [processes] = await connection.query<RowDataPacket[]>('SHOW FULL PROCESSLIST')
      const running = processes.find(
        ({ db, Command, Info }) =>
          db === address.database && (start === undefined ? Command === 'Execute' : Info?.startsWith(start)),
      )
      if (running && Number(waits[0]?.Value) > 0) return Number(running.Id)
      await pause(POLL_MS)
    }
    throw new Error(`no statement waited for a lock within ${TIMEOUT_MS} ms`)
  } finally {
    await connection.end()
  }
}
