import type { Pool } from '../db/pools.ts'
import type { RowDataPacket } from '../db/rows.ts'
import type { OfferCounts } from './figures.ts'

/** How many offers each trip had, and what became of them. The database is the simulation's alone, so that all of it may be read. */
export async function countOffers(pool: Pool): Promise<OfferCounts> {
  const [trips] = await pool.query<RowDataPacket[]>(
    `SELECT t.id, COUNT(o.id) AS offers FROM trip_requests AS t LEFT JOIN trip_offers AS o ON o.trip_id = t.id GROUP BY t.id`,
  )
  const [states] = await pool.query<RowDataPacket[]>(
    'SELECT state, COUNT(*) AS offers FROM trip_offers GROUP BY state ORDER BY state',
  )
  return {
    perTrip: trips.map(({ offers }) => Number(offers)),
    byState: Object.fromEntries(states.map(({ state, offers }) => [state, Number(offers)])),
  }
}
