import { randomBytes } from 'node:crypto'
import { type DataHost, openDataHost } from '../../db/embedded/data-host.ts'
import { migrate } from '../../db/migrate.ts'
import { createDatabaseIfMissing, type DatabaseAddress, openPool, type Pool } from '../../db/pools.ts'
import type { RedisAddress } from '../../db/redis.ts'
import type { DispatchPolicy } from '../../src/matching/trips/trip.ts'
import { citySettings, graceMs } from './city-settings.ts'
import { ServerProcess } from './server-process.ts'

export interface ServiceOptions {
  readonly policy: DispatchPolicy
  readonly speed: number
  readonly processes: number
  /** Servers that are there already, with a database of the simulation's own; by default private ones in `dataDir`. */
  readonly servers?: { readonly database: DatabaseAddress; readonly redis: RedisAddress }
  readonly dataDir: string
}

const DATABASE = 'onceline_simulation'

/** The service with everything that it needs, for one simulation. */
export class Service {
  readonly pool: Pool
  readonly jwtSecret: string
  readonly processes: readonly ServerProcess[]
  readonly #host: DataHost | null

  private constructor(
    pool: Pool,
    jwtSecret: string,
    processes: readonly ServerProcess[],
    host: DataHost | null,
  ) {
    this.pool = pool
    this.jwtSecret = jwtSecret
    this.processes = processes
    this.#host = host
  }

  /** Begins with an empty database. */
  static async open(options: ServiceOptions): Promise<Service> {
    const { policy, speed, processes, servers } = options
    const host = servers === undefined ? await openDataHost({ dataDir: options.dataDir }) : null
    try {
      const { database, redis } = servers ?? (await emptyDatabase(host))
      const jwtSecret = randomBytes(32).toString('hex')
      const settings = citySettings(policy, speed)
      const order = { database, redis, jwtSecret, settings, graceMs: graceMs(speed) }
      const started = await Promise.all(Array.from({ length: processes }, () => ServerProcess.start(order)))
      const pool = openPool(database, { connectionLimit: 2, lockWaitSeconds: 10 })
      return new Service(pool, jwtSecret, started, host)
    } catch (error) {
      await host?.stop()
      throw error
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.processes.map((process) => process.stop()))
    await this.pool.end()
    await this.#host?.stop()
  }
}

async function emptyDatabase(
  host: DataHost | null,
): Promise<{ readonly database: DatabaseAddress; readonly redis: RedisAddress }> {
  if (host === null) throw new Error('there is no data host')
  const root = openPool({ ...host.mysql, database: '' }, { connectionLimit: 1, lockWaitSeconds: 5 })
  await root.query(`DROP DATABASE IF EXISTS ${DATABASE}`)
  await root.end()
  const database = { ...host.mysql, database: DATABASE }
  await createDatabaseIfMissing(database)
  await migrate(database)
  return { database, redis: host.redis }
}
