import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { isLockWaitTimeout } from '../db/errors.ts'
import { openCommandPool } from '../db/pools.ts'
import { newId } from '../src/base/ids.ts'
import { jsonReply } from '../src/idempotency/answer.ts'
import { type Handle, Once } from '../src/idempotency/once.ts'
import { waitForLockWait } from './support/locks.ts'
import { effectsAt } from './support/once-app.ts'
import { useOnceDoors } from './support/once-doors.ts'
import { answerIn, effect, kindsOf, requestOf, run } from './support/once-requests.ts'

const doors = useOnceDoors('once-waiting')

describe('a key that another process holds', () => {
  it.each([
    ['commits', 'replayed'],
    ['gives up', 'executed'],
  ] as const)('is waited for; when it %s, the request is %s', async (end, kind) => {
    const key = randomUUID()
    const gate = Promise.withResolvers<void>()
    const started = Promise.withResolvers<void>()
    const holding = doors.other.run(requestOf(key), async (...args) => {
      started.resolve()
      await gate.promise
      if (end === 'gives up') throw new Error('it gave up')
      return effect(key)(...args)
    })
    holding.catch(() => undefined)
    await started.promise
    const waiting = run(doors.once, key)
    await waitForLockWait(doors.database.address, 'INSERT INTO idempotency_keys')
    gate.resolve()
    expect((await waiting).kind).toBe(kind)
    await holding.catch(() => undefined)
    expect(await effectsAt(doors.database.pool, key)).toEqual(['a'])
  })

  it('for too long is in flight, for all who wait, and neither before a second nor long after two', async () => {
    const key = randomUUID()
    const gate = Promise.withResolvers<void>()
    const started = Promise.withResolvers<void>()
    const holding = doors.other.run(requestOf(key), async (...args) => {
      started.resolve()
      await gate.promise
      return effect(key)(...args)
    })
    await started.promise
    const startedMs = performance.now()
    const waiting = await Promise.all([
      run(doors.once, key),
      run(doors.once, key),
      run(doors.once, key),
      run(doors.other, key),
    ])
    const waitedMs = performance.now() - startedMs
    expect(waiting).toEqual(Array(4).fill({ kind: 'in_flight' }))
    expect(waitedMs).toBeGreaterThan(900)
    expect(waitedMs).toBeLessThan(4_000)
    gate.resolve()
    const first = await holding
    expect(await run(doors.once, key)).toEqual({ kind: 'replayed', answer: answerIn(first) })
  })
})

describe('a row that a handler needs and another transaction holds', () => {
  it('is waited for once at a time and not six times: the request is in flight, and the key is free', async () => {
    const { once, key, rowOf, letGo, tries } = await holdRow()
    expect(await once.run(requestOf(key), rowOf)).toEqual({ kind: 'in_flight' })
    expect(tries()).toBe(1)
    await letGo()
    expect((await once.run(requestOf(key), rowOf)).kind).toBe('executed')
  })

  it('is waited for once where there is no key, and what the server said is thrown', async () => {
    const { once, rowOf, letGo, tries } = await holdRow()
    const failure = await once.run({ ...requestOf(''), key: null }, rowOf).catch((error: unknown) => error)
    expect(isLockWaitTimeout(failure)).toBe(true)
    expect(tries()).toBe(1)
    await letGo()
  })
})

/** A row that is locked until letGo, a handler that takes an effect on it, and who waits for less than two tries. */
async function holdRow() {
  const row = randomUUID()
  await doors.database.pool.query('INSERT INTO effects VALUES (?, ?, ?)', [newId(), row, 'free'])
  const holder = await doors.database.pool.getConnection()
  await holder.beginTransaction()
  const take = 'UPDATE effects SET content = ? WHERE place = ?'
  await holder.query(take, ['held', row])
  let tries = 0
  const rowOf: Handle = async (connection) => {
    tries += 1
    await connection.execute(take, ['taken', row])
    return jsonReply(200, {})
  }
  const letGo = async () => {
    await holder.rollback()
    holder.release()
  }
  const once = new Once({ pool: doors.pools.commands, waitMs: 1_000 })
  return { once, key: randomUUID(), rowOf, letGo, tries: () => tries }
}

it('those who wait hold no connection', async () => {
  const pool = openCommandPool(doors.database.address, 2)
  const narrow = new Once({ pool, waitMs: 20_000 })
  const key = randomUUID()
  const gate = Promise.withResolvers<void>()
  const holding = narrow.run(requestOf(key), async (...args) => {
    await gate.promise
    return effect(key)(...args)
  })
  const waiting = Array.from({ length: 50 }, () => run(narrow, key))
  await pause(0)
  expect((await run(narrow, randomUUID())).kind).toBe('executed')
  gate.resolve()
  await holding
  expect(kindsOf(await Promise.all(waiting))).toEqual({ replayed: 50 })
  await pool.end()
})
