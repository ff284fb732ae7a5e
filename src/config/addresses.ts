import type { DatabaseAddress } from '../../db/pools.ts'
import type { RedisAddress } from '../../db/redis.ts'

/** The variables that send a process of ours to these servers: what loadConfig() reads back. They hold passwords. */
export function addressVariables(database: DatabaseAddress, redis: RedisAddress): Record<string, string> {
  return {
    DB_HOST: database.host,
    DB_PORT: String(database.port),
    DB_USERNAME: database.user,
    DB_PASSWORD: database.password,
    DB_DATABASE: database.database,
    REDIS_HOST: redis.host,
    REDIS_PORT: String(redis.port),
    REDIS_PASSWORD: redis.password,
    REDIS_CLUSTER: String(redis.isCluster === true),
  }
}
