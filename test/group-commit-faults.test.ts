import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { GroupCommit } from '../src/webhooks/group-commit.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { capture } from './support/events.ts'
import { openFaultyStore } from './support/faulty-store.ts'
import { propertyRuns } from './support/property-runs.ts'
import { expectToldAndStoredAgree, storedEvents } from './support/stored-events.ts'
import type { Cut, TcpProxy } from './support/tcp-proxy.ts'
import { deliver, type Told } from './support/told.ts'

let database: TestDatabase
let proxy: TcpProxy
let store: GroupCommit
let close: () => Promise<void>

beforeAll(async () => {
  database = await testDatabase('group-commit-faults')
})
afterAll(() => database?.drop())
beforeEach(async () => {
  ;({ proxy, store, close } = await openFaultyStore(database))
})
afterEach(() => close())

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
