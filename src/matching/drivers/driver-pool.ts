import type { Pool } from '../../../db/pools.ts'
import type { Redis } from '../../../db/redis.ts'
import { type Clock, systemClock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import { Loop } from '../../base/loop.ts'
import { createSampler } from '../../base/sampler.ts'
import { within } from '../../base/within.ts'
import { DriverReader } from './driver-reader.ts'
import { DriverRoster } from './driver-roster.ts'
import { DriverSearch } from './driver-search.ts'
import { GeoIndex, type Workplace } from './geo-index.ts'
import { dueForIndex, hasNewcomer, writeBatch } from './index-batches.ts'
import type { Pulse } from './live-driver.ts'
import type { NearbyDriver, NearbyDrivers, NearbyQuery, Position } from './nearby.ts'
import type { PoolMetrics, PoolTurn } from './pool-metrics.ts'
import { POOL_TEMPO, type PoolTempo } from './pool-tempo.ts'
import { PositionWriter } from './position-writer.ts'
import { type Tracked, trackedOf } from './ride-tracker.ts'

export interface DriverPoolOptions {
  /** For what is written: nothing is repeated, and its order is kept. */
  readonly writes: Redis
  /** For searches; never waits long. */
  readonly reads: Redis
  /** Three connections are used at once at most. */
  readonly pool: Pool
  /** Keeps installations that share a Redis apart. */
  readonly installation: string
  readonly metrics: PoolMetrics
  /** A driver of a ride is there. Must not throw. */
  readonly onRide?: (tracked: Tracked) => void
  /** Somebody has become free there: he came online, or his ride ended. Must not throw. */
  readonly onFree?: (workplace: Workplace) => void
  readonly log: Log
  readonly clock?: Clock
  readonly tempo?: Partial<PoolTempo>
  /** Drivers that this process keeps in mind; by default more than it can have sockets. */
  readonly maxDrivers?: number
}

const MAX_DRIVERS = 50_000
/** What comes within so long is asked, or written, together. */
const SOON_MS = 20
const LOG_LINES = { perSecond: 1 / 30, burst: 3 }

/**
 * The drivers whose sockets are on this process, and the way to those of all processes. This process writes those who wait for a ride
 * into the index, again and again, so that whoever falls silent vanishes by himself, and a Redis that forgot everything has it again
 * after some seconds. What a driver is, the database says: it is asked when his socket opens, after each of his commands, and every
 * few seconds.
 */
export class DriverPool implements NearbyDrivers {
  readonly #options: DriverPoolOptions
  readonly #clock: Clock
  readonly #tempo: PoolTempo
  readonly #index: GeoIndex
  readonly #search: DriverSearch
  readonly #writer: PositionWriter
  readonly #reader: DriverReader
  readonly #roster: DriverRoster
  readonly #loops: readonly Loop[]
  readonly #lines = createSampler(LOG_LINES)
  #soon: NodeJS.Timeout | undefined

  constructor(options: DriverPoolOptions) {
    const { writes, reads, pool, installation, metrics, clock = systemClock } = options
    this.#options = options
    this.#clock = clock
    this.#tempo = { ...POOL_TEMPO, ...options.tempo }
    const tempo = this.#tempo
    this.#index = new GeoIndex({ writes, reads, installation, tempo })
    this.#search = new DriverSearch({ index: this.#index, pool, tempo, metrics, clock })
    this.#writer = new PositionWriter({ pool, tempo })
    this.#roster = new DriverRoster({
      clock,
      maxDrivers: options.maxDrivers ?? MAX_DRIVERS,
      staleMs: tempo.staleMs,
      onFull: () => this.#full(),
      onRide: (driver, ride) => options.onRide?.(trackedOf(driver, ride, clock)),
      onLeft: (driver) => this.#writer.left(driver, clock.monotonicMs()),
    })
    this.#reader = new DriverReader({ pool, roster: this.#roster, tempo, clock })
    this.#loops = [
      this.#loop('index', tempo.flushMs, () => this.flush()),
      this.#loop('store', tempo.turnMs, () => this.store()),
      this.#loop('read', tempo.turnMs, () => this.read()),
    ]
  }

  start(): void {
    for (const loop of this.#loops) loop.start()
  }

  /** Takes whoever is still here out of the index, and stores the last positions, within `timeoutMs`. Never throws. */
  async stop(timeoutMs: number): Promise<void> {
    const endMs = performance.now() + timeoutMs
    await Promise.all(this.#loops.map((loop) => loop.stop(timeoutMs)))
    for (const driver of [...this.#roster.all]) this.#roster.forget(driver)
    clearTimeout(this.#soon)
    await within(endMs - performance.now(), Promise.allSettled([this.flush(), this.store()]))
  }

  /** As NearbyDrivers.search(). */
  search(query: NearbyQuery): Promise<readonly NearbyDriver[]> {
    return this.#search.search(query)
  }

  /** A driver's socket opened here, his newest. Who works, and on which ride he is, is read at once. */
  connected(driverId: string, fence: number, pulse: Pulse): void {
    this.#roster.connected(driverId, fence, pulse)
    this.#actSoon()
  }

  /** The socket with this fence is gone; if it was his newest here, the driver is found by this process no more. */
  left(driverId: string, fence: number): void {
    if (this.#roster.left(driverId, fence)) this.#actSoon()
  }

  /** The driver works here from now on, as far as is known without asking the database. */
  online(driverId: string, place: Workplace & { readonly position: Position }): void {
    this.#roster.online(driverId, place)
    this.#actSoon()
  }

  /** These drivers are not found any more, at once; what they are, the database will say. Who is not here is passed by. */
  gone(driverIds: readonly string[]): void {
    for (const driverId of driverIds) this.#roster.gone(driverId)
    this.#actSoon()
  }

  /** Something about these drivers was committed: the database is asked soon. */
  look(driverIds: readonly string[]): void {
    for (const driverId of driverIds) this.#roster.look(driverId)
    this.#actSoon()
  }

  /** He said something; the signs of life of his own socket need not be told. */
  heard(driverId: string, atMs = this.#clock.monotonicMs()): void {
    this.#roster.heard(driverId, atMs)
  }

  /** Where he is, in metres a second and degrees from north how he moves. Whoever follows his ride is told. */
  located(
    driverId: string,
    position: Position,
    speed: number | null = null,
    heading: number | null = null,
  ): void {
    this.#roster.located(driverId, position, speed, heading)
  }

  /** One write of the index. Rejects when Redis did not take all of it: the next one tries again. */
  async flush(): Promise<void> {
    const startMs = this.#clock.monotonicMs()
    const leaving = this.#roster.takeLeaving()
    const batches = dueForIndex(this.#roster.all, startMs, this.#tempo)
    if (leaving.length + batches.length === 0) return
    const entered = batches.filter(hasNewcomer)
    // What failed is not told again: it is too old to be found before anybody could say so.
    const results = await Promise.allSettled([
      ...leaving.map(([workplace, ids]) => this.#index.remove(workplace, ids)),
      ...batches.map((batch) => writeBatch(this.#index, batch, startMs)),
    ])
    const failed = results.find((result) => result.status === 'rejected')
    if (failed) throw failed.reason
    for (const { workplace } of entered) this.#options.onFree?.(workplace)
    this.#turned(
      'index',
      batches.reduce((sum, { drivers }) => sum + drivers.length, 0),
      startMs,
    )
  }

  /** Stores whoever is due. Rejects when the database does not take it: the next turn tries again. */
  async store(): Promise<void> {
    const startMs = this.#clock.monotonicMs()
    this.#options.metrics.drivers(this.#roster.counts())
    const count = await this.#writer.store(this.#roster.all, startMs)
    if (count > 0) this.#turned('store', count, startMs)
  }

  /** Asks the database for whoever has to be asked for; true when there are more. */
  async read(): Promise<boolean> {
    const startMs = this.#clock.monotonicMs()
    const { drivers, hasMore } = await this.#reader.read()
    if (drivers === 0) return false
    this.#turned('read', drivers, startMs)
    this.#actSoon()
    return hasMore
  }

  /** Asks and writes what came up, once for all that comes in the same moment. */
  #actSoon(): void {
    if (this.#soon !== undefined) return
    this.#soon = setTimeout(() => {
      this.#soon = undefined
      // What fails here is tried, and told of, by the next turns.
      if (this.#roster.unread.size > 0) this.read().catch(() => undefined)
      this.flush().catch(() => undefined)
    }, SOON_MS)
    this.#soon.unref()
  }

  #turned(turn: PoolTurn, drivers: number, startMs: number): void {
    this.#options.metrics.turned(turn, drivers, (this.#clock.monotonicMs() - startMs) / 1_000)
  }

  #full(): void {
    this.#options.metrics.full()
    const permission = this.#lines.allow()
    if (permission)
      this.#options.log.warn({ ...permission }, 'this process has too many drivers; some are not found')
  }

  #loop(turn: PoolTurn, intervalMs: number, work: () => Promise<unknown>): Loop {
    return new Loop({
      turn: async () => (await work()) === true,
      intervalMs,
      onError: (err) => {
        this.#options.metrics.turnFailed(turn)
        const permission = this.#lines.allow()
        if (permission)
          this.#options.log.warn(
            { err, turn, ...permission },
            'drivers: a turn failed; the next one tries again',
          )
      },
    })
  }
}
