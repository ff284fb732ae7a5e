import type { PoolConnection } from '../../db/pools.ts'
import { appendToFeed } from '../feed/append.ts'
import type { Push } from '../feed/envelope.ts'
import { readOtp, replaceOtp } from '../matching/trips/otp.ts'
import type { Trip } from '../matching/trips/trip.ts'
import { driverDetailsOf } from '../matching/trips/trip-announcement.ts'
import { lockTrip } from '../matching/trips/trip-reader.ts'
import type { Settled } from '../outbox/settlement-store.ts'
import type { AnsweredDetails } from './callback-answer.ts'

/** The acceptance that Laravel was told of. */
export interface ToldAcceptance {
  readonly rideId: string
  readonly driverId: string
}

/** What to publish after the commit; `pushes` is empty where nobody is told. */
export interface DetailsTold {
  readonly settled: Settled
  readonly pushes: readonly Push[]
}

/**
 * Tells the rider who drives, in the transaction that settles the callback and if that is ours: so he is told once, however often Laravel
 * answers. Nobody is told when the trip is not this driver's any more, or is over. Once it is under way, no code is of use.
 * Locks the trip, then the callback by `settle`, then the rider's feed.
 */
export async function tellDriverDetails(
  connection: PoolConnection,
  { rideId, driverId }: ToldAcceptance,
  answered: AnsweredDetails,
  settle: () => Promise<Settled>,
): Promise<DetailsTold> {
  const trip = await lockTrip(connection, rideId)
  const settled = await settle()
  if (!settled.isOurs || trip === null || trip.driverId !== driverId) return { settled, pushes: [] }
  const details = await detailsNow(connection, trip, answered)
  const pushes = details === null ? [] : await appendToFeed(connection, driverDetailsOf(trip, details))
  return { settled, pushes }
}

async function detailsNow(
  connection: PoolConnection,
  { id, state }: Trip,
  { otp, driver }: AnsweredDetails,
): Promise<AnsweredDetails | null> {
  if (state === 'ongoing') return driver === null ? null : { otp: null, driver }
  if (state !== 'accepted' && state !== 'arrived') return null
  if (otp === null) return { otp: await readOtp(connection, id), driver }
  await replaceOtp(connection, id, otp)
  return { otp, driver }
}
