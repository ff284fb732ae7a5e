import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Database, openDatabase } from '../db/pools.ts'
import { StoreUnavailable } from '../src/webhooks/commit-batch.ts'
import { GroupCommit } from '../src/webhooks/group-commit.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { capture } from './support/events.ts'
import { propertyRuns } from './support/property-runs.ts'
import { expectToldAndStoredAgree, storedEvents } from './support/stored-events.ts'
import { type Cut, TcpProxy } from './support/tcp-proxy.ts'
import { deliver, type Told } from './support/told.ts'

/** What a gateway is promised, with the database in whatever state. */
const PROMISED_MS = 2_000

let database: TestDatabase
let proxy: TcpProxy
let pools: Database
let store: GroupCommit

beforeAll(async () => {
  database = await testDatabase('group-commit-faults')
})
afterAll(() => database?.drop())
beforeEach(async () => {
  await database.pool.query('DELETE FROM webhook_events')
  proxy = await TcpProxy.open(database.address)
  pools = openDatabase({ ...database.address, host: '127.0.0.1', port: proxy.port }, 1)
  store = new GroupCommit({ pool: pools.ingest, onStored: () => undefined })
  await store.store(capture({ eventId: 'evt_before' }))
})
afterEach(async () => {
  await proxy.close()
  await pools.close()
})

describe('a verdict', () => {
  it('is not given before the server has answered the commit', async () => {
    proxy.holdAnswers()
    const event = capture()
    let told: Told | null = null
    const answer = deliver(store, event).then((given) => {
      told = given
    })
    await proxy.answersHeld(1)
    expect(await storedEvents(database.pool), 'it is committed').toHaveLength(2)
    expect(told, 'and nobody knows yet').toBeNull()
    proxy.releaseAnswers()
    await answer
    expect(told).toMatchObject({ kind: 'stored' })
  })

  it('is not given while the insert has not reached the server', async () => {
    const event = capture()
    const frozen = proxy.freezeAt(event.eventId)
    let isTold = false
    const answer = deliver(store, event).finally(() => {
      isTold = true
    })
    await frozen
    expect(await storedEvents(database.pool)).toHaveLength(1)
    expect(isTold).toBe(false)
    proxy.thaw()
    expect(await answer).toMatchObject({ kind: 'stored' })
  })
})

describe('a connection that is cut', () => {
  it.each(['request', 'sent', 'answer'] as const)(
    'at the %s of an insert: the row is stored once and its delivery is told so',
    async (at) => {
      const event = capture()
      const struck = proxy.arm({ at, containing: event.eventId })
      const told = await deliver(store, event)
      await struck
      expect(told).toMatchObject({ kind: 'stored', standing: event.id.toString('hex') })
      const rows = await storedEvents(database.pool)
      expect(rows.filter(({ eventId }) => eventId === event.eventId)).toHaveLength(1)
      expectToldAndStoredAgree([told], rows, true)
    },
  )

  it.each(['request', 'sent', 'answer'] as const)(
    'at the %s of an insert of the same key with other money: both are kept',
    async (at) => {
      const first = capture()
      await store.store(first)
      const other = capture({ eventId: first.eventId, amountMinor: 1n })
      const struck = proxy.arm({ at, containing: other.id })
      const told = await deliver(store, other)
      await struck
      expect(told).toMatchObject({ kind: 'conflict', standing: first.id.toString('hex') })
      expectToldAndStoredAgree([told], await storedEvents(database.pool), true)
    },
  )

  it('on both connections, again and again, at any moment: what is told agrees with what is stored', async () => {
    const cut: fc.Arbitrary<Cut> = fc.oneof(
      fc.record({
        at: fc.constantFrom('request' as const, 'sent' as const, 'answer' as const),
        containing: fc.constantFrom('evt_1', 'evt_2', 'evt_3', 'INSERT', 'SELECT', 'SET '),
      }),
      fc.record({ at: fc.constant('packet' as const), number: fc.integer({ min: 1, max: 12 }) }),
    )
    const delivery = fc.record({ key: fc.nat(9), amount: fc.integer({ min: 1, max: 2 }) })
    const waves = fc.array(fc.record({ cut, wave: fc.array(delivery, { minLength: 1, maxLength: 40 }) }), {
      minLength: 1,
      maxLength: 6,
    })
    let strikes = 0
    await fc.assert(
      fc.asyncProperty(waves, async (drawn) => {
        await database.pool.query('DELETE FROM webhook_events')
        const told: Told[] = []
        for (const { cut: next, wave } of drawn) {
          void proxy.arm(next).then(() => {
            strikes += 1
          })
          const events = wave.map(({ key, amount }) =>
            capture({ eventId: `evt_${key}`, amountMinor: BigInt(amount) }),
          )
          told.push(...(await Promise.all(events.map((event) => deliver(store, event)))))
        }
        expect(told.filter(({ kind }) => kind === 'unavailable' || kind === 'refused')).toEqual([])
        expectToldAndStoredAgree(told, await storedEvents(database.pool))
      }),
      propertyRuns(30),
    )
    expect(strikes, 'connections were cut').toBeGreaterThan(30)
  })
})

describe('a database that stopped answering', () => {
  it('makes every waiter learn so in time, those behind the stuck ones too, and is used again afterwards', async () => {
    proxy.freeze()
    const startedMs = performance.now()
    const waiters = Array.from({ length: 1_000 }, () => deliver(store, capture()))
    const told = await Promise.all(waiters)
    expect(performance.now() - startedMs).toBeLessThan(PROMISED_MS)
    expect(new Set(told.map(({ kind }) => kind))).toEqual(new Set(['unavailable']))
    expect(store.waiting).toBe(0)
    await expect(store.store(capture()), 'still frozen').rejects.toThrow(StoreUnavailable)
    proxy.thaw()
    await expectUsable()
  })

  it('in the middle of a rollback does not hold a writer for ever', async () => {
    const holder = await database.pool.getConnection()
    await holder.query('START TRANSACTION')
    await holder.query("SELECT id FROM webhook_events WHERE event_id = 'evt_before' FOR UPDATE")
    const frozen = proxy.freezeAt('ROLLBACK')
    const startedMs = performance.now()
    const told = [capture({ eventId: 'evt_before' })].map((event) => deliver(store, event))
    await frozen
    expect(await Promise.all(told)).toMatchObject([{ kind: 'unavailable' }])
    expect(performance.now() - startedMs).toBeLessThan(PROMISED_MS)
    await holder.query('ROLLBACK')
    holder.release()
    proxy.thaw()
    await expectUsable()
  })

  it('while it is being connected to, leaves no time for a second full wait', async () => {
    proxy.cutAll()
    proxy.freeze()
    const startedMs = performance.now()
    const told = deliver(store, capture())
    await expect(told).resolves.toMatchObject({ kind: 'unavailable' })
    expect(performance.now() - startedMs).toBeLessThan(PROMISED_MS)
    proxy.thaw()
    await expectUsable()
  })

  it('and comes back does not let the oldest waiter take the younger ones along', async () => {
    const deadlineMs = 600
    const patient = new GroupCommit({ pool: pools.ingest, onStored: () => undefined, deadlineMs })
    proxy.freeze()
    const stuck = [deliver(patient, capture())]
    await new Promise(setImmediate)
    stuck.push(deliver(patient, capture()))
    await new Promise(setImmediate)
    const old = deliver(patient, capture())
    await new Promise((resolve) => setTimeout(resolve, deadlineMs / 2))
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
    const startedMs = performance.now()
    const told = await Promise.all(Array.from({ length: 300 }, () => deliver(store, capture())))
    expect(performance.now() - startedMs).toBeLessThan(PROMISED_MS)
    expect(new Set(told.map(({ kind }) => kind))).toEqual(new Set(['unavailable']))
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

  it('makes new deliveries be turned away at once when too many wait already', async () => {
    proxy.freeze()
    const big = Buffer.alloc(1024 * 1024)
    const waiting = Array.from({ length: 80 }, () => deliver(store, capture({ body: big })))
    await expectTurnedAwayAtOnce()
    await Promise.all(waiting)
    const many = Array.from({ length: 21_000 }, () => capture({ body: Buffer.alloc(0) }))
    const toldMany = many.map((event) => deliver(store, event))
    await expectTurnedAwayAtOnce()
    await Promise.all(toldMany)
    proxy.thaw()
    await expectUsable()
  })
})

/** At once: before the event loop turns. */
async function expectTurnedAwayAtOnce(): Promise<void> {
  let isLater = false
  setImmediate(() => {
    isLater = true
  })
  const error = await store.store(capture()).catch((reason: unknown) => reason)
  expect(isLater).toBe(false)
  expect(error).toBeInstanceOf(StoreUnavailable)
}

/** New deliveries are stored, over a pool that was broken before, and more of them than it has connections. */
async function expectUsable(): Promise<void> {
  const told = await Promise.all(Array.from({ length: 300 }, () => deliver(store, capture())))
  expect(new Set(told.map(({ kind }) => kind))).toEqual(new Set(['stored']))
  const ids = new Set((await storedEvents(database.pool)).map(({ id }) => id))
  expect(told.every(({ id }) => ids.has(id))).toBe(true)
}
