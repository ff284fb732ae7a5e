import { openRedis } from '../../db/redis.ts'
import { parseEnvelope } from '../../src/feed/envelope.ts'
import { userChannel } from '../../src/feed/publish.ts'
import type { TestDatabase } from './database.ts'

/** What users' channels carry, as whichever process holds their sockets would hear it. */
export interface Listener {
  /** The frames that a user was told so far, in order. */
  heard(userId: string): readonly Record<string, unknown>[]
  close(): void
}

/** Listens for these users from now on. */
export async function listenFor(
  { address, redis }: Pick<TestDatabase, 'address' | 'redis'>,
  userIds: readonly string[],
): Promise<Listener> {
  const client = openRedis(redis, 'worker', () => undefined)
  const frames: [string, Record<string, unknown>][] = []
  client.on('messageBuffer', (channel: Buffer, bytes: Buffer) => {
    const envelope = parseEnvelope(bytes)
    const frame = envelope && 'frame' in envelope ? JSON.parse(envelope.frame.toString()) : { none: bytes }
    frames.push([channel.toString(), frame])
  })
  await client.subscribe(...userIds.map((userId) => userChannel(address.database, userId)))
  return {
    heard: (userId) =>
      frames
        .filter(([channel]) => channel === userChannel(address.database, userId))
        .map(([, frame]) => frame),
    close: () => client.disconnect(),
  }
}
