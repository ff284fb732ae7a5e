import type { Pool } from '../../db/pools.ts'
import { inTransaction } from '../../db/transaction.ts'
import { Pruner, type PrunerPace } from '../base/pruner.ts'
import { pruneMessages } from './store.ts'

/** Takes away messages that are older than FEED_DAYS (store.ts); every user among them is locked for a moment. */
export function feedPruner({ pool, ...pace }: PrunerPace & { readonly pool: Pool }): Pruner<'messages'> {
  const messages = (limit: number) =>
    inTransaction(pool, 'prune feed', (connection) => pruneMessages(connection, limit))
  return new Pruner({ what: 'the feed', prunes: { messages }, ...pace })
}
