import type { Pool } from '../../../db/pools.ts'
import { inTransaction, withConnection } from '../../../db/transaction.ts'
import { NOBODY_TOLD, type Told } from '../../matching/trips/announce.ts'
import { endDuties } from './driver-duty.ts'
import { dropLease, isSteady, lockDeadLease, readLeases } from './lease-store.ts'
import type { PresenceMetrics } from './presence-metrics.ts'
import { closeSessions, endGraces, someConnected, someOverdue } from './presence-store.ts'
import type { PresenceTempo } from './presence-tempo.ts'

/*
 * What a process may end is what it watched for all its length without losing the database: another's lease after it was steady for a
 * lease, a driver's grace after it was steady for a grace. Steady means that it renewed its own lease without a gap that would have
 * kept others from renewing theirs. So after two minutes without a database, when every lease and every grace is over at once, nobody may
 * end anything yet: each process that lives has a lease's length to renew and to say which sockets it has, and each phone that found the
 * door closed has a whole grace to come back. The same holds after a start of all processes.
 */

export interface SweepOptions {
  readonly pool: Pool
  readonly nodeId: string
  readonly tempo: PresenceTempo
  readonly metrics: PresenceMetrics
  /** Tells what was committed. Must not reject. */
  readonly tell: (told: Told) => Promise<unknown>
}

/** Rows a transaction. */
const BATCH = 200
const LOOK_TIMEOUT_MS = 2_000

/** One look for dead leases and for graces that are over, one batch of each; true when there is more to do at once. */
export async function sweepPresence(options: SweepOptions): Promise<boolean> {
  const { pool, nodeId, tempo } = options
  const { dead, mayEndLeases, overdue } = await withConnection(
    pool,
    'look for what is over',
    LOOK_TIMEOUT_MS,
    async (connection) => {
      const leases = await readLeases(connection, tempo)
      const steadyMs = leases.find((lease) => lease.nodeId === nodeId)?.steadyMs ?? 0
      return {
        dead: leases.filter((lease) => !lease.isLive && lease.nodeId !== nodeId),
        mayEndLeases: steadyMs >= tempo.leaseMs,
        overdue: steadyMs >= tempo.graceMs ? await someOverdue(connection, BATCH) : [],
      }
    },
  )
  let hasMore = overdue.length === BATCH
  if (mayEndLeases)
    for (const { nodeId: deadNode } of dead) hasMore = (await endLease(options, deadNode)) || hasMore
  if (overdue.length > 0) await takeOffline(options, overdue)
  return hasMore
}

/**
 * Disconnects a batch of a dead node's drivers; the last one takes the lease away. The lease's row is locked meanwhile: a node that
 * comes back waits, and then says which of its sockets are still there.
 */
async function endLease({ pool, nodeId, tempo, metrics }: SweepOptions, deadNode: string): Promise<boolean> {
  const done = await inTransaction(pool, 'end lease', async (connection) => {
    if (!(await isSteady(connection, nodeId, tempo.leaseMs, tempo))) return null
    if (!(await lockDeadLease(connection, deadNode))) return null
    const sessions = await someConnected(connection, deadNode, BATCH)
    const count = await closeSessions(connection, sessions, tempo.graceMs)
    const isLast = sessions.length < BATCH
    if (isLast) await dropLease(connection, deadNode)
    return { count, isLast }
  })
  if (done === null) return false
  metrics.moved('disconnected', 'lease', done.count)
  if (done.isLast) metrics.leaseSwept()
  return !done.isLast
}

/** Sessions first, then what these drivers hold and Laravel's rows, as everybody locks them. */
async function takeOffline(
  { pool, nodeId, tempo, metrics, tell }: SweepOptions,
  userIds: readonly string[],
): Promise<void> {
  const { count, told } = await inTransaction(pool, 'end graces', async (connection) => {
    if (!(await isSteady(connection, nodeId, tempo.graceMs, tempo))) return { count: 0, told: NOBODY_TOLD }
    const gone = await endGraces(connection, userIds)
    return { count: gone.length, told: await endDuties(connection, gone) }
  })
  metrics.moved('offline', 'grace', count)
  await tell(told)
}
