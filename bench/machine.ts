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
  }
}

/** One line for people. */
export function machineLine(machine: Machine): string {
  const { date, cores, processor, memoryGib, node, engineVersion, bufferPoolMib } = machine
  return `${date.slice(0, 16)}Z, ${cores} cores (${processor}), ${memoryGib} GiB, Node ${node}, ${engineVersion}, buffer pool ${bufferPoolMib} MiB`
}
