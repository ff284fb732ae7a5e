import { Registry } from 'prom-client'
import { openPool, type Pool } from '../../db/pools.ts'
import type { RowDataPacket } from '../../db/rows.ts'
import { createLogger } from '../../src/base/log.ts'
import type { Told } from '../../src/matching/trips/announce.ts'
import { Presence } from '../../src/realtime/presence/presence.ts'
import { createPresenceMetrics } from '../../src/realtime/presence/presence-metrics.ts'
import type { PresenceTempo } from '../../src/realtime/presence/presence-tempo.ts'
import type { TestDatabase } from './database.ts'

/** So long that nothing is over unless the test lets time pass; see letPass(). */
export const SLOW: PresenceTempo = {
  leaseMs: 1_000_000,
  renewMs: 1_000_000,
  steadyGapMs: 700_000,
  graceMs: 6_000_000,
  sweepMs: 1_000_000,
  checkMs: 1_000_000,
}

/** One process's presence whose turns the test takes, unless it starts it. */
export interface TestNode {
  readonly presence: Presence
  readonly pool: Pool
  /** `driver-1 below 3 replaced`, in order. */
  readonly evicted: string[]
  readonly lines: string[]
  /** What it told after commits. */
  readonly told: Told[]
  /** Every metric that is not 0, as in `moves_total{to="offline",by="grace"}`. */
  metrics(): Promise<Record<string, number>>
}

export function openNode(
  address: TestDatabase['address'],
  tempo: Partial<PresenceTempo> = SLOW,
  connectionLimit = 4,
): TestNode {
  const registry = new Registry()
  const evicted: string[] = []
  const lines: string[] = []
  const told: Told[] = []
  const pool = openPool(address, { connectionLimit, lockWaitSeconds: 5 })
  const presence = new Presence({
    pool,
    log: createLogger({ level: 'info', destination: { write: (line) => void lines.push(line) } }),
    metrics: createPresenceMetrics(registry),
    evict: (userId, below, reason) => void evicted.push(`${userId} below ${below} ${reason}`),
    tell: async (one) => void told.push(one),
    tempo,
  })
  return { presence, pool, evicted, lines, told, metrics: () => readMetrics(registry) }
}

async function readMetrics(registry: Registry): Promise<Record<string, number>> {
  const found = (await registry.metrics()).matchAll(/^onceline_presence_(\S+) ([\d.]+)$/gm)
  return Object.fromEntries(
    [...found].map(([, name, value]) => [name, Number(value)]).filter(([, value]) => value !== 0),
  )
}

/** Lets time pass for every lease and grace, as the database's clock would. */
export async function letPass(pool: Pool, ms: number): Promise<void> {
  await pool.query(
    `UPDATE node_leases SET lease_until = lease_until - INTERVAL ? MICROSECOND,
       steady_since = steady_since - INTERVAL ? MICROSECOND`,
    [ms * 1_000, ms * 1_000],
  )
  await pool.query('UPDATE driver_sessions SET grace_until = grace_until - INTERVAL ? MICROSECOND', [
    ms * 1_000,
  ])
}

/** Lets time pass while these nodes renew, as the loop would; they stay steady and all others do not. */
export async function letPassRenewing(pool: Pool, ms: number, nodes: readonly TestNode[]): Promise<void> {
  const stepMs = SLOW.steadyGapMs / 2
  for (const { presence } of nodes) await presence.renew()
  for (let passed = 0; passed < ms; passed += stepMs) {
    await letPass(pool, Math.min(stepMs, ms - passed))
    for (const { presence } of nodes) await presence.renew()
  }
}

export interface SessionRow {
  readonly fence: number
  readonly node: string
  readonly state: string
  /** Until the grace is over, rounded to 100 seconds; null where there is none. */
  readonly graceSeconds: number | null
}

export async function sessionOf(pool: Pool, userId: string): Promise<SessionRow | null> {
  const [[row]] = await pool.query<RowDataPacket[]>(
    `SELECT fence, node_id, state, TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(3), grace_until) AS left_seconds
     FROM driver_sessions WHERE user_id = ?`,
    [userId],
  )
  if (!row) return null
  const left = row.left_seconds === null ? null : Math.round(Number(row.left_seconds) / 100) * 100
  return { fence: Number(row.fence), node: row.node_id, state: row.state, graceSeconds: left }
}

/** `1 available`, as Laravel's table has it; null where it has nothing. */
export async function dutyOf(pool: Pool, userId: string): Promise<string | null> {
  const [rows] = await pool.query<RowDataPacket[]>(
    'SELECT is_online, availability_status FROM driver_details WHERE user_id = ?',
    [userId],
  )
  if (rows.length > 1) throw new Error(`${userId} has ${rows.length} rows`)
  return rows[0] ? `${rows[0].is_online} ${rows[0].availability_status}` : null
}
