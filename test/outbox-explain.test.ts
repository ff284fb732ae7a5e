import { afterAll, beforeAll, expect, it } from 'vitest'
import type { RowDataPacket } from '../db/rows.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { addTogether } from './support/outbox.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await testDatabase('outbox-explain')
})
afterAll(() => database?.drop())

/** The index that each step of a statement uses, over a table in which nearly everything is done. */
it('the statements of the outbox go by the indexes that are made for them', async () => {
  const { pool } = database
  for (let batch = 0; batch < 4; batch += 1) {
    const messages = Array.from({ length: 500 }, (_, n) => ({ orderingKey: `t-${batch}-${n % 250}`, n }))
    await addTogether(pool, messages)
    if (batch < 3) await pool.query("UPDATE outbox SET state = 'done'")
  }
  await pool.query('ANALYZE TABLE outbox')
  const wanted: readonly (readonly [string, string])[] = [
    ["state = 'pending' AND next_at <= UTC_TIMESTAMP(3) ORDER BY next_at LIMIT 10", 'due_of_topic'],
    ["ordering_key = 't-3-7' AND state = 'pending' ORDER BY seq LIMIT 1", 'turn'],
    ["state = 'done' AND next_at <= UTC_TIMESTAMP(3) ORDER BY next_at LIMIT 10", 'due_of_topic'],
    // The few dead ones are found first and sorted then.
    ["state = 'dead' AND seq < 9007199254740991 ORDER BY seq DESC LIMIT 51", 'due_of_topic'],
  ]
  for (const [where, index] of wanted) {
    const [plan] = await pool.query<RowDataPacket[]>(
      `EXPLAIN FORMAT=TRADITIONAL SELECT id, last_error FROM outbox WHERE topic = 'laravel' AND ${where}`,
    )
    expect([where, plan[0]?.key]).toEqual([where, index])
    if (!where.includes('dead')) expect(`${where}: ${plan[0]?.Extra}`).not.toContain('filesort')
  }
})
