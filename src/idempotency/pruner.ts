import type { Pool } from '../../db/pools.ts'
import { inTransaction } from '../../db/transaction.ts'
import { Pruner, type PrunerPace } from '../base/pruner.ts'
import { forgetKeys, pruneAnswers } from './store.ts'

/**
 * Takes away what was kept long enough: answers after 72 hours, keys after 400 days more. Work that is not finished is never touched.
 */
export function keyPruner({
  pool,
  ...pace
}: PrunerPace & { readonly pool: Pool }): Pruner<'answers' | 'keys'> {
  const prunes = {
    answers: (limit: number) =>
      inTransaction(pool, 'prune answers', (connection) => pruneAnswers(connection, limit)),
    keys: (limit: number) =>
      inTransaction(pool, 'forget keys', (connection) => forgetKeys(connection, limit)),
  }
  return new Pruner({ what: 'idempotency keys', prunes, ...pace })
}
