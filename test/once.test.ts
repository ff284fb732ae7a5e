import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { isDuplicateKey } from '../db/errors.ts'
import { AnswerTooLarge, jsonReply } from '../src/idempotency/answer.ts'
import { fingerprint } from '../src/idempotency/key.ts'
import type { Handle } from '../src/idempotency/once.ts'
import { effectsAt, takeEffect } from './support/once-app.ts'
import { useOnceDoors } from './support/once-doors.ts'
import { answerIn, effect, kindsOf, requestOf, run } from './support/once-requests.ts'

const doors = useOnceDoors('once')

describe('a key', () => {
  it('executes once, and its answer is the same ever after, in this process and in others', async () => {
    const key = randomUUID()
    const first = answerIn(await run(doors.once, key))
    for (const door of [doors.once, doors.other, doors.once]) {
      const again = await run(door, key)
      expect(again.kind).toBe('replayed')
      expect(answerIn(again)).toEqual(first)
    }
    expect(first).toMatchObject({ status: 201, headers: { location: `/effects/${key}` } })
    expect(first.headers).not.toHaveProperty('set-cookie')
    expect(await effectsAt(doors.database.pool, key)).toEqual(['a'])
  })

  it('that many want at once, in two processes, executes once, and all get its answer', async () => {
    const key = randomUUID()
    const results = await Promise.all(
      Array.from({ length: 40 }, (_, index) => run(index % 2 === 0 ? doors.once : doors.other, key)),
    )
    expect(kindsOf(results)).toEqual({ executed: 1, replayed: 39 })
    expect(new Set(results.map((result) => answerIn(result).body.toString())).size).toBe(1)
    expect(await effectsAt(doors.database.pool, key)).toEqual(['a'])
  })

  it('that comes with other content is a mismatch, whether it is running, done or pruned, and executes nothing', async () => {
    const key = randomUUID()
    const gate = Promise.withResolvers<void>()
    const running = doors.once.run(requestOf(key), async (...args) => {
      await gate.promise
      return effect(key)(...args)
    })
    const waiting = run(doors.once, key, { content: 'b' })
    gate.resolve()
    await running
    expect(await waiting).toEqual({ kind: 'mismatch' })
    for (const door of [doors.once, doors.other])
      expect(await run(door, key, { content: 'b' })).toEqual({ kind: 'mismatch' })
    await markPruned(key)
    expect(await run(doors.other, key, { content: 'b' })).toEqual({ kind: 'mismatch' })
    expect(await run(doors.other, key)).toEqual({ kind: 'expired' })
    expect(await effectsAt(doors.database.pool, key)).toEqual(['a'])
  })

  it('whose request comes to nothing says nothing of other content that waited: it executes', async () => {
    const key = randomUUID()
    const gate = Promise.withResolvers<void>()
    const failing = doors.once.run(requestOf(key), async () => {
      await gate.promise
      throw new Error('the handler is broken')
    })
    const waiting = run(doors.once, key, { content: 'b' })
    gate.resolve()
    await expect(failing).rejects.toThrow('the handler is broken')
    expect((await waiting).kind).toBe('executed')
    expect(await effectsAt(doors.database.pool, key)).toEqual(['b'])
  })

  it('of a declined request stands: what the handler wrote is committed with the answer', async () => {
    const key = randomUUID()
    const first = await run(doors.once, key, { content: 'a', end: 'declined' })
    const again = await run(doors.other, key, { content: 'a', end: 'declined' })
    expect(first).toMatchObject({ kind: 'executed', answer: { status: 402 } })
    expect(again).toEqual({ kind: 'replayed', answer: answerIn(first) })
    expect(await effectsAt(doors.database.pool, key)).toEqual(['a'])
  })

  it('of a refused request is free again, and what the handler wrote is gone', async () => {
    const key = randomUUID()
    const refused = await run(doors.once, key, { content: 'a', end: 'invalid' })
    expect(refused).toMatchObject({ kind: 'refused', answer: { status: 422 } })
    expect(answerIn(refused).headers, 'as the handler said it').toHaveProperty('set-cookie')
    expect(await effectsAt(doors.database.pool, key)).toEqual([])
    expect(await run(doors.other, key, { content: 'corrected' })).toMatchObject({ kind: 'executed' })
    expect(await effectsAt(doors.database.pool, key)).toEqual(['corrected'])
  })

  it('of a request that failed is free again, and one of those who waited executes', async () => {
    const key = randomUUID()
    const gate = Promise.withResolvers<void>()
    const failing = doors.once.run(requestOf(key), async (connection, claim) => {
      await takeEffect(connection, claim, key, { content: 'undone' })
      await gate.promise
      throw new Error('the handler is broken')
    })
    const waiting = [run(doors.once, key), run(doors.once, key)]
    gate.resolve()
    await expect(failing).rejects.toThrow('the handler is broken')
    expect(kindsOf(await Promise.all(waiting))).toEqual({ executed: 1, replayed: 1 })
    expect(await effectsAt(doors.database.pool, key)).toEqual(['a'])
  })

  it('whose handler says so is kept or freed against its status', async () => {
    const [kept, freed] = [randomUUID(), randomUUID()]
    const say =
      (status: number, keep: boolean): Handle =>
      async () => ({ ...jsonReply(status, {}), keep })
    await doors.once.run(requestOf(kept), say(422, true))
    expect((await doors.once.run(requestOf(kept), say(200, true))).kind).toBe('replayed')
    expect((await doors.once.run(requestOf(freed), say(200, false))).kind).toBe('refused')
    expect((await doors.once.run(requestOf(freed), say(200, true))).kind).toBe('executed')
  })

  it('whose answer is too long to be kept executes nothing', async () => {
    const key = randomUUID()
    const long: Handle = async (connection, claim) => {
      const reply = await takeEffect(connection, claim, key, { content: 'a' })
      return { ...reply, body: Buffer.alloc(65_537) }
    }
    await expect(doors.once.run(requestOf(key), long)).rejects.toThrow(AnswerTooLarge)
    expect(await effectsAt(doors.database.pool, key)).toEqual([])
  })

  it('keeps empty, binary and 64 KiB long answers byte for byte', async () => {
    for (const body of [Buffer.alloc(0), Buffer.from([0, 255, 128, 10]), Buffer.alloc(65_536, 'é')]) {
      const key = randomUUID()
      const say: Handle = async () => ({ status: 200, body })
      await doors.once.run(requestOf(key), say)
      expect(answerIn(await doors.other.run(requestOf(key), say)).body.equals(body)).toBe(true)
    }
  })
})

it('a unique key of the handler that is taken is for the handler to tell by its name', async () => {
  await doors.database.pool.query(
    'CREATE TABLE seats (seat INT NOT NULL, UNIQUE KEY one_rider_per_seat (seat))',
  )
  const take: Handle = async (connection) => {
    try {
      await connection.query('INSERT INTO seats VALUES (1)')
      return jsonReply(201, { taken: true })
    } catch (error) {
      if (!isDuplicateKey(error, 'one_rider_per_seat')) throw error
      return jsonReply(409, { taken: false })
    }
  }
  const key = randomUUID()
  expect(await doors.once.run(requestOf(randomUUID()), take)).toMatchObject({ answer: { status: 201 } })
  expect(await doors.once.run(requestOf(key), take)).toMatchObject({
    kind: 'executed',
    answer: { status: 409 },
  })
  await doors.database.pool.query('DELETE FROM seats')
  expect(await doors.once.run(requestOf(key), take)).toMatchObject({
    kind: 'replayed',
    answer: { status: 409 },
  })
})

it('without a key each request executes, and a refused one leaves nothing', async () => {
  const place = randomUUID()
  const request = { key: null, fingerprint: fingerprint('test', ['a']) }
  const results = [
    await doors.once.run(request, effect(place)),
    await doors.once.run(request, effect(place)),
    await doors.once.run(request, effect(place, { content: 'a', end: 'invalid' })),
  ]
  expect(results.map(({ kind }) => kind)).toEqual(['executed', 'executed', 'refused'])
  expect(await effectsAt(doors.database.pool, place)).toEqual(['a', 'a'])
})

async function markPruned(key: string): Promise<void> {
  await doors.database.pool.query("UPDATE idempotency_keys SET state = 'pruned' WHERE record_key = ?", [
    requestOf(key).key,
  ])
}
