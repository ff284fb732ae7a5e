import { setTimeout as pause } from 'node:timers/promises'
import type { Pool } from '../../db/pools.ts'
import type { RowDataPacket } from '../../db/rows.ts'
import type { Tables } from './matching-truth.ts'

const LOOK_MS = 100
/** Of these policies a driver is asked alone, and asked for nothing else. */
const EXCLUSIVE = ['nearest', 'batch']

/** At any moment: a trip that waits is looked for, and of an exclusive policy one driver is asked, who is asked for no other such trip. */
export function wrongSearches(tripIds: readonly string[], { trips, dispatches, offers }: Tables): string[] {
  const wrong: string[] = []
  // Whose deadline has passed cannot be accepted any more, though nobody has written its end yet.
  const live = offers.filter(({ state, overdue }) => state === 'offered' && Number(overdue) === 0)
  const alone = new Set(
    dispatches.filter(({ policy }) => EXCLUSIVE.includes(policy)).map((row) => row.trip_id),
  )
  for (const id of tripIds) {
    const isWaiting = trips.find((row) => row.id === id)?.current_status === 'pending'
    if (isWaiting && !dispatches.some((row) => row.trip_id === id))
      wrong.push(`trip ${id} waits, and nobody looks for a driver`)
    const asked = live.filter((offer) => offer.trip_id === id).map((offer) => offer.driver_id)
    if (alone.has(id) ? asked.length > 1 : new Set(asked).size < asked.length)
      wrong.push(`trip ${id} is offered to [${asked}] at once`)
  }
  const held = Map.groupBy(
    live.filter((offer) => alone.has(offer.trip_id)),
    (offer) => offer.driver_id,
  )
  for (const [driverId, his] of held)
    if (his.length > 1) wrong.push(`${driverId} holds ${his.length} exclusive offers`)
  return wrong
}

/** Trips that wait for a driver still when nothing can be left to wait for; waits so long for them. */
export async function unended(pool: Pool, tripIds: readonly string[], patienceMs: number): Promise<string[]> {
  const endMs = performance.now() + patienceMs
  for (;;) {
    const [waiting] = await pool.query<RowDataPacket[]>(
      "SELECT id FROM trip_requests WHERE id IN (?) AND current_status = 'pending'",
      [[...tripIds]],
    )
    if (waiting.length === 0) return []
    if (performance.now() > endMs) return waiting.map(({ id }) => `trip ${id} waits for ever`)
    await pause(LOOK_MS)
  }
}
