import type { Pool } from '../../../db/pools.ts'
import { withConnection } from '../../../db/transaction.ts'
import { LAST_LOCATION_ROWS, storeLastLocations } from './last-location-store.ts'
import type { LiveDriver } from './live-driver.ts'
import type { PoolTempo } from './pool-tempo.ts'
import { POSITION_ROWS, type StoredPosition, storePositions } from './position-store.ts'

export interface PositionWriterOptions {
  readonly pool: Pool
  readonly tempo: Pick<PoolTempo, 'storeMs'>
}

/** One turn stores so many; a database that is slow gets positions more seldom. */
const TURN_DRIVERS = 4_000
/** Who left while the database was away is forgotten beyond this; his row is too old to be found soon. */
const MAX_LEFT = 20_000
const WRITE_TIMEOUT_MS = 5_000

/** Stores where drivers are, in batches, each driver every few seconds and only if he was heard of. */
export class PositionWriter {
  readonly #options: PositionWriterOptions
  /** The last word about those who wait no more, and when it was said. */
  readonly #left = new Map<string, { readonly position: StoredPosition; readonly atMs: number }>()

  constructor(options: PositionWriterOptions) {
    this.#options = options
  }

  /** The driver left the pool; while the database is searched he is not found there. */
  left(driver: LiveDriver, nowMs: number): void {
    const position = storedOf(driver, nowMs, false)
    if (position === null) return
    if (this.#left.size < MAX_LEFT) this.#left.set(driver.id, { position, atMs: nowMs })
  }

  /** Stores whoever is due; returns how many. Rejects when the database does not take it; they stay due. */
  async store(drivers: Iterable<LiveDriver>, nowMs: number): Promise<number> {
    const due = this.#due(drivers, nowMs)
    const left = [...this.#left.values()]
    this.#left.clear()
    const positions = due.map(({ position }) => position)
    for (const { position, atMs } of left)
      positions.push({ ...position, heardAgo: position.heardAgo + nowMs - atMs })
    try {
      if (positions.length > 0) await this.#write(positions)
    } catch (error) {
      for (const one of left)
        if (!this.#left.has(one.position.driverId)) this.#left.set(one.position.driverId, one)
      throw error
    }
    for (const { driver, heardAtMs } of due) {
      driver.storedAtMs = nowMs
      driver.storedHeardAtMs = heardAtMs
    }
    return positions.length
  }

  #due(drivers: Iterable<LiveDriver>, nowMs: number) {
    const due: { driver: LiveDriver; heardAtMs: number; position: StoredPosition }[] = []
    for (const driver of drivers) {
      const { heardAtMs, standing } = driver
      if (standing !== 'free' && standing !== 'riding') continue
      if (nowMs - driver.storedAtMs < this.#options.tempo.storeMs || heardAtMs <= driver.storedHeardAtMs)
        continue
      const position = storedOf(driver, nowMs, standing === 'free')
      if (position === null) continue
      this.#left.delete(driver.id)
      due.push({ driver, heardAtMs, position })
      if (due.length >= TURN_DRIVERS) break
    }
    return due
  }

  #write(positions: readonly StoredPosition[]): Promise<void> {
    return withConnection(this.#options.pool, 'driver positions', WRITE_TIMEOUT_MS, async (connection) => {
      for (const some of parts(positions, POSITION_ROWS)) await storePositions(connection, some)
      for (const some of parts(positions, LAST_LOCATION_ROWS)) await storeLastLocations(connection, some)
    })
  }
}

function storedOf(driver: LiveDriver, nowMs: number, waits: boolean): StoredPosition | null {
  const { id: driverId, position, workplace, heardAtMs } = driver
  if (position === null || workplace === null || !Number.isFinite(heardAtMs)) return null
  return { driverId, ...workplace, position, waits, heardAgo: Math.max(nowMs - heardAtMs, 0) }
}

function* parts<T>(all: readonly T[], size: number): Generator<readonly T[]> {
  for (let from = 0; from < all.length; from += size) yield all.slice(from, from + size)
}
