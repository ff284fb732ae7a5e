import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { isConnectionLost } from '../db/errors.ts'
import { type CommandPool, openCommandPool } from '../db/pools.ts'
import type { RowDataPacket } from '../db/rows.ts'
import { listenToCheckpoints } from '../src/base/checkpoint.ts'
import { jsonReply } from '../src/idempotency/answer.ts'
import type { OnceResult } from '../src/idempotency/flights.ts'
import { type Handle, Once } from '../src/idempotency/once.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { createEffects, effectsAt, takeEffect } from './support/once-app.ts'
import { run as ask, requestOf } from './support/once-requests.ts'
import { TcpProxy } from './support/tcp-proxy.ts'

let database: TestDatabase
let proxy: TcpProxy
let pool: CommandPool
let once: Once

beforeAll(async () => {
  database = await testDatabase('once-faults')
  await createEffects(database.pool)
})
afterAll(() => database?.drop())
beforeEach(async () => {
  proxy = await TcpProxy.open(database.address)
  pool = openCommandPool({ ...database.address, host: '127.0.0.1', port: proxy.port }, 4)
  once = new Once({ pool })
  // The session is prepared, and the statements too.
  await once.run(requestOf(randomUUID()), async () => jsonReply(200, {}))
})
afterEach(async () => {
  listenToCheckpoints(null)
  await proxy.close()
  await pool.end().catch(() => undefined)
})

describe('an answer', () => {
  it('is not given before the server has answered the commit', async () => {
    const key = randomUUID()
    listenToCheckpoints((checkpoint) => checkpoint === 'once:handled' && proxy.holdAnswers())
    let given: OnceResult | null = null
    const asked = Promise.all([run(key), run(key)]).then(([first]) => {
      given = first
    })
    await proxy.answersHeld(1)
    expect(await effectsAt(database.pool, key), 'it is committed').toEqual(['a'])
    expect(given, 'and nobody knows yet').toBeNull()
    proxy.releaseAnswers()
    await asked
    expect(given).toMatchObject({ kind: 'executed' })
  })

  it('is not given while the commit has not reached the server', async () => {
    const key = randomUUID()
    const frozen = proxy.freezeAt('COMMIT')
    let isGiven = false
    const asked = run(key).finally(() => {
      isGiven = true
    })
    await frozen
    expect(await effectsAt(database.pool, key)).toEqual([])
    expect(isGiven).toBe(false)
    proxy.thaw()
    expect((await asked).kind).toBe('executed')
  })
})

describe('a connection that is cut', () => {
  const moments = ['request', 'sent', 'answer'] as const
  const statements = ['START TRANSACTION', 'INSERT INTO effects', 'COMMIT']
  it.each(statements.flatMap((containing) => moments.map((at) => ({ at, containing }))))(
    'at the $at of $containing: one effect, and its answer',
    async (cut) => {
      const key = randomUUID()
      const struck = proxy.arm(cut)
      const first = await run(key)
      await struck
      expect(first.kind).toBe('executed')
      expect(await effectsAt(database.pool, key)).toEqual(['a'])
      const again = await run(key)
      expect(again).toEqual({ ...first, kind: 'replayed' })
    },
  )

  it('around the commit tells what was committed and not what was lost', async () => {
    const key = randomUUID()
    const executions: string[] = []
    const struck = proxy.arm({ at: 'answer', containing: 'COMMIT' })
    const first = await once.run(requestOf(key), async (connection, claim) => {
      const reply = await takeEffect(connection, claim, key, { content: 'a' })
      executions.push(reply.body.toString())
      return reply
    })
    await struck
    expect(executions, 'it was committed, so it must not run again').toHaveLength(1)
    expect(first).toMatchObject({ kind: 'executed', answer: { body: Buffer.from(executions[0] ?? '') } })
  })

  it('for good is thrown as it is, and the same key finds out later', async () => {
    const key = randomUUID()
    listenToCheckpoints((checkpoint) => checkpoint === 'once:commit-sent' && void proxy.refuse())
    expect(isConnectionLost(await run(key).catch((error: unknown) => error))).toBe(true)
    listenToCheckpoints(null)
    await proxy.accept()
    expect(['executed', 'replayed']).toContain((await run(key)).kind)
    expect(await effectsAt(database.pool, key)).toEqual(['a'])
  })
})

it('waits for the orphan of a lost connection before it executes again', async () => {
  const key = randomUUID()
  const struck = proxy.arm({ at: 'request', containing: 'INSERT INTO effects' })
  let connections = 0
  const result = await once.run(requestOf(key), async (connection, claim) => {
    connections += 1
    return takeEffect(connection, claim, key, { content: 'a' })
  })
  await struck
  expect(connections).toBe(2)
  expect(result.kind).toBe('executed')
  expect(await effectsAt(database.pool, key)).toEqual(['a'])
})

describe('a storm of deadlocks', () => {
  it('on one key, among owners that give up while others wait: one effect, one answer', async () => {
    const pools = Array.from({ length: 4 }, () => openCommandPool(database.address, 2))
    const doors = Array.from(
      { length: 16 },
      (_, index) => new Once({ pool: pools[index % 4] as CommandPool }),
    )
    for (let round = 0; round < 5; round += 1) {
      const key = randomUUID()
      let givenUp = 0
      const attempt: Handle = async (connection, claim) => {
        const reply = await takeEffect(connection, claim, key, { content: 'a' })
        if (givenUp++ < 8) throw Object.assign(new Error('Deadlock found'), { errno: 1213 })
        return reply
      }
      const results = await Promise.all(doors.map((door) => door.run(requestOf(key), attempt)))
      const kinds = results.map(({ kind }) => kind)
      expect(kinds.filter((kind) => kind === 'executed')).toHaveLength(1)
      expect(new Set(kinds)).toEqual(new Set(['executed', 'replayed']))
      const bodies = results.map((result) => ('answer' in result ? result.answer.body.toString() : ''))
      expect(new Set(bodies).size).toBe(1)
      expect(await effectsAt(database.pool, key)).toEqual(['a'])
    }
    await Promise.all(pools.map((each) => each.end()))
  })

  it('among keys whose handlers lock the same rows crosswise: each takes effect once', async () => {
    await database.pool.query('CREATE TABLE seats (seat INT PRIMARY KEY, taken INT NOT NULL)')
    await database.pool.query('INSERT INTO seats VALUES (1, 0), (2, 0)')
    const wide = openCommandPool(database.address)
    const door = new Once({ pool: wide })
    let executions = 0
    const crosswise =
      (order: readonly number[]): Handle =>
      async (connection) => {
        executions += 1
        for (const seat of order)
          await connection.query('UPDATE seats SET taken = taken + 1 WHERE seat = ?', [seat])
        return jsonReply(200, {})
      }
    const keys = Array.from({ length: 60 }, () => randomUUID())
    const send = (key: string, index: number): Promise<OnceResult> =>
      door.run(requestOf(key), crosswise(index % 2 === 0 ? [1, 2] : [2, 1]))
    const left = new Map(keys.map((key, index) => [key, index]))
    while (left.size > 0) {
      const sent = await Promise.allSettled([...left].map(([key, index]) => send(key, index)))
      for (const [at, key] of [...left.keys()].entries())
        if (sent[at]?.status === 'fulfilled') left.delete(key)
    }
    const [rows] = await database.pool.query<RowDataPacket[]>('SELECT taken FROM seats')
    expect(rows.map(({ taken }) => taken)).toEqual([60, 60])
    expect(executions, 'there were deadlocks').toBeGreaterThan(60)
    await wide.end()
  })
})

function run(key: string): Promise<OnceResult> {
  return ask(once, key)
}
