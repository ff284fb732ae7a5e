import { openRedis } from '../../db/redis.ts'
import type { Push } from '../../src/feed/envelope.ts'
import { Publisher } from '../../src/feed/publish.ts'
import type { TestDatabase } from './database.ts'

/** Tells a suite's users what it likes, as the service would after a commit. What Redis does not take fails the test. */
export interface TestPublisher {
  publish(pushes: readonly Push[]): Promise<void>
  close(): void
}

export function openPublisher({ redis: server, address }: TestDatabase): TestPublisher {
  // A client that waits for its first link, and sends nothing twice for want of it.
  const redis = openRedis(server, 'worker', () => undefined)
  const publisher = new Publisher({
    redis,
    installation: address.database,
    onError: (error) => {
      throw error
    },
  })
  return {
    publish: async (pushes) => void (await publisher.publish(pushes)),
    close: () => redis.disconnect(),
  }
}
