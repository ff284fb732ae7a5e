import type { GeoIndex, IndexEntry, Workplace } from './geo-index.ts'
import type { LiveDriver } from './live-driver.ts'
import type { PoolTempo } from './pool-tempo.ts'

/** Who is to be written to the index at one workplace. */
export interface IndexBatch {
  readonly workplace: Workplace
  readonly drivers: LiveDriver[]
}

/** Who was heard of again is written again, but not more often than this. */
const HEARD_STEP_MS = 1_000

/**
 * Those who have to be written to the index now, by workplace: who waits, is alive, and has moved, or was heard of again, or was not
 * written for long. Pure.
 */
export function dueForIndex(
  drivers: Iterable<LiveDriver>,
  nowMs: number,
  { againMs, staleMs }: Pick<PoolTempo, 'againMs' | 'staleMs'>,
): IndexBatch[] {
  const batches = new Map<string, IndexBatch>()
  for (const driver of drivers) {
    const { workplace, position, heardAtMs } = driver
    if (driver.standing !== 'free' || workplace === null || position === null) continue
    if (nowMs - heardAtMs > staleMs) continue
    const isDue =
      driver.hasMoved ||
      heardAtMs - driver.addedHeardAtMs >= HEARD_STEP_MS ||
      nowMs - driver.addedAtMs >= againMs
    if (!isDue) continue
    const name = `${workplace.category} ${workplace.zoneId}`
    let batch = batches.get(name)
    if (batch === undefined) {
      batch = { workplace, drivers: [] }
      batches.set(name, batch)
    }
    batch.drivers.push(driver)
  }
  return [...batches.values()]
}

/** Whether somebody is found from now on who was not before. */
export function hasNewcomer({ drivers }: IndexBatch): boolean {
  return drivers.some(({ addedAtMs }) => addedAtMs === Number.NEGATIVE_INFINITY)
}

/** Writes one batch. Rejects when Redis does not take it; then its drivers are due again. */
export async function writeBatch(
  index: GeoIndex,
  { workplace, drivers }: IndexBatch,
  nowMs: number,
): Promise<void> {
  const entries: IndexEntry[] = []
  for (const driver of drivers) {
    const { id: driverId, position, heardAtMs } = driver
    if (position === null) continue
    entries.push({ driverId, position, heardAgo: Math.max(nowMs - heardAtMs, 0) })
    driver.hasMoved = false
    driver.addedAtMs = nowMs
    driver.addedHeardAtMs = heardAtMs
  }
  try {
    await index.add(workplace, entries)
  } catch (error) {
    for (const driver of drivers) driver.forgetAdded()
    throw error
  }
}
