import type { Pool } from '../../db/pools.ts'
import type { Clock } from '../base/clock.ts'
import type { Id } from '../base/ids.ts'
import type { Log } from '../base/log.ts'
import { confirmableAccounts, listedAccounts } from '../webhooks/asking/asked-accounts.ts'
import { Confirmations } from '../webhooks/asking/confirmations.ts'
import { MissedEvents } from '../webhooks/asking/missed-events.ts'
import { adapters } from '../webhooks/gateways/registry.ts'
import type { GroupCommit } from '../webhooks/group-commit.ts'
import type { AccountBook } from '../webhooks/ingest.ts'
import type { WebhookMetrics } from '../webhooks/metrics.ts'

/** A loop that the service starts and stops. */
export type Asker = Pick<Confirmations, 'start' | 'stop'>

interface Pieces {
  readonly pool: Pool
  readonly log: Log
  readonly accounts: AccountBook
  readonly clock: Clock
  readonly commit: GroupCommit
  readonly ring: (ids: readonly Id[]) => void
  /** How long an event is one process's; Confirmations' own by default. */
  readonly tempo: { readonly leaseSeconds?: number }
}

/** Who asks the gateways: whether doubtful events are true, and which never came. */
export function openAsking(
  { pool, log, accounts, clock, commit, ring, tempo }: Pieces,
  metrics: WebhookMetrics,
): readonly Asker[] {
  const confirmable = confirmableAccounts(adapters, accounts, clock)
  const listed = listedAccounts(adapters, accounts, clock)
  return [
    new Confirmations({ pool, log, commit, accounts: confirmable, ring, onAsked: metrics.asked, ...tempo }),
    new MissedEvents({ pool, log, commit, accounts: listed, onCompared: metrics.compared }),
  ]
}
