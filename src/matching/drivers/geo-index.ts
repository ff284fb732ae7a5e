import { randomBytes } from 'node:crypto'
import type { Redis } from '../../../db/redis.ts'
import { type GeoCommands, geoCommands } from './geo-scripts.ts'
import type { NearbyDriver, NearbyQuery, Position } from './nearby.ts'
import type { PoolTempo } from './pool-tempo.ts'

/** Where a driver works. */
export interface Workplace {
  readonly zoneId: string
  readonly category: string
}

/** A driver as he is written to the index. */
export interface IndexEntry {
  readonly driverId: string
  readonly position: Position
  /** Milliseconds. */
  readonly heardAgo: number
}

export interface GeoIndexOptions {
  /** For what is written: a client that repeats nothing. What is written through it is carried out in its order. */
  readonly writes: Redis
  /** For searches, which must not wait behind what is written. */
  readonly reads: Redis
  /** Keeps installations that share a Redis apart. */
  readonly installation: string
  readonly tempo: Pick<PoolTempo, 'bucketMs' | 'staleMs'>
}

/** One command carries so many drivers: Lua takes some thousands of arguments at once, and Redis is not kept for longer than a millisecond. */
const COMMAND_DRIVERS = 500
/** Parts of a degree: a decimetre. */
const EXACTNESS = 1e6
/** What Redis' geohash can hold; whoever is nearer to a pole is taken to be there. */
const MAX_LATITUDE = 85.05

/** Which drivers are where, in Redis: whatever stands there is gone after some seconds unless it is written again. */
export class GeoIndex {
  readonly #options: GeoIndexOptions
  readonly #writes: GeoCommands
  readonly #reads: GeoCommands
  /** Whom this process wrote. */
  readonly #owner = randomBytes(6).toString('base64url')

  constructor(options: GeoIndexOptions) {
    this.#options = options
    this.#writes = geoCommands(options.writes)
    this.#reads = geoCommands(options.reads)
  }

  /** Writes where these drivers of one workplace are. Rejects when Redis did not take all of them; then nothing is known of any. */
  async add(workplace: Workplace, entries: readonly IndexEntry[]): Promise<void> {
    await this.#inParts(entries, (some) =>
      this.#writes.add(this.#keyOf(workplace), this.#options.tempo.bucketMs, this.#owner, packed(some)),
    )
  }

  /** These drivers are not found any more, unless another process has written them since. Rejects when Redis does not take it. */
  async remove(workplace: Workplace, driverIds: readonly string[]): Promise<void> {
    await this.#inParts(driverIds, (some) =>
      this.#writes.remove(this.#keyOf(workplace), this.#options.tempo.bucketMs, this.#owner, ...some),
    )
  }

  /** As NearbyDrivers.search(), and rejects when Redis does not answer. One question for each zone, all at once. */
  async search(query: NearbyQuery): Promise<readonly NearbyDriver[]> {
    const zones = [...new Set(query.zoneIds)]
    return nearestOf((await Promise.all(zones.map((zoneId) => this.#ask(zoneId, query)))).flat(), query.limit)
  }

  async #ask(
    zoneId: string,
    { category, center, radiiMeters, limit }: NearbyQuery,
  ): Promise<readonly NearbyDriver[]> {
    const { bucketMs, staleMs } = this.#options.tempo
    const answer = await this.#reads.search(
      this.#keyOf({ zoneId, category }),
      bucketMs,
      center.longitude,
      within(center.latitude, MAX_LATITUDE),
      limit,
      staleMs,
      ...radiiMeters,
    )
    return driversIn(answer, zoneId)
  }

  async #inParts<T>(all: readonly T[], send: (some: readonly T[]) => Promise<unknown>): Promise<void> {
    const sent: Promise<unknown>[] = []
    for (let from = 0; from < all.length; from += COMMAND_DRIVERS)
      sent.push(send(all.slice(from, from + COMMAND_DRIVERS)))
    await Promise.all(sent)
  }

  /** Names that hold a brace or a colon change nothing about where a name ends. */
  #keyOf({ zoneId, category }: Workplace): string {
    const tag = [this.#options.installation, zoneId, category].map(encodeURIComponent).join(':')
    return `onceline:{${tag}}:near`
  }
}

/** Longitude, latitude, id and age of each in one argument: an argument for each of these costs the sender twice as much. */
function packed(entries: readonly IndexEntry[]): string {
  const values: (number | string)[] = []
  for (const { driverId, position, heardAgo } of entries)
    values.push(
      Math.round(position.longitude * EXACTNESS) / EXACTNESS,
      Math.round(within(position.latitude, MAX_LATITUDE) * EXACTNESS) / EXACTNESS,
      driverId,
      Math.round(heardAgo),
    )
  return JSON.stringify(values)
}

/** The nearest ones, each once and where he was heard of last. */
export function nearestOf(drivers: readonly NearbyDriver[], limit: number): readonly NearbyDriver[] {
  const newest = new Map<string, NearbyDriver>()
  for (const driver of drivers) {
    const other = newest.get(driver.driverId)
    if (other === undefined || driver.ageMs < other.ageMs) newest.set(driver.driverId, driver)
  }
  return [...newest.values()]
    .sort((a, b) => a.straightMeters - b.straightMeters || (a.driverId < b.driverId ? -1 : 1))
    .slice(0, limit)
}

function driversIn(answer: readonly string[], zoneId: string): NearbyDriver[] {
  const drivers: NearbyDriver[] = []
  for (let at = 0; at < answer.length; at += FIELDS) {
    const [driverId = '', meters, ageMs, longitude, latitude] = answer.slice(at, at + FIELDS)
    drivers.push({
      driverId,
      zoneId,
      position: { latitude: Number(latitude), longitude: Number(longitude) },
      straightMeters: Number(meters),
      ageMs: Number(ageMs),
    })
  }
  return drivers
}

const FIELDS = 5

function within(value: number, most: number): number {
  return Math.max(-most, Math.min(most, value))
}
