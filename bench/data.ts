import { randomBytes } from 'node:crypto'
import { type DataHost, openDataHost } from '../db/embedded/data-host.ts'
import { migrate } from '../db/migrate.ts'
import { type DatabaseAddress, openPool, type Pool } from '../db/pools.ts'
import { openRedis } from '../db/redis.ts'

/** Apart from the data of development, which a benchmark must not touch. */
const BENCH_DIR = '.data/bench'

export interface DataOptions {
  readonly engine: 'mariadb' | 'mysql' | 'auto'
  readonly bufferPoolMb?: number
}

/** Starts the benchmarks' own servers, runs, and stops them whatever happens. */
export async function withDataHost<T>(
  options: DataOptions,
  work: (host: DataHost) => Promise<T>,
): Promise<T> {
  const host = await openDataHost({ dataDir: BENCH_DIR, ...options })
  try {
    return await work(host)
  } finally {
    await host.stop()
  }
}

export interface BenchDatabase {
  readonly address: DatabaseAddress
  /** For arranging and counting; the measured processes have pools of their own. */
  readonly pool: Pool
}

/** A fresh database with the service's schema, dropped afterwards. */
export async function withDatabase<T>(
  host: DataHost,
  work: (database: BenchDatabase) => Promise<T>,
): Promise<T> {
  const address = { ...host.mysql, database: `bench_${randomBytes(4).toString('hex')}` }
  const root = openPool({ ...address, database: 'mysql' }, { connectionLimit: 1, lockWaitSeconds: 50 })
  await root.query(`CREATE DATABASE ${address.database} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`)
  const pool = openPool(address, { connectionLimit: 4, lockWaitSeconds: 50 })
  try {
    await migrate(address)
    return await work({ address, pool })
  } finally {
    await pool.end()
    await root.query(`DROP DATABASE ${address.database}`)
    await root.end()
  }
}

/** Forgets every job, so that none is left to the next run. */
export async function emptyRedis(host: DataHost): Promise<void> {
  const redis = openRedis(host.redis, 'worker', () => undefined)
  await redis.flushall()
  redis.disconnect()
}

export async function countRows(pool: Pool, from: string): Promise<number> {
  const [rows] = await pool.query(`SELECT COUNT(*) AS n FROM ${from}`)
  return Number((rows as unknown as { n: string }[])[0]?.n)
}

/** The least UUIDv7 of this moment, as hex: rows of this run have greater ids, older ones have not. */
export function oldestIdOf(nowMs: number): string {
  return nowMs.toString(16).padStart(12, '0').padEnd(32, '0')
}
