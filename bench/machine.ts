import { cpus, totalmem } from 'node:os'
import type { DataHost } from '../db/embedded/data-host.ts'
import type { Pool } from '../db/pools.ts'

/** What the figures were taken on; without it they mean little. */
export interface Machine {
  readonly date: string
  readonly cores: number
  readonly processor: string
  readonly memoryGib: number
  readonly node: string
  readonly engine: string
  readonly engineVersion: string
  readonly bufferPoolMib: number
  readonly redoLogMib: number
}

export async function describeMachine(host: DataHost, pool: Pick<Pool, 'query'>): Promise<Machine> {
  const [rows] = await pool.query('SELECT VERSION() AS version, @@innodb_buffer_pool_size AS bytes')
  const [row] = rows as unknown as { version: string; bytes: string }[]
  const processors = cpus()
  return {
    date: new Date().toISOString(),
    cores: processors.length,
    processor: processors[0]?.model ?? 'unknown',
    memoryGib: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    engine: host.engine,
    engineVersion: row?.version ?? 'unknown',
    bufferPoolMib: Number(row?.bytes ?? 0) / 2 ** 20,
    redoLogMib: await readRedoLogMib(pool),
  }
}

/** MariaDB has one file of this size, MySQL says what all its files may have together. */
async function readRedoLogMib(pool: Pick<Pool, 'query'>): Promise<number> {
  const [rows] = await pool.query(
    "SHOW VARIABLES WHERE Variable_name IN ('innodb_log_file_size', 'innodb_redo_log_capacity')",
  )
  const sizes = new Map(
    (rows as unknown as { Variable_name: string; Value: string }[]).map((row) => [
      row.Variable_name,
      row.Value,
    ]),
  )
  return Number(sizes.get('innodb_redo_log_capacity') ?? sizes.get('innodb_log_file_size') ?? 0) / 2 ** 20
}

/** One line for people. */
export function machineLine(machine: Machine): string {
  const { date, cores, processor, memoryGib, node, engineVersion, bufferPoolMib, redoLogMib } = machine
  return `${date.slice(0, 16)}Z, ${cores} cores (${processor}), ${memoryGib} GiB, Node ${node}, ${engineVersion}, buffer pool ${bufferPoolMib} MiB, redo log ${redoLogMib} MiB`
}

/** One line for people, where no database has a part in the figures. */
export function processorLine(): string {
  const processors = cpus()
  const memoryGib = Math.round(totalmem() / 2 ** 30)
  const date = new Date().toISOString().slice(0, 16)
  return `${date}Z, ${processors.length} cores (${processors[0]?.model ?? 'unknown'}), ${memoryGib} GiB, Node ${process.version}`
}
