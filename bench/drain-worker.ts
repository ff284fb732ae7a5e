import { setTimeout as pause } from 'node:timers/promises'
import { Registry } from 'prom-client'
import { type DatabaseAddress, openPool } from '../db/pools.ts'
import { openRedis, type RedisAddress } from '../db/redis.ts'
import type { Id } from '../src/base/ids.ts'
import { createLogger } from '../src/base/log.ts'
import { Publisher } from '../src/feed/publish.ts'
import { Ring } from '../src/outbox/ring.ts'
import { createWebhookMetrics } from '../src/webhooks/metrics.ts'
import { PauseBoard } from '../src/webhooks/pauses.ts'
import { Processor } from '../src/webhooks/process.ts'
import { WEBHOOK_QUEUE } from '../src/webhooks/queue.ts'
import { serve } from './child.ts'

export interface DrainOrder {
  readonly database: DatabaseAddress
  readonly redis: RedisAddress
  /** How many transactions at once. */
  readonly concurrency: number
  /** Events a job; null: no queue, the transactions are run directly, one event in each. */
  readonly idsPerJob: number | null
}

const MAX_ATTEMPTS = 12
/** Beside the transactions' own connections, for the looks after a commit. */
const SPARE_CONNECTIONS = 3
const ID_BYTES = 16
/** Rung together, as the sweeper does it. */
const JOBS_A_RING = 40
const JOBS_A_RING_OF_ONE = 500

let drainer: Drainer | null = null

serve({
  prepare: async (order: DrainOrder): Promise<null> => {
    drainer = await Drainer.prepare(order)
    return null
  },
  /** Takes the events' ids, one after the other in one buffer; returns after the last is processed. */
  drain: async (bytes: Uint8Array): Promise<{ seconds: number }> => {
    if (drainer === null) throw new Error('prepare comes first')
    const startMs = performance.now()
    await drainer.drain(idsOf(Buffer.from(bytes)))
    return { seconds: (performance.now() - startMs) / 1_000 }
  },
})

function idsOf(bytes: Buffer): Id[] {
  return Array.from({ length: bytes.length / ID_BYTES }, (_, index) =>
    bytes.subarray(index * ID_BYTES, (index + 1) * ID_BYTES),
  )
}

/** The service's own processor and queue, put together without HTTP. */
class Drainer {
  readonly #order: DrainOrder
  readonly #processor: Processor
  readonly #ring: Ring | null
  #missing = 0
  #finished: () => void = () => undefined

  private constructor(order: DrainOrder) {
    this.#order = order
    const pool = openPool(order.database, {
      connectionLimit: order.concurrency + SPARE_CONNECTIONS,
      lockWaitSeconds: 5,
    })
    const metrics = createWebhookMetrics(new Registry())
    const log = createLogger({ level: 'error' })
    const onError = (error: Error) => console.error(error.message)
    const redis = openRedis(order.redis, 'publish', onError)
    const publisher = new Publisher({ redis, installation: order.database.database, onError })
    this.#processor = new Processor({
      pool,
      pauses: new PauseBoard(pool),
      log,
      callbacks: true,
      maxAttempts: MAX_ATTEMPTS,
      ring: (ids) => void this.#ring?.ring(ids),
      onBatch: (batch) => {
        metrics.processed(batch)
        this.#missing -= batch.results.length
        if (this.#missing === 0) this.#finished()
      },
      onFailure: metrics.failed,
      publish: (pushes) => void publisher.publish(pushes),
    })
    this.#ring = order.idsPerJob === null ? null : this.#openRing(order.idsPerJob)
  }

  static async prepare(order: DrainOrder): Promise<Drainer> {
    const drainer = new Drainer(order)
    while (drainer.#ring !== null && (await drainer.#ring.depth()) === null) await pause(10)
    return drainer
  }

  #openRing(idsPerJob: number): Ring {
    const { redis, database } = this.#order
    const onError = (error: Error) => console.error(error.message)
    return new Ring({ redis, name: WEBHOOK_QUEUE, installation: database.database, onError, idsPerJob })
  }

  async drain(ids: readonly Id[]): Promise<void> {
    this.#missing = ids.length
    const finished = new Promise<void>((resolve) => {
      this.#finished = resolve
    })
    if (this.#ring === null) await this.#drainDirectly(ids)
    else await this.#drainByRinging(this.#ring, ids)
    await finished
  }

  async #drainDirectly(ids: readonly Id[]): Promise<void> {
    let next = 0
    const lane = async () => {
      for (let id = ids[next++]; id !== undefined; id = ids[next++]) await this.#processor.process([id])
    }
    await Promise.all(Array.from({ length: this.#order.concurrency }, lane))
  }

  async #drainByRinging(ring: Ring, ids: readonly Id[]): Promise<void> {
    ring.answer((batch, suspect) => this.#processor.process(batch, suspect), this.#order.concurrency)
    const perJob = this.#order.idsPerJob ?? 1
    const perRing = perJob === 1 ? JOBS_A_RING_OF_ONE : perJob * JOBS_A_RING
    for (let start = 0; start < ids.length; start += perRing) {
      // Redis did not hear: ring again, as the sweeper would. An event that is rung twice is still processed once.
      while (!(await ring.ring(ids.slice(start, start + perRing)))) await pause(10)
    }
  }
}
