import type { Pool } from '../../../db/pools.ts'
import { inTransaction, READ_TIMEOUT_MS, withConnection } from '../../../db/transaction.ts'
import { type Clock, systemClock } from '../../base/clock.ts'
import { idToText, newId } from '../../base/ids.ts'
import type { Log } from '../../base/log.ts'
import { Loop } from '../../base/loop.ts'
import { createSampler } from '../../base/sampler.ts'
import { staleDriversFreedIn } from '../drivers/availability.ts'
import { driversWithTrips, someOnTrip } from '../drivers/stale-drivers.ts'
import type { Told } from '../trips/announce.ts'
import type { Performer } from '../trips/perform.ts'
import type { Correction, UpkeepMetrics } from './metrics.ts'
import { Sightings } from './sightings.ts'
import { observeIn, type SilentMove, somethingMoved, type TripCursor } from './silent-moves.ts'
import { dropUpkeepLease, takeUpkeepLease } from './upkeep-lease.ts'

export interface ReconcilerOptions extends Pick<Performer, 'rules' | 'publish' | 'wake' | 'answered'> {
  readonly pool: Pool
  readonly metrics: UpkeepMetrics
  readonly log: Log
  readonly clock?: Clock
  /** For how long a thing has to stand wrong. */
  readonly graceMs?: number
  /** On average between two passes. */
  readonly intervalMs?: number
  /** Drivers, or trips, a turn. */
  readonly page?: number
  readonly leaseMs?: number
}

/** Laravel tells of what it did within seconds, if it does, and knows better who did it and why. */
const GRACE_MS = 30_000
const INTERVAL_MS = 20_000
/** Some milliseconds of the database's time. */
const PAGE = 500
/** Three intervals: who holds it keeps it, and with it what it has in mind. */
const LEASE_MS = 60_000
const LEASE = 'reconciler'
/** So many drivers and trips are kept in mind; a Laravel that is that wrong is put right in several passes. */
const SIGHTINGS = 20_000
const LOG_LINES = { perSecond: 0.2, burst: 5 }
const NAMED = 10

/**
 * Finds what Laravel changed in the tables that both share and told nobody: drivers who are on_trip without a trip, and trips that stand
 * elsewhere than their history. One process at a time looks, a page after the other; whatever has stood so for the grace is judged
 * anew under its lock, and put right as if Laravel had told of it.
 */
export class Reconciler {
  readonly #options: ReconcilerOptions
  readonly #holder = idToText(newId())
  readonly #sightings: Sightings
  readonly #loop: Loop
  readonly #lines = createSampler(LOG_LINES)
  readonly #page: number
  /** Null: the pass is through with them. */
  #drivers: string | null = ''
  #trips: TripCursor | 'first' | null = 'first'

  constructor(options: ReconcilerOptions) {
    const { clock = systemClock, graceMs = GRACE_MS, intervalMs = INTERVAL_MS, page = PAGE } = options
    this.#options = options
    this.#page = page
    this.#sightings = new Sightings({ graceMs, limit: SIGHTINGS, clock })
    this.#loop = new Loop({
      turn: () => this.runOnce(),
      intervalMs,
      onError: (err) => this.#failed('a turn', err),
    })
  }

  start(): void {
    this.#loop.start()
  }

  /** Ends after the turn in hand, for which it waits at most `timeoutMs`; another process may look then. Never throws. */
  async stop(timeoutMs: number): Promise<void> {
    await this.#loop.stop(timeoutMs)
    const { pool } = this.#options
    await withConnection(pool, 'drop upkeep lease', timeoutMs, (connection) =>
      dropUpkeepLease(connection, LEASE, this.#holder),
    ).catch(() => undefined)
  }

  /** One page of drivers and one of trips, if no other process looks; true where the pass has more. */
  async runOnce(): Promise<boolean> {
    const { pool, metrics, leaseMs = LEASE_MS } = this.#options
    const isHeld = await withConnection(pool, 'upkeep lease', READ_TIMEOUT_MS, (connection) =>
      takeUpkeepLease(connection, LEASE, this.#holder, leaseMs),
    )
    if (!isHeld) {
      this.#begin()
      this.#sightings.forget()
      return false
    }
    if (this.#drivers !== null) this.#drivers = await this.#lookAtDrivers(this.#drivers)
    if (this.#trips !== null) this.#trips = await this.#lookAtTrips(this.#trips)
    if (this.#drivers !== null || this.#trips !== null) return true
    this.#sightings.endPass()
    this.#begin()
    metrics.passed()
    return false
  }

  #begin(): void {
    this.#drivers = ''
    this.#trips = 'first'
  }

  async #lookAtDrivers(after: string): Promise<string | null> {
    const { pool } = this.#options
    const { ids, idle } = await withConnection(
      pool,
      'drivers on trip',
      READ_TIMEOUT_MS,
      async (connection) => {
        const ids = await someOnTrip(connection, after, this.#page)
        const busy = ids.length === 0 ? new Set() : await driversWithTrips(connection, ids)
        return { ids, idle: ids.filter((id) => !busy.has(id)) }
      },
    )
    const stale = idle.filter((id) => this.#sightings.stands(`driver ${id}`, ''))
    if (stale.length > 0) {
      const freed = await inTransaction(pool, 'free stale drivers', (connection) =>
        staleDriversFreedIn(connection, stale),
      )
      this.#corrected('driver_freed', freed, stale)
    }
    return ids.length < this.#page ? null : (ids.at(-1) ?? null)
  }

  async #lookAtTrips(from: TripCursor | 'first'): Promise<TripCursor | null> {
    const after = from === 'first' ? null : from
    const { moves, next } = await withConnection(
      this.#options.pool,
      'silent moves',
      READ_TIMEOUT_MS,
      (connection) => somethingMoved(connection, after, this.#page),
    )
    const stale = moves.filter(({ tripId, status, driverId }) =>
      this.#sightings.stands(`trip ${tripId}`, `${status} ${driverId}`),
    )
    for (const move of stale)
      await this.#observe(move).catch((err: unknown) => this.#failed(`trip ${move.tripId}`, err))
    return next
  }

  async #observe(move: SilentMove): Promise<void> {
    const { pool, rules } = this.#options
    const observed = await inTransaction(pool, 'observe silent move', (connection) =>
      observeIn(connection, move, rules),
    )
    if (observed === null) return
    this.#corrected(observed.putRight, 1, [move.tripId])
    await this.#tell(observed.told)
  }

  async #tell({ pushes, wakes = [], answers = [] }: Told): Promise<void> {
    const { publish, wake, answered } = this.#options
    if (wakes.length > 0) wake(wakes)
    if (answers.length > 0) answered(answers)
    if (pushes.length > 0) await publish(pushes)
  }

  #corrected(what: Correction, count: number, ids: readonly string[]): void {
    if (count === 0) return
    this.#options.metrics.corrected(what, count)
    const permission = this.#lines.allow()
    if (permission)
      this.#options.log.info(
        { what, count, ids: ids.slice(0, NAMED), ...permission },
        'Laravel changed something without telling; it is put right',
      )
  }

  #failed(what: string, err: unknown): void {
    this.#options.metrics.failed()
    const permission = this.#lines.allow()
    if (permission)
      this.#options.log.warn({ err, what, ...permission }, 'reconciling failed; the next pass tries again')
  }
}
