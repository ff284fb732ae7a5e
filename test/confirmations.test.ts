import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { adoptUnasked, takeDoubtful } from '../src/webhooks/asking/confirm-store.ts'
import type { NewEvent } from '../src/webhooks/event.ts'
import { listEvents } from '../src/webhooks/event-list.ts'
import { findReplayable, replayEvents } from '../src/webhooks/operate.ts'
import { eventRow, expectBooksAgree, fateOf, standingOf } from './support/books.ts'
import { ConfirmScene, says } from './support/confirm-scene.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { keysOf } from './support/explain.ts'
import { eventOf, expected, Processing, store } from './support/processing.ts'

const DEED = { actor: 'test', reason: 'seen in the dashboard' }
let database: TestDatabase
let here: Processing
let scene: ConfirmScene

beforeAll(async () => {
  database = await testDatabase('confirmations')
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

describe('an event that its signature does not prove', () => {
  it('moves no money before the gateway was asked, and then once', async () => {
    const { event, merchantRef } = await scene.doubted()
    await here.processor.process([event.id])
    expect(await standingOf(here.pool, merchantRef)).toBe('created 0 v0')
    scene.gateway.answer = () => says(event)
    const desk = scene.desk()
    await scene.settle(desk)
    await scene.settle(desk)
    expect(await fateOf(here.pool, event)).toBe('processed/applied')
    expect(await standingOf(here.pool, merchantRef)).toBe('captured 10000 v1')
    expect(scene.gateway.asked.map(({ path }) => path)).toEqual([`GET /payments/${event.fact?.operationRef}`])
    expect(scene.gateway.asked[0]?.headers.authorization).toBe('key-1')
    expect(desk.outcomes).toEqual(['confirmed'])
    expect((await eventRow(here.pool, event)).confirmed_at).toBeInstanceOf(Date)
  })

  it('and came under the id of a forged one is asked about by itself: the true one is booked', async () => {
    const payment = expected()
    await here.register(payment)
    const { merchantRef } = payment
    const shape = { merchantRef, operationRef: `op-${merchantRef}`, eventId: `evt-${merchantRef}` }
    const forged = eventOf({ ...shape, confirmFirst: true, amountMinor: 1n })
    const genuine = eventOf({ ...shape, confirmFirst: true })
    await here.commit.store(forged)
    expect(await here.commit.store(genuine)).toMatchObject({ kind: 'conflict', id: forged.id })
    expect(await fateOf(here.pool, genuine)).toBe('unconfirmed/confirmation_needed')
    scene.gateway.answer = () => says(genuine)
    const desk = scene.desk()
    await scene.settle(desk)
    expect(await fateOf(here.pool, forged)).toBe('quarantined/gateway_disagrees')
    expect(await fateOf(here.pool, genuine)).toBe('processed/applied')
    expect(await standingOf(here.pool, merchantRef)).toBe('captured 10000 v1')
    expect(desk.outcomes.toSorted()).toEqual(['confirmed', 'differs'])
  })

  it.each([
    ['knows of no such payment', () => ({ status: 404 }), 'quarantined/gateway_denies', 'denied'],
    [
      'says another amount',
      (e: NewEvent) => says(e, { amountMinor: 9_999n }),
      'quarantined/gateway_disagrees',
      'differs',
    ],
    [
      'says another currency',
      (e: NewEvent) => says(e, { currency: 'USD' }),
      'quarantined/gateway_disagrees',
      'differs',
    ],
    [
      'says that it failed',
      (e: NewEvent) => says(e, { kind: 'failed' }),
      'quarantined/gateway_disagrees',
      'differs',
    ],
    [
      'says that it is of another payment',
      (e: NewEvent) => says(e, { merchantRef: 'm-2' }),
      'quarantined/gateway_disagrees',
      'differs',
    ],
  ])('is quarantined where the gateway %s', async (_, answer, fate, outcome) => {
    const { event, merchantRef } = await scene.doubted()
    scene.gateway.answer = () => answer(event)
    const desk = scene.desk()
    await scene.settle(desk)
    expect(await fateOf(here.pool, event)).toBe(fate)
    expect(desk.outcomes).toEqual([outcome])
    expect(await standingOf(here.pool, merchantRef)).toBe('created 0 v0')
    expect(
      here.lines.filter(({ msg }) => String(msg).startsWith('ALARM: a gateway does not confirm')).length,
    ).toBeGreaterThan(0)
  })

  it.each([
    ['cannot say yet', () => ({ json: { status: 'pending' } }), 'waiting'],
    ['has trouble', () => ({ status: 503 }), 'away'],
    ['is asked too often', () => ({ status: 429 }), 'away'],
    ['breaks off', () => ({ breaksOff: true }), 'away'],
    ['does not take our key', () => ({ status: 401 }), 'refused'],
    ['answers what cannot be read', () => ({ json: { status: 'paid', amount: 'much' } }), 'refused'],
  ])('waits and is asked again where the gateway %s', async (_, answer, outcome) => {
    const { event, merchantRef } = await scene.doubted()
    scene.gateway.answer = answer
    const desk = scene.desk()
    await scene.settle(desk)
    expect(desk.outcomes).toEqual([outcome])
    expect(await fateOf(here.pool, event)).toBe('unconfirmed/confirmation_needed')
    expect(await eventRow(here.pool, event)).toMatchObject({ attempts: 1 })
    expect(Number((await eventRow(here.pool, event)).due_in_seconds)).toBeGreaterThan(1)
    scene.gateway.answer = () => says(event)
    await scene.comeDue(event)
    await scene.settle(scene.desk())
    expect(await standingOf(here.pool, merchantRef)).toBe('captured 10000 v1')
  })

  it('waits as long as its gateway asked to be left alone, and so do the others', async () => {
    const { event } = await scene.doubted()
    scene.gateway.answer = () => ({ status: 429, headers: { 'retry-after': '900' } })
    const desk = scene.desk()
    await scene.settle(desk)
    expect(Number((await eventRow(here.pool, event)).due_in_seconds)).toBeGreaterThan(890)
    const { event: other } = await scene.doubted()
    await scene.settle(desk)
    expect(desk.outcomes).toEqual(['away', 'away'])
    expect(Number((await eventRow(here.pool, other)).due_in_seconds)).toBeGreaterThan(890)
    expect(scene.gateway.asked).toHaveLength(1)
    await here.pool.query("UPDATE webhook_events SET state = 'discarded' WHERE state = 'unconfirmed'")
  })

  it('tells nobody a credential that no header can have', async () => {
    const { event } = await scene.doubted()
    const desk = scene.desk({ API_KEY: 'key\nhush-hush' })
    await scene.settle(desk)
    expect(desk.outcomes).toEqual(['refused'])
    expect((await eventRow(here.pool, event)).last_error).toMatch(/^a credential has characters/)
    expect(JSON.stringify(here.lines)).not.toContain('hush')
    await here.pool.query("UPDATE webhook_events SET state = 'discarded' WHERE id = ?", [event.id])
  })

  it('leaves a gateway alone that was away five times in a row', async () => {
    const events = await Promise.all(Array.from({ length: 7 }, () => scene.doubted()))
    scene.gateway.answer = () => ({ status: 500 })
    const desk = scene.desk()
    for (let turn = 0; turn < 2; turn += 1) {
      await desk.confirmations.runOnce()
      for (const { event } of events) await scene.comeDue(event)
    }
    expect(scene.gateway.asked.length).toBeLessThan(14)
    const after = scene.gateway.asked.length
    await desk.confirmations.runOnce()
    expect(scene.gateway.asked.length).toBe(after)
    await here.pool.query("UPDATE webhook_events SET state = 'discarded' WHERE state = 'unconfirmed'")
  })

  it('is asked about for some days, and then left to a person', async () => {
    const { event } = await scene.doubted()
    scene.gateway.answer = () => ({ status: 503 })
    await here.pool.query('UPDATE webhook_events SET attempts = 59 WHERE id = ?', [event.id])
    const desk = scene.desk()
    await scene.settle(desk)
    expect(desk.outcomes).toEqual(['given_up'])
    expect(await eventRow(here.pool, event)).toMatchObject({
      state: 'unconfirmed',
      reason: 'confirmation_failed',
      next_at: null,
    })
  })
})

describe('an account without credentials', () => {
  it('asks nobody; the event stays visible, and is asked about once there are some', async () => {
    const { event, merchantRef } = await scene.doubted()
    scene.gateway.answer = () => says(event)
    await scene.settle(scene.desk({ API_KEY: ' ' }))
    expect(scene.gateway.asked).toEqual([])
    expect(await eventRow(here.pool, event)).toMatchObject({ state: 'unconfirmed', next_at: null })
    await scene.settle(scene.desk())
    expect(await standingOf(here.pool, merchantRef)).toBe('captured 10000 v1')
  })
})

describe('a hint', () => {
  const hint = async () => {
    const { event, merchantRef } = await scene.doubted()
    const bare: NewEvent = {
      ...eventOf({ confirmFirst: true, isIgnored: true }),
      isHint: true,
      state: 'unconfirmed',
      outcome: null,
      reason: 'confirmation_needed',
    }
    await here.pool.query('DELETE FROM webhook_events WHERE id = ?', [event.id])
    await store(here.pool, bare)
    return { bare, event, merchantRef }
  }

  it('is asked about after the stretch that its id stands for, and becomes the fact that the gateway tells', async () => {
    const { bare, event, merchantRef } = await hint()
    scene.gateway.answer = () => says(event)
    await scene.settle(scene.desk())
    expect(scene.gateway.asked).toEqual([])
    expect(Number((await eventRow(here.pool, bare)).due_in_seconds)).toBeGreaterThan(8)
    await scene.comeDue(bare)
    await scene.settle(scene.desk())
    expect(await fateOf(here.pool, bare)).toBe('processed/applied')
    expect(await standingOf(here.pool, merchantRef)).toBe('captured 10000 v1')
  })

  it('that is replayed is asked about again, and not put away as nothing', async () => {
    const { bare } = await hint()
    await replayEvents(here.pool, [bare.id], DEED)
    await here.processor.process([bare.id])
    expect(await fateOf(here.pool, bare)).toBe('unconfirmed/confirmation_needed')
    expect((await eventRow(here.pool, bare)).next_at).not.toBeNull()
    await here.pool.query('DELETE FROM webhook_events WHERE id = ?', [bare.id])
  })
})

it('is listed, and may be replayed by its state, while its gateway is being asked', async () => {
  const { event } = await scene.doubted()
  const filter = { state: 'unconfirmed' } as const
  const { events } = await listEvents(here.pool, filter, { limit: 50 })
  expect(events.map(({ id }) => id)).toContainEqual(event.id)
  expect(await findReplayable(here.pool, filter, 50)).toContainEqual(event.id)
  await here.pool.query('DELETE FROM webhook_events WHERE id = ?', [event.id])
})

it('finds the events by an index', async () => {
  const taking = await keysOf(database, (connection) => takeDoubtful(connection, 8, 60))
  expect(taking).toEqual([['due']])
  const adopting = await keysOf(
    database,
    (connection) => adoptUnasked(connection, { gateway: 'x', account: 'y' }, 10),
    { affectedRows: 0 },
  )
  expect(adopting).toEqual([['due']])
})
