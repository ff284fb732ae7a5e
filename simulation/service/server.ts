import type { DatabaseAddress } from '../../db/pools.ts'
import type { RedisAddress } from '../../db/redis.ts'
import { createApp } from '../../src/app.ts'
import { createLogger } from '../../src/base/log.ts'
import type { DispatchSettings } from '../../src/matching/dispatch/settings.ts'
import { PRESENCE_TEMPO } from '../../src/realtime/presence/presence-tempo.ts'

/** What a process of the service is told before it serves. */
export interface ServerOrder {
  readonly database: DatabaseAddress
  readonly redis: RedisAddress
  readonly jwtSecret: string
  readonly settings: DispatchSettings
  /** How long a driver without a socket is waited for. */
  readonly graceMs: number
}

/** A process of the service for the simulator: nobody is limited, and its times are the city's. Its parent's end is its own. */
process.once('message', (order: ServerOrder) => void serve(order))

const STOP_TIMEOUT_MS = 10_000

async function serve({ database, redis, jwtSecret, settings, graceMs }: ServerOrder): Promise<void> {
  const app = createApp({
    database,
    redis,
    accounts: new Map(),
    internalKeys: [],
    realtime: {
      jwtSecrets: [jwtSecret],
      allowedOrigins: [],
      tempo: { presence: { ...PRESENCE_TEMPO, graceMs } },
    },
    callbacks: false,
    dispatchRules: { settingsOf: () => settings },
    workerConcurrency: 1,
    maxAttempts: 12,
    log: createLogger({ level: 'warn' }),
  })
  const stop = () => void app.stop(STOP_TIMEOUT_MS).then(() => process.exit(0))
  process.on('disconnect', stop)
  process.on('SIGTERM', stop)
  process.on('SIGINT', () => undefined)
  const port = await app.listen(0, '127.0.0.1')
  app.work()
  process.send?.({ port })
}
