import type { TestDatabase } from './database.ts'
import type { DispatchNode } from './dispatch.ts'

/** Trips, their searches, offers and bids, windows and decisions, and who drives. */
const TABLES = [
  ...['trip_dispatches', 'trip_offers', 'trip_bids', 'driver_details', 'driver_sessions', 'trip_requests'],
  ...['dispatch_windows', 'dispatch_decisions'],
]

/** Ends the processes of a test that looked for drivers, and leaves its database as the next one wants it. */
export async function endDispatch(database: TestDatabase, nodes: readonly DispatchNode[]): Promise<void> {
  await Promise.all(nodes.map(({ dispatcher }) => dispatcher.stop(1_000)))
  await Promise.all(nodes.map(({ pool }) => pool.end()))
  for (const table of TABLES) await database.pool.query('DELETE FROM ??', [table])
}
