import { afterAll, beforeAll, expect, it } from 'vitest'
import { readBacklog } from '../src/webhooks/backlog.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { eventOf, store } from './support/processing.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await testDatabase('backlog')
})
afterAll(() => database?.drop())

const NONE = { received: 0, paused: 0, parked: 0, unconfirmed: 0, quarantined: 0, dead: 0 }

it('is empty where nothing is open', async () => {
  expect(await readBacklog(database.pool)).toEqual({ states: NONE, oldestUnfinishedSeconds: 0 })
})

it('counts by state, and is as old as the oldest event that waits for processing', async () => {
  const [older, waiting, young] = [eventOf(), eventOf(), eventOf()]
  await store(database.pool, older, waiting, young)
  const age = (seconds: number, state: string, id: Buffer) =>
    database.pool.query(
      'UPDATE webhook_events SET state = ?, received_at = UTC_TIMESTAMP(3) - INTERVAL ? SECOND WHERE id = ?',
      [state, seconds, id],
    )
  await age(900, 'dead', older.id)
  await age(300, 'received', waiting.id)
  // Rung for again, so that its next look is far ahead.
  await database.pool.query("UPDATE webhook_events SET next_at = '2100-01-01' WHERE id = ?", [waiting.id])
  const { states, oldestUnfinishedSeconds } = await readBacklog(database.pool)
  expect(states).toEqual({ ...NONE, received: 2, dead: 1 })
  expect(oldestUnfinishedSeconds).toBeGreaterThanOrEqual(300)
  expect(oldestUnfinishedSeconds).toBeLessThan(330)
})
