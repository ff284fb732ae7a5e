import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CommandPool, openCommandPool } from '../db/pools.ts'
import type { RowDataPacket } from '../db/rows.ts'
import { within } from '../src/base/within.ts'
import { Once } from '../src/idempotency/once.ts'
import { RecordReader } from '../src/idempotency/record-reader.ts'
import { useOnceDoors } from './support/once-doors.ts'
import { answerIn, requestOf, run } from './support/once-requests.ts'

const doors = useOnceDoors('record-reader')
let pool: CommandPool

beforeAll(() => {
  // One connection, whose session counts its statements.
  pool = openCommandPool(doors.database.address, 1)
})
afterAll(() => pool?.end())

describe('records that are asked for at the same moment', () => {
  it('are read by a few statements, and each is its own', async () => {
    const keys = Array.from({ length: 150 }, () => randomUUID())
    const results = await Promise.all(keys.map((key) => run(doors.once, key)))
    const reader = new RecordReader(pool)
    const before = await statements()
    const found = await Promise.all([...keys, randomUUID()].map((key) => reader.read(keyOf(key))))
    expect((await statements()) - before).toBeLessThanOrEqual(4)
    expect(found.pop()).toBeUndefined()
    expect(found.map((record) => record?.answer)).toEqual(results.map(answerIn))
  })

  it('all fail when the database does, and the next are read again', async () => {
    const key = randomUUID()
    await run(doors.once, key)
    const reader = new RecordReader(pool)
    await doors.database.pool.query('RENAME TABLE idempotency_keys TO away')
    const failed = await Promise.allSettled([reader.read(keyOf(key)), reader.read(keyOf(randomUUID()))])
    await doors.database.pool.query('RENAME TABLE away TO idempotency_keys')
    expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(await reader.read(keyOf(key))).toMatchObject({ state: 'done' })
  })

  it('are never older than the question: what was committed before it is seen, while other reads are on their way', async () => {
    const reader = new RecordReader(doors.pools.commands)
    let isOver = false
    const neighbours = Array.from({ length: 3 }, async () => {
      while (!isOver) await reader.read(keyOf(randomUUID()))
    })
    for (let time = 0; time < 50; time += 1) {
      const key = randomUUID()
      await run(doors.other, key)
      expect(await reader.read(keyOf(key)), `time ${time}`).toBeDefined()
    }
    isOver = true
    await Promise.all(neighbours)
  })
})

it('no question waits behind others for much longer than a read may take, and one that is over is not asked any more', async () => {
  const held = await pool.getConnection()
  const reader = new RecordReader(pool)
  // Two reads are on their way; the others wait for these.
  const questions = Array.from({ length: 600 }, () => reader.read(keyOf(randomUUID())))
  const all = Promise.allSettled(questions)
  await expect(questions[0]).rejects.toMatchObject({ code: 'STATEMENT_TIMEOUT' })
  const answers = await within(1_000, all)
  held.release()
  expect(answers === 'late' ? answers : new Set(answers.map(({ status }) => status))).toEqual(
    new Set(['rejected']),
  )
  const before = await statements()
  expect(await reader.read(keyOf(randomUUID()))).toBeUndefined()
  expect((await statements()) - before).toBe(1)
})

it('a replay among others begins no transaction, and a first use after first uses is not looked for', async () => {
  const key = randomUUID()
  const first = await run(doors.once, key)
  const narrow = new Once({ pool })
  const asked = async (name: string) => {
    const before = await statements()
    const { kind } = await run(narrow, name)
    return [kind, (await statements()) - before]
  }
  const [, firstUse] = await asked(randomUUID())
  expect(await asked(key), 'the first replay is met by the INSERT').toEqual(['replayed', 3])
  expect(await asked(key)).toEqual(['replayed', 1])
  for (let look = 0; look < 64; look += 1)
    expect(await asked(randomUUID())).toEqual(['executed', Number(firstUse) + 1])
  expect(await asked(randomUUID())).toEqual(['executed', firstUse])
  expect(await run(narrow, key)).toEqual({ ...first, kind: 'replayed' })
})

function keyOf(key: string): Buffer {
  return requestOf(key).key ?? expect.fail('a request without a key')
}

/** How many statements this session has been asked for so far, but for those that ask this. */
async function statements(): Promise<number> {
  const [rows] = await pool.query<RowDataPacket[]>(
    "SHOW SESSION STATUS WHERE Variable_name IN ('Com_stmt_execute', 'Com_begin', 'Com_insert')",
  )
  return rows.reduce((sum, { Value }) => sum + Number(Value), 0)
}
