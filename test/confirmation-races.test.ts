import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openPool } from '../db/pools.ts'
import { inTransaction } from '../db/transaction.ts'
import { idToText } from '../src/base/ids.ts'
import { takeDoubtful } from '../src/webhooks/asking/confirm-store.ts'
import { discardEvents, releaseEvents, replayEvents } from '../src/webhooks/operate.ts'
import { eventRow, expectBooksAgree, fateOf, standingOf } from './support/books.ts'
import { ConfirmScene, says } from './support/confirm-scene.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { Processing } from './support/processing.ts'

const DEED = { actor: 'test', reason: 'seen in the dashboard' }
let database: TestDatabase
let here: Processing
let scene: ConfirmScene

beforeAll(async () => {
  database = await testDatabase('confirmation_races')
  here = new Processing(database)
  scene = await ConfirmScene.open(here)
})
afterAll(async () => {
  await expectBooksAgree(database.pool)
  await scene?.gateway.close()
  await here?.close()
  await database?.drop()
})
beforeEach(() => {
  scene.gateway.asked.length = 0
})

describe('several who ask', () => {
  it('ask once about one event', async () => {
    const { event } = await scene.doubted()
    scene.gateway.answer = () => says(event)
    await Promise.all(
      [scene.desk(), scene.desk(), scene.desk()].map(({ confirmations }) => confirmations.runOnce()),
    )
    await here.drain()
    expect(scene.gateway.asked).toHaveLength(1)
  })

  it('take over after the lease of one who died between the question and the answer', async () => {
    const { event, merchantRef } = await scene.doubted()
    scene.gateway.answer = () => says(event)
    const taken = await inTransaction(here.pool, 'die', (connection) => takeDoubtful(connection, 8, 60))
    expect(taken.map(({ id }) => id)).toContainEqual(event.id)
    await scene.settle(scene.desk())
    expect(scene.gateway.asked).toEqual([])
    await scene.comeDue(event)
    await scene.settle(scene.desk())
    expect(await standingOf(here.pool, merchantRef)).toBe('captured 10000 v1')
  })

  it('are waited for to the last one where the database does not take an answer; that one is asked for again', async () => {
    const pool = openPool(database.address, { connectionLimit: 4, lockWaitSeconds: 1 })
    const { event: stuck, merchantRef: stuckRef } = await scene.doubted()
    const { event, merchantRef } = await scene.doubted()
    const holder = await here.pool.getConnection()
    const desk = scene.desk({ API_KEY: 'key-1' }, pool)
    scene.gateway.answer = async (path) => {
      if (path.endsWith(`/${event.fact?.operationRef}`)) {
        await expect.poll(() => desk.outcomes, { timeout: 9_000 }).toContain('unwritten')
        return says(event)
      }
      await holder.query('START TRANSACTION')
      await holder.query('SELECT id FROM webhook_events WHERE id = ? FOR UPDATE', [stuck.id])
      return says(stuck)
    }
    expect(await desk.confirmations.runOnce()).toBe(2)
    await holder.query('ROLLBACK')
    holder.release()
    await pool.end()
    expect(desk.outcomes).toEqual(['unwritten', 'confirmed'])
    const told = here.lines.filter(({ msg }) =>
      String(msg).startsWith('what came of asking a gateway was not'),
    )
    expect(told).toMatchObject([{ eventId: idToText(stuck.id), err: { code: 'ER_LOCK_WAIT_TIMEOUT' } }])
    expect(await eventRow(here.pool, stuck)).toMatchObject({ state: 'unconfirmed', attempts: 0 })
    expect(Number((await eventRow(here.pool, stuck)).due_in_seconds)).toBeGreaterThan(30)
    scene.gateway.answer = () => says(stuck)
    await scene.comeDue(stuck)
    await scene.settle()
    expect(await standingOf(here.pool, stuckRef)).toBe('captured 10000 v1')
    expect(await standingOf(here.pool, merchantRef)).toBe('captured 10000 v1')
  })

  it('leave the event to whoever took it over: a no that came after the lease is not written', async () => {
    const { event, merchantRef } = await scene.doubted()
    const second = Promise.withResolvers<void>()
    scene.gateway.answer = async () => {
      scene.gateway.answer = async () => {
        second.resolve()
        await expect.poll(() => first.outcomes).toHaveLength(1)
        return says(event)
      }
      await scene.comeDue(event)
      const others = scene.desk().confirmations.runOnce()
      await second.promise
      void others
      return { status: 404 }
    }
    const first = scene.desk()
    await scene.settle(first)
    const standing = async () => {
      await here.drain()
      return standingOf(here.pool, merchantRef)
    }
    await expect.poll(standing).toBe('captured 10000 v1')
    expect(first.outcomes).toEqual(['overtaken'])
    expect(here.lines.filter(({ eventId }) => eventId === idToText(event.id))).toEqual([])
  })

  it('begin anew with an event that a person replays meanwhile, though they had asked in vain for days', async () => {
    const { event, merchantRef } = await scene.doubted()
    await here.pool.query('UPDATE webhook_events SET attempts = 59 WHERE id = ?', [event.id])
    scene.gateway.answer = async () => {
      await replayEvents(here.pool, [event.id], DEED)
      await here.processor.process([event.id])
      return { status: 503 }
    }
    const desk = scene.desk()
    await scene.settle(desk)
    expect(desk.outcomes).toEqual(['overtaken'])
    expect(await eventRow(here.pool, event)).toMatchObject({ attempts: 0, reason: 'confirmation_needed' })
    scene.gateway.answer = () => says(event)
    await scene.settle()
    expect(await standingOf(here.pool, merchantRef)).toBe('captured 10000 v1')
  })

  it('find what one without credentials put aside after they had begun', async () => {
    const desk = scene.desk()
    await desk.confirmations.runOnce()
    const { event, merchantRef } = await scene.doubted()
    await scene.desk({ API_KEY: '' }).confirmations.runOnce()
    expect((await eventRow(here.pool, event)).next_at).toBeNull()
    scene.gateway.answer = () => says(event)
    await scene.settle(desk)
    expect(await standingOf(here.pool, merchantRef)).toBe('captured 10000 v1')
  })

  const OPERATE = { releases: releaseEvents, discards: discardEvents }
  it.each([
    ['releases', 'processed/applied', 'captured 10000 v1'],
    ['discards', 'discarded', 'created 0 v0'],
  ] as const)('write nothing once a person %s the event meanwhile', async (how, fate, standing) => {
    for (const change of [{}, { amountMinor: 5n }]) {
      const { event, merchantRef } = await scene.doubted()
      scene.gateway.answer = async () => {
        await OPERATE[how](here.pool, [event.id], DEED)
        await here.processor.process([event.id])
        return says(event, change)
      }
      await scene.settle(scene.desk())
      expect(await fateOf(here.pool, event)).toMatch(fate)
      expect(await standingOf(here.pool, merchantRef)).toBe(standing)
    }
  })
})
