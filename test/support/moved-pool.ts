import type { CommandPool, PoolConnection } from '../../db/pools.ts'

/** The database's clock, as the test moves it. */
export interface MovedClock {
  nowMs: number
}

/**
 * The same pool, whose sessions have the test's time: UTC_TIMESTAMP() obeys the session's `timestamp`. Each statement passes the gate
 * first.
 */
export function movedPool(pool: CommandPool, clock: MovedClock, gate: () => Promise<void>): CommandPool {
  const getConnection = async (): Promise<PoolConnection> => {
    const connection = await pool.getConnection()
    await connection.query('SET timestamp = ?', [clock.nowMs / 1_000])
    return gated(connection, gate)
  }
  const query = async (...said: Parameters<PoolConnection['query']>) => {
    const connection = await getConnection()
    try {
      return await connection.query(...said)
    } finally {
      connection.release()
    }
  }
  return overlaid(pool, { getConnection, query })
}

function gated(connection: PoolConnection, gate: () => Promise<void>): PoolConnection {
  const query = async (...said: Parameters<PoolConnection['query']>) => {
    await gate()
    return connection.query(...said)
  }
  return overlaid(connection, { query })
}

function overlaid<T extends object>(below: T, above: Readonly<Record<string, unknown>>): T {
  return new Proxy(below, {
    get: (target, name) => {
      if (typeof name === 'string' && name in above) return above[name]
      const value = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
