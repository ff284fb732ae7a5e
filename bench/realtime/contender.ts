import type { DatabaseAddress } from '../../db/pools.ts'
import type { RedisAddress } from '../../db/redis.ts'
import type { Dialect } from './frame-socket.ts'

/**
 * ours: the service. bare: a loop over `ws`, for the ceiling of the library. The others are Socket.IO: alone, with its
 * Redis adapter, with the sharded one, and with Redis streams, where it keeps messages for those who come back.
 */
export type Contender = 'ours' | 'bare' | 'io' | 'io-pubsub' | 'io-sharded' | 'io-streams'

export const LABELS: Readonly<Record<Contender, string>> = {
  ours: 'Onceline',
  bare: 'bare ws',
  io: 'Socket.IO',
  'io-pubsub': 'Socket.IO, Redis adapter',
  'io-sharded': 'Socket.IO, sharded Redis adapter',
  'io-streams': 'Socket.IO, Redis streams, recovery on',
}

export function dialectOf(contender: Contender): Dialect {
  if (contender === 'ours') return 'ready'
  return contender === 'bare' ? 'plain' : 'socket.io'
}

export interface ServerOrder {
  readonly contender: Contender
  readonly database: DatabaseAddress
  readonly redis: RedisAddress
  readonly jwtSecret: string
  /** Nobody is refused for having too many sockets: for fan-out, where all are one user's. */
  readonly isUnlimited: boolean
  /** Stripe's, for the service alone: webhooks are taken, and its workers work. */
  readonly webhookSecret: string | null
}

/** A server under test, and the ways in which it is told to say something. */
export interface Running {
  readonly port: number
  /** So many messages to the channel that everybody hears, at once; each longer by `padding` characters. */
  toAll(count: number, padding?: number): Promise<void> | void
  /** One message to each of these users; where the server has a history, they are in it before they are sent. */
  toEach(userIds: readonly string[], padding?: number): Promise<void>
  /** One message to each of these users, kept by nobody. */
  toEachOnce(userIds: readonly string[]): Promise<void>
}

export const EVENT = 'driver:location:update'

/** About 200 bytes as a frame, and so many characters more. */
export function message(sequence: number, padding = 0): Readonly<Record<string, unknown>> {
  return {
    rideId: '5f0c7a52-3c1e-4c7e-9b0e-3f6f8d1b2a90',
    driverId: 'b7b0f6de-52f4-4f0a-8a5c-0d7b8f1c4e21',
    location: { latitude: 30.0444, longitude: 31.2357 },
    sequence,
    ...(padding === 0 ? {} : { padding: '.'.repeat(padding) }),
  }
}
