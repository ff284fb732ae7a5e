import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest'
import type { Pool } from '../../db/pools.ts'
import type { Id } from '../../src/base/ids.ts'
import type { CallbackTempo } from '../../src/laravel/callbacks.ts'
import { openApp, type TestApp, type TestAppOptions } from './app.ts'
import { type TestDatabase, testDatabase } from './database.ts'
import { StandInLaravel } from './laravel.ts'
import { addMessages, fatesOf, makeDue } from './outbox.ts'

export const API_KEY = 'laravel-api-key-5d0f7c2a91be'

/** So that tests need not wait for the real ones; the lease of a whole second is the shortest that there is. */
export const QUICK: CallbackTempo = {
  requestTimeoutMs: 5_000,
  leaseSeconds: 10,
  backoff: { baseMs: 40, capMs: 200 },
  circuit: { failures: 1_000, errorsAFailure: 1, openMs: 200, maxOpenMs: 400, probeMs: 10_000 },
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

export const WAIT = { timeout: 15_000 }

export interface CallbackTheatre {
  readonly database: TestDatabase
  /** A service and a Laravel; both are closed after the test. */
  open(tempo?: Partial<CallbackTempo>, options?: TestAppOptions): Promise<CallbackStage>
  /** Resolves when the messages of a key are so (fatesOf). */
  untilFates(key: string, fates: readonly string[]): Promise<void>
}

/** A database for the file, with an empty outbox for each test. */
export function callbackTheatre(name: string): CallbackTheatre {
  let database: TestDatabase | undefined
  let stages: CallbackStage[] = []
  const known = (): TestDatabase => database ?? expect.fail('the database opens before the first test')
  beforeAll(async () => {
    database = await testDatabase(name)
  })
  afterAll(() => database?.drop())
  beforeEach(async () => {
    for (const table of ['outbox', 'outbox_turns']) await known().pool.query('DELETE FROM ??', [table])
  })
  afterEach(async () => {
    await Promise.all(stages.map((stage) => stage.close()))
    stages = []
  })
  return {
    get database() {
      return known()
    },
    open: async (tempo, options) => {
      const stage = await CallbackStage.open(known(), tempo, options)
      stages.push(stage)
      return stage
    },
    untilFates: async (key, fates) => {
      await expect.poll(() => fatesOf(known().pool, key), WAIT).toEqual(fates)
    },
  }
}
