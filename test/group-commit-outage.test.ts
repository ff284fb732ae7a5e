import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { StoreUnavailable } from '../src/webhooks/commit-batch.ts'
import type { GroupCommit } from '../src/webhooks/group-commit.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { capture, type EventShape } from './support/events.ts'
import { type FaultyStore, openFaultyStore } from './support/faulty-store.ts'
import { waitForLockWait } from './support/locks.ts'
import { storedEvents } from './support/stored-events.ts'
import type { TcpProxy } from './support/tcp-proxy.ts'
import { deliver, type Told } from './support/told.ts'

/** What a gateway is promised, with the database in whatever state. */
const PROMISED_MS = 2_000

let database: TestDatabase
let faulty: FaultyStore
let proxy: TcpProxy
let store: GroupCommit

beforeAll(async () => {
  database = await testDatabase('group-commit-outage')
})
afterAll(() => database?.drop())
beforeEach(async () => {
  faulty = await openFaultyStore(database)
  proxy = faulty.proxy
  store = faulty.store
})
afterEach(() => faulty.close())

describe('a database that stopped answering', () => {
  it('makes every waiter learn so in time, those behind the stuck ones too, and is used again afterwards', async () => {
    proxy.freeze()
    const waves: Promise<Told>[] = []
    for (let wave = 0; wave < 6; wave += 1) {
      for (let index = 0; index < 300; index += 1) waves.push(unavailableInTime())
      await pause(250)
    }
    await Promise.all(waves)
    expect(store.waiting).toBe(0)
    await expect(store.store(capture()), 'still frozen').rejects.toThrow(StoreUnavailable)
    proxy.thaw()
    await expectUsable()
  })

  it('in the middle of a rollback does not hold a writer for ever', async () => {
    const holder = await database.pool.getConnection()
    try {
      await holder.query('START TRANSACTION')
      await holder.query("SELECT id FROM webhook_events WHERE event_id = 'evt_before' FOR UPDATE")
      const frozen = proxy.freezeAt('ROLLBACK')
      const told = unavailableInTime(capture({ eventId: 'evt_before' }))
      // Its own wait for the lock may last as long as the whole promise on MySQL, and would then end without a ROLLBACK.
      await database.pool.query(`KILL QUERY ${await waitForLockWait(database.address)}`)
      await frozen
      await told
    } finally {
      holder.destroy()
    }
    proxy.thaw()
    await expectUsable()
  })

  it('while it is being connected to, leaves no time for a second full wait', async () => {
    proxy.cutAll()
    proxy.freeze()
    await unavailableInTime()
    proxy.thaw()
    await expectUsable()
  })

  it('between connecting and the statement, leaves no time for a second full wait', async () => {
    proxy.cutAll()
    proxy.freeze()
    const told = unavailableInTime()
    await pause(PROMISED_MS / 3)
    const frozen = proxy.freezeAt('INSERT')
    proxy.thaw()
    await frozen
    await told
    proxy.thaw()
    await expectUsable()
  })

  it('on a connection that died without a word is reached over another one the next time', async () => {
    proxy.freezeLinks()
    await unavailableInTime()
    expect(await deliver(store, capture())).toMatchObject({ kind: 'stored' })
  })

  it('and comes back does not let the oldest waiter take the younger ones along', async () => {
    const deadlineMs = 600
    const patient = faulty.another({ deadlineMs })
    proxy.freeze()
    const stuck = [deliver(patient, capture())]
    await new Promise(setImmediate)
    stuck.push(deliver(patient, capture()))
    await new Promise(setImmediate)
    const old = deliver(patient, capture())
    await pause(deadlineMs / 2)
    const young = deliver(patient, capture())
    await Promise.all(stuck)
    proxy.thaw()
    expect(await old).toMatchObject({ kind: 'unavailable' })
    expect(await young).toMatchObject({ kind: 'stored' })
  })
})

describe('a database that is not there', () => {
  it('makes every waiter learn so in time, and is used again when it is', async () => {
    await proxy.refuse()
    await Promise.all(Array.from({ length: 300 }, () => unavailableInTime()))
    await proxy.accept()
    await expectUsable()
  })

  it('and is back within the deadline was only slow', async () => {
    await proxy.refuse()
    const told = deliver(store, capture())
    await new Promise(setImmediate)
    await proxy.accept()
    expect(await told).toMatchObject({ kind: 'stored' })
  })
})

describe('a queue that is full', () => {
  it.each<[string, EventShape, number, number]>([
    ['20,000 deliveries', { body: Buffer.alloc(0) }, 20_500, 20_000],
    ['64 MiB of bodies', { body: Buffer.alloc(1024 * 1024) }, 80, 64],
  ])(
    'of %s turns the others away at once, and takes as many again when those are gone',
    async (_, shape, tried, taken) => {
      proxy.freeze()
      const hasty = faulty.another({ deadlineMs: 300 })
      const events = Array.from({ length: tried }, () => capture(shape))
      for (const round of ['first', 'second']) {
        const waiting = events.map((event) => hasty.store(event).catch((error: unknown) => error))
        expect(hasty.waiting, `${round} round`).toBe(taken)
        await expectTurnedAwayAtOnce(hasty)
        for (const error of await Promise.all(waiting)) expect(error).toBeInstanceOf(StoreUnavailable)
        expect(hasty.waiting).toBe(0)
      }
    },
  )
})

/** At once: before the event loop turns. */
async function expectTurnedAwayAtOnce(full: GroupCommit): Promise<void> {
  let isLater = false
  setImmediate(() => {
    isLater = true
  })
  const error = await full.store(capture()).catch((reason: unknown) => reason)
  expect(isLater).toBe(false)
  expect(error).toBeInstanceOf(StoreUnavailable)
}

async function unavailableInTime(event = capture()): Promise<Told> {
  const startedMs = performance.now()
  const told = await deliver(store, event)
  expect(performance.now() - startedMs).toBeLessThan(PROMISED_MS)
  expect(told.kind).toBe('unavailable')
  return told
}

/** New deliveries are stored, over a pool that was broken before, and more of them than it has connections. */
async function expectUsable(): Promise<void> {
  const told = await Promise.all(Array.from({ length: 300 }, () => deliver(store, capture())))
  expect(new Set(told.map(({ kind }) => kind))).toEqual(new Set(['stored']))
  const ids = new Set((await storedEvents(database.pool)).map(({ id }) => id))
  expect(told.every(({ id }) => ids.has(id))).toBe(true)
}
