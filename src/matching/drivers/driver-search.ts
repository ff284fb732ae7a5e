import type { Pool } from '../../../db/pools.ts'
import { withConnection } from '../../../db/transaction.ts'
import type { Clock } from '../../base/clock.ts'
import type { GeoIndex } from './geo-index.ts'
import type { NearbyDriver, NearbyDrivers, NearbyQuery } from './nearby.ts'
import type { PoolMetrics, SearchSource } from './pool-metrics.ts'
import type { PoolTempo } from './pool-tempo.ts'
import { readNearby } from './position-store.ts'

export interface DriverSearchOptions {
  readonly index: GeoIndex
  readonly pool: Pool
  readonly tempo: Pick<PoolTempo, 'staleMs' | 'storeMs'>
  readonly metrics: Pick<PoolMetrics, 'searched'>
  readonly clock: Clock
}

/** A Redis that did not answer is left alone for so long, and then asked by one search. */
const PAUSE_MS = 1_000
const READ_TIMEOUT_MS = 2_000
/** A driver's row is written a turn or two later than it could be. */
const LATE_MS = 3_000
/** What one search may look for; whoever asks for more is answered with as many. */
const MAX_FOUND = 200

/** Finds drivers in the index, and where Redis does not answer in the database. */
export class DriverSearch implements NearbyDrivers {
  readonly #options: DriverSearchOptions
  #pausedUntilMs = Number.NEGATIVE_INFINITY

  constructor(options: DriverSearchOptions) {
    this.#options = options
  }

  async search(asked: NearbyQuery): Promise<readonly NearbyDriver[]> {
    const query = { ...asked, limit: Math.min(asked.limit, MAX_FOUND) }
    if (query.limit < 1 || query.zoneIds.length === 0 || query.radiiMeters.length === 0) return []
    const startMs = this.#options.clock.monotonicMs()
    const found = await this.#askIndex(query, startMs)
    if (found !== null) return this.#said('redis', found, startMs)
    return this.#said('mysql', await this.#askDatabase(query), startMs)
  }

  /** Null: Redis does not answer, or is not to be asked now. */
  async #askIndex(query: NearbyQuery, nowMs: number): Promise<readonly NearbyDriver[] | null> {
    if (nowMs < this.#pausedUntilMs) return null
    try {
      return await this.#options.index.search(query)
    } catch {
      // The client tells of its errors itself.
      this.#pausedUntilMs = this.#options.clock.monotonicMs() + PAUSE_MS
      return null
    }
  }

  #askDatabase(query: NearbyQuery): Promise<readonly NearbyDriver[]> {
    const { pool, tempo } = this.#options
    const freshMs = tempo.staleMs + tempo.storeMs + LATE_MS
    return withConnection(pool, 'drivers near', READ_TIMEOUT_MS, async (connection) => {
      let found: readonly NearbyDriver[] = []
      for (const radius of query.radiiMeters) {
        found = await readNearby(connection, query, radius, freshMs)
        if (found.length >= query.limit) break
      }
      return found
    })
  }

  #said(source: SearchSource, found: readonly NearbyDriver[], startMs: number): readonly NearbyDriver[] {
    const { metrics, clock } = this.#options
    metrics.searched(source, found.length, (clock.monotonicMs() - startMs) / 1_000)
    return found
  }
}
