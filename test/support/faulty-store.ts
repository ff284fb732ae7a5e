import { type Database, openDatabase } from '../../db/pools.ts'
import { GroupCommit, type GroupCommitOptions } from '../../src/webhooks/group-commit.ts'
import type { TestDatabase } from './database.ts'
import { capture } from './events.ts'
import { TcpProxy } from './tcp-proxy.ts'

/** A store that reaches its database through a proxy, over one connection that is open already. */
export interface FaultyStore {
  readonly proxy: TcpProxy
  readonly pools: Database
  readonly store: GroupCommit
  /** Another store over the same pool. */
  another(options: Pick<GroupCommitOptions, 'deadlineMs'>): GroupCommit
  close(): Promise<void>
}

/** Empties the events but for one, `evt_before`, and opens a store. */
export async function openFaultyStore(database: TestDatabase): Promise<FaultyStore> {
  await database.pool.query('DELETE FROM webhook_events')
  const proxy = await TcpProxy.open(database.address)
  const pools = openDatabase({ ...database.address, host: '127.0.0.1', port: proxy.port }, 1)
  const another = (options: Pick<GroupCommitOptions, 'deadlineMs'>): GroupCommit =>
    new GroupCommit({ ...options, pool: pools.ingest, onStored: () => undefined })
  const store = another({})
  await store.store(capture({ eventId: 'evt_before' }))
  return {
    proxy,
    pools,
    store,
    another,
    close: async () => {
      await proxy.close()
      await pools.close()
    },
  }
}
