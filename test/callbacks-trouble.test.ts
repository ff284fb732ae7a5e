import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { idToText } from '../src/base/ids.ts'
import type { CallbackTempo } from '../src/laravel/callbacks.ts'
import type { TestAppOptions } from './support/app.ts'
import { CallbackStage, QUICK } from './support/callbacks.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { addMessages, fatesOf, makeDue, messageRow } from './support/outbox.ts'

const WAIT = { timeout: 15_000 }
let database: TestDatabase
let stages: CallbackStage[] = []

beforeAll(async () => {
  database = await testDatabase('callbacks-trouble')
})
afterAll(() => database?.drop())
beforeEach(() => database.pool.query('DELETE FROM outbox'))
afterEach(async () => {
  await Promise.all(stages.map((stage) => stage.close()))
  stages = []
})

async function open(
  tempo: Partial<CallbackTempo> = {},
  options: TestAppOptions = {},
): Promise<CallbackStage> {
  const stage = await CallbackStage.open(database, tempo, options)
  stages.push(stage)
  return stage
}

async function untilFates(key: string, fates: readonly string[]): Promise<void> {
  await expect.poll(() => fatesOf(database.pool, key), WAIT).toEqual(fates)
}

describe('the circuit', () => {
  it('opens for a dead Laravel without burning attempts, probes with one message, and closes', async () => {
    const circuit = { ...QUICK.circuit, failures: 4, openMs: 400, maxOpenMs: 400 }
    const { app, laravel } = await open({ circuit, backoff: { baseMs: 20_000, capMs: 20_000 } })
    laravel.answer = () => ({ status: 503 })
    const keys = Array.from({ length: 40 }, (_, index) => `trip-${index}`)
    for (const key of keys) await stages[0]?.add(key, 1)
    await expect
      .poll(() => app.metrics('onceline_callback_circuit_state'), WAIT)
      .toEqual(['onceline_callback_circuit_state 2'])
    // What was in flight beside the failures that opened it, and the probes since.
    const atOpening = laravel.received.length
    await laravel.until(atOpening + 2)
    expect(atOpening).toBeLessThan(30)
    const [rows] = await database.pool.query("SELECT id FROM outbox WHERE attempts = 0 AND state = 'pending'")
    expect((rows as unknown[]).length, 'most were not tried at all').toBeGreaterThan(5)
    laravel.answer = () => ({ status: 200 })
    await expect
      .poll(() => app.metrics('onceline_callback_circuit_state'), WAIT)
      .toEqual(['onceline_callback_circuit_state 0'])
    await database.pool.query(
      "UPDATE outbox SET claimable_at = NULL, next_at = UTC_TIMESTAMP(3) WHERE state = 'pending'",
    )
    for (const key of keys) await untilFates(key, ['1 done'])
  })
})

describe('a process that ends', () => {
  it('waits for the callbacks in flight and begins no more', async () => {
    // Without Redis the sweeper has both in hand, and the second waits for the first one's place.
    const redis = { ...database.redis, port: 1 }
    const { app, laravel } = await open({}, { callbackConcurrency: 1, redis })
    const answered = Promise.withResolvers<{ status: number }>()
    laravel.answer = () => answered.promise
    const ids = [...(await addMessages(database.pool, 'a', 1)), ...(await addMessages(database.pool, 'b', 1))]
    await makeDue(database.pool, ...ids)
    await laravel.until(1)
    const stopped = app.app.stop(10_000)
    answered.resolve({ status: 200 })
    await stopped
    const fates = [...(await fatesOf(database.pool, 'a')), ...(await fatesOf(database.pool, 'b'))]
    expect(fates.sort()).toEqual(['1 done', '1 pending'])
    expect(laravel.received).toHaveLength(1)
  })

  it('gives back what Laravel does not answer, so that another sends it at once', async () => {
    const { app, laravel } = await open()
    laravel.answer = () => 'silence'
    const [id] = await (stages[0] as CallbackStage).add('trip', 1)
    await laravel.until(1)
    await app.app.stop(4_000)
    expect(await messageRow(database.pool, id as Buffer)).toMatchObject({
      state: 'pending',
      attempts: 0,
      claimable_at: null,
    })
    const second = await open()
    await second.laravel.until(1)
    expect(second.laravel.received[0]?.body.id).toBe(idToText(id as Buffer))
  })
})
