import type { Pool, PoolConnection } from '../../../db/pools.ts'
import { tellOfWithdrawn, withdrawIn } from '../../matching/dispatch/ended-offers.ts'
import {
  type DriverDuty,
  readDriverDuties,
  setDriverOnline,
  setDriversOffline,
} from '../../matching/drivers/driver-store.ts'
import { beginWork, type StoredPlace } from '../../matching/drivers/standing-store.ts'
import type { Told } from '../../matching/trips/announce.ts'
import { type DriverSession, lockSession, readSessions } from './presence-store.ts'

/**
 * online: he may be asked. not_connected: he has no socket and his grace is over, so that nobody would take him offline again.
 * unknown_driver: Laravel's table has no row of his and does not let us begin one.
 */
export type GoneOnline = 'online' | 'not_connected' | 'unknown_driver'

/**
 * The effect of `driver:online`, in the transaction of the command: is_online, available unless he is on a trip, and where he works. His
 * session is locked first, so that a grace that ends in the same moment either goes before, and he is told not_connected, or finds
 * him connected.
 */
export async function goOnline(
  connection: PoolConnection,
  userId: string,
  place: Omit<StoredPlace, 'ageMs'>,
): Promise<GoneOnline> {
  const session = await lockSession(connection, userId)
  if (session === null || session.state === 'offline') return 'not_connected'
  if (!(await setDriverOnline(connection, userId))) return 'unknown_driver'
  await beginWork(connection, userId, place)
  return 'online'
}

/** The effect of `driver:offline`, in the transaction of the command. His socket may stay open. */
export async function goOffline(connection: PoolConnection, userId: string): Promise<Told> {
  await lockSession(connection, userId)
  return endDuties(connection, [userId])
}

/**
 * These drivers work no more, whoever says so: what they were asked is for others, and riders hear that their bids are gone. The caller
 * has locked their sessions. To be told after the commit.
 */
export async function endDuties(connection: PoolConnection, userIds: readonly string[]): Promise<Told> {
  // In the order in which an acceptance locks them, and the feeds last.
  const withdrawn = await withdrawIn(connection, userIds)
  await setDriversOffline(connection, userIds)
  return tellOfWithdrawn(connection, withdrawn)
}

/** Where a driver stands: his socket, and whether he works. */
export interface DriverPresence {
  /** null: he never connected. */
  readonly session: DriverSession | null
  /** null: Laravel's table does not know him. Within the grace he is online without a socket. */
  readonly duty: DriverDuty | null
}

/** Reads where drivers stand, each in the order of `userIds`, without a lock. */
export async function readDriverPresence(
  connection: Pick<Pool | PoolConnection, 'query'>,
  userIds: readonly string[],
): Promise<Map<string, DriverPresence>> {
  const sessions = await readSessions(connection, userIds)
  const duties = await readDriverDuties(connection, userIds)
  return new Map(
    userIds.map((userId) => [
      userId,
      { session: sessions.get(userId) ?? null, duty: duties.get(userId) ?? null },
    ]),
  )
}
