import type { Pool, PoolConnection } from './pools.ts'
import { withConnection } from './transaction.ts'

const INTERVAL_MS = 5_000
/** A look that takes longer is given up, and there is never more than one. */
const TIMEOUT_MS = 20_000

/**
 * Reads something every five seconds and tells what was read, until the returned timer is cleared. With the database away
 * nothing is told: the last numbers stay, their own age tells, and /ready says why.
 */
export function watch<T>(
  pool: Pool,
  name: string,
  read: (connection: PoolConnection) => Promise<T>,
  tell: (value: T) => void,
): NodeJS.Timeout {
  let isLooking = false
  const look = async (): Promise<void> => {
    if (isLooking) return
    isLooking = true
    try {
      tell(await withConnection(pool, name, TIMEOUT_MS, read))
    } catch {
      // See above.
    } finally {
      isLooking = false
    }
  }
  const timer = setInterval(() => void look(), INTERVAL_MS)
  timer.unref()
  return timer
}
