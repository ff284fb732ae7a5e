import type { DatabaseAddress } from '../db/pools.ts'
import type { RedisAddress } from '../db/redis.ts'
import { createApp } from '../src/app.ts'
import { createLogger } from '../src/base/log.ts'
import type { CallbackTarget } from '../src/laravel/callback-request.ts'
import { serve } from './child.ts'

export interface NodeOrder {
  readonly database: DatabaseAddress
  readonly redis: RedisAddress
  readonly gateway: string
  readonly secret: string
  /** null: callbacks are written, and nobody sends them. */
  readonly laravel: CallbackTarget | null
}

/** What the service is configured with by default (src/config/variables.ts). */
const WORKER_CONCURRENCY = 8
const MAX_ATTEMPTS = 12

serve({
  /** The whole service as it runs by default: ingest, processing, callbacks. Returns the port. */
  start: async ({ database, redis, gateway, secret, laravel }: NodeOrder): Promise<number> => {
    const account = { gateway, account: 'default', secrets: [secret], settings: {} }
    const app = createApp({
      database,
      redis,
      accounts: new Map([[gateway, new Map([['default', account]])]]),
      internalKeys: [],
      callbacks: true,
      laravel,
      workerConcurrency: WORKER_CONCURRENCY,
      maxAttempts: MAX_ATTEMPTS,
      log: createLogger({ level: 'error' }),
    })
    const port = await app.listen(0, '127.0.0.1')
    app.work()
    return port
  },
})
