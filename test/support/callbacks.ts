import type { Pool } from '../../db/pools.ts'
import type { Id } from '../../src/base/ids.ts'
import type { CallbackTempo } from '../../src/laravel/callbacks.ts'
import { openApp, type TestApp, type TestAppOptions } from './app.ts'
import type { TestDatabase } from './database.ts'
import { StandInLaravel } from './laravel.ts'
import { addMessages, makeDue } from './outbox.ts'

export const API_KEY = 'laravel-api-key-5d0f7c2a91be'

/** So that tests need not wait for the real ones; the lease of a whole second is the shortest that there is. */
export const QUICK: CallbackTempo = {
  requestTimeoutMs: 5_000,
  leaseSeconds: 10,
  backoff: { baseMs: 40, capMs: 200 },
  circuit: { failures: 1_000, openMs: 200, maxOpenMs: 400, probeMs: 10_000 },
  pace: { intervalMs: 20, nextLookSeconds: 1 },
}

/** The service and a stand-in for Laravel, with callbacks on their way between them. */
export class CallbackStage {
  readonly laravel: StandInLaravel
  readonly app: TestApp
  readonly #pool: Pool

  private constructor(laravel: StandInLaravel, app: TestApp, pool: Pool) {
    this.laravel = laravel
    this.app = app
    this.#pool = pool
  }

  static async open(
    database: TestDatabase,
    tempo: Partial<CallbackTempo> = {},
    options: TestAppOptions = {},
  ): Promise<CallbackStage> {
    const laravel = await StandInLaravel.open()
    const app = await openApp(database, {
      callbacks: true,
      laravel: { url: laravel.url, apiKey: API_KEY },
      callbackTempo: { ...QUICK, ...tempo },
      ...options,
    })
    return new CallbackStage(laravel, app, database.pool)
  }

  /** Adds messages of one key that are due at once. */
  async add(orderingKey: string, count: number, from = 1): Promise<Id[]> {
    const ids = await addMessages(this.#pool, orderingKey, count, from)
    await makeDue(this.#pool, ...ids)
    return ids
  }

  async close(): Promise<void> {
    await this.app.stop()
    await this.laravel.goAway()
  }
}
