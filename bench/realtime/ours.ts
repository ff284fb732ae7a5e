import { openPool } from '../../db/pools.ts'
import { openRedis } from '../../db/redis.ts'
import { inTransaction } from '../../db/transaction.ts'
import { createApp } from '../../src/app.ts'
import { createLogger } from '../../src/base/log.ts'
import { appendToFeed } from '../../src/feed/append.ts'
import { Publisher } from '../../src/feed/publish.ts'
import { NO_LIMITS } from '../../src/limits/rules.ts'
import { NO_SEAT_RULES } from '../../src/realtime/door/seats.ts'
import { EVENT, message, type Running, type ServerOrder } from './contender.ts'
import { userIdOf } from './tokens.ts'

/** What the service is configured with by default (src/config/variables.ts). */
const WORKER_CONCURRENCY = 8
const MAX_ATTEMPTS = 12
const SEATS = { perUser: 3, perNetwork: 200 }
const HANDSHAKES = { points: 100, seconds: 1 }

/** The whole service as it runs by default, and beside it what its processor does when it has something to tell. */
export async function startOurs(order: ServerOrder): Promise<Running> {
  const { database, redis, jwtSecret, webhookSecret, isUnlimited } = order
  const account = { gateway: 'stripe', account: 'default', secrets: [webhookSecret ?? ''], settings: {} }
  const app = createApp({
    database,
    redis,
    accounts: webhookSecret === null ? new Map() : new Map([['stripe', new Map([['default', account]])]]),
    internalKeys: [],
    callbacks: webhookSecret !== null,
    realtime: {
      jwtSecrets: [jwtSecret],
      allowedOrigins: [],
      sockets: isUnlimited ? NO_SEAT_RULES : SEATS,
    },
    rateLimits: { ...NO_LIMITS, handshake: HANDSHAKES },
    workerConcurrency: WORKER_CONCURRENCY,
    maxAttempts: MAX_ATTEMPTS,
    log: createLogger({ level: 'error' }),
  })
  const port = await app.listen(0, '127.0.0.1')
  app.work()
  const publisher = new Publisher({
    redis: openRedis(redis, 'publish', fail),
    installation: database.database,
    onError: fail,
  })
  const pool = openPool(database, { connectionLimit: WORKER_CONCURRENCY, lockWaitSeconds: 5 })
  let sequence = 0
  const next = (userId: string, padding = 0) => {
    sequence += 1
    return { userId, event: EVENT, data: message(sequence, padding) }
  }
  return {
    port,
    toAll: async (count, padding) => {
      await publisher.publish(Array.from({ length: count }, () => next(userIdOf(0), padding)))
    },
    toEach: async (userIds, padding) => {
      const numbered = await inTransaction(pool, 'tell users', (connection) =>
        appendToFeed(
          connection,
          userIds.map((userId) => next(userId, padding)),
        ),
      )
      await publisher.publish(numbered)
    },
    toEachOnce: async (userIds) => {
      await publisher.publish(userIds.map((userId) => next(userId)))
    },
  }
}

/** A measurement in which a message was not published is none. */
function fail(error: Error): never {
  throw error
}
