import { openRedis, type Redis, type RedisAddress } from '../../db/redis.ts'
import { GeoIndex, type Workplace } from '../../src/matching/drivers/geo-index.ts'
import type { NearbyDriver, NearbyQuery, Position } from '../../src/matching/drivers/nearby.ts'
import type { WorldMap } from './matching-world.ts'

const WORK: Workplace = { zoneId: 'zone-1', category: 'car' }
/** Longer than any story is told: that nobody is heard of for long is another test's. */
const LONG_MS = 3_600_000

/** Where drivers are, in the index of the driver pool, which stands in a real Redis. */
export class RedisMap implements WorldMap {
  readonly #clients: readonly Redis[]
  readonly #index: GeoIndex
  /** How many drivers all searches found together. */
  found = 0

  /** No other story has `name`. */
  constructor(redis: RedisAddress, name: string) {
    const [writes, reads] = [
      openRedis(redis, 'publish', () => undefined),
      openRedis(redis, 'limits', () => undefined),
    ]
    this.#clients = [writes, reads]
    const tempo = { bucketMs: LONG_MS, staleMs: LONG_MS }
    this.#index = new GeoIndex({ writes, reads, installation: name, tempo })
  }

  put(driverId: string, position: Position): Promise<void> {
    return this.#index.add(WORK, [{ driverId, position, heardAgo: 0 }])
  }

  remove(driverId: string): Promise<void> {
    return this.#index.remove(WORK, [driverId])
  }

  async search(query: NearbyQuery): Promise<readonly NearbyDriver[]> {
    const found = await this.#index.search(query)
    this.found += found.length
    return found
  }

  close(): void {
    for (const client of this.#clients) client.disconnect()
  }
}
