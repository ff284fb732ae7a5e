import { type DatabaseAddress, openPool, type Pool } from '../db/pools.ts'
import { newId } from '../src/base/ids.ts'
import { serve } from './child.ts'
import type { RunOrder } from './load.ts'
import { keepPace } from './pace.ts'
import { type Latencies, summarise } from './statistics.ts'

export interface CommitOrder {
  readonly database: DatabaseAddress
  readonly connections: number
  readonly rowBytes: number
}

export interface CommitReport extends Latencies {
  readonly commits: number
  readonly commitsPerSecond: number
}

/**
 * What one durable commit costs by itself: a prepared single-row INSERT under autocommit into a table with a primary key
 * and nothing else, no HTTP, no signature, no second index.
 */
let commits: Commits | null = null

serve({
  prepare: async (order: CommitOrder): Promise<null> => {
    commits = await Commits.prepare(order)
    return null
  },
  run: (order: RunOrder): Promise<CommitReport> => {
    if (commits === null) throw new Error('prepare comes first')
    return commits.run(order)
  },
})

class Commits {
  readonly #pool: Pool
  readonly #order: CommitOrder
  readonly #body: Buffer

  private constructor(pool: Pool, order: CommitOrder) {
    this.#pool = pool
    this.#order = order
    this.#body = Buffer.alloc(order.rowBytes, 'x')
  }

  static async prepare(order: CommitOrder): Promise<Commits> {
    const pool = openPool(order.database, { connectionLimit: order.connections, lockWaitSeconds: 1 })
    await pool.query(
      'CREATE TABLE IF NOT EXISTS bench_commits (id BINARY(16) NOT NULL PRIMARY KEY, body MEDIUMBLOB NOT NULL) ENGINE=InnoDB',
    )
    return new Commits(pool, order)
  }

  async run({ seconds, ratePerSecond }: RunOrder): Promise<CommitReport> {
    const latenciesMs: number[] = []
    const lanes = this.#order.connections
    const startMs = performance.now()
    const span = { startMs, endMs: startMs + seconds * 1_000 }
    await Promise.all(
      Array.from({ length: lanes }, async (_, index) => {
        const connection = await this.#pool.getConnection()
        await keepPace({ index, lanes, ratePerSecond }, span, latenciesMs, async () => {
          await connection.execute('INSERT INTO bench_commits (id, body) VALUES (?, ?)', [
            newId(),
            this.#body,
          ])
          return true
        })
        connection.release()
      }),
    )
    const commits = latenciesMs.length
    const commitsPerSecond = (commits * 1_000) / (performance.now() - startMs)
    return { commits, commitsPerSecond, ...summarise(latenciesMs) }
  }
}
