import type { Pool } from '../../db/pools.ts'
import { inTransaction } from '../../db/transaction.ts'
import { appendAudit, type Deed } from './audit.ts'
import { deletePause, insertPause } from './pauses.ts'

/** One account of one gateway. */
export interface AccountName {
  readonly gateway: string
  readonly account: string
}

/**
 * From now on this account's events are stored and acknowledged, and wait. Every process knows it within a second; what a
 * worker has in hand is finished. Paused again, the new reason stands.
 */
export async function pauseGateway(pool: Pool, { gateway, account }: AccountName, deed: Deed): Promise<void> {
  await inTransaction(pool, 'pause gateway', async (connection) => {
    await insertPause(connection, { gateway, account, ...deed })
    await appendAudit(connection, [
      { ...deed, action: 'gateway.pause', subject: `${gateway}/${account}`, details: null },
    ])
  })
}

/** Ends a pause; false when there was none. The sweeper puts what waited back to work, within some ten seconds. */
export async function resumeGateway(
  pool: Pool,
  { gateway, account }: AccountName,
  deed: Deed,
): Promise<boolean> {
  return inTransaction(pool, 'resume gateway', async (connection) => {
    const wasPaused = await deletePause(connection, gateway, account)
    if (!wasPaused) return false
    await appendAudit(connection, [
      { ...deed, action: 'gateway.resume', subject: `${gateway}/${account}`, details: null },
    ])
    return true
  })
}
