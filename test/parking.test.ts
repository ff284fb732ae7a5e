import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { listenToCheckpoints } from '../src/base/checkpoint.ts'
import { newId } from '../src/base/ids.ts'
import { gatewayRefKey, merchantRefKey } from '../src/payments/refs.ts'
import { type ExpectedPayment, registerPayment } from '../src/payments/register.ts'
import { Sweeper } from '../src/webhooks/sweep.ts'
import { expectBooksAgree, fateOf, fatesOf, standingOf } from './support/books.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { waitForLockWait } from './support/locks.ts'
import { eventOf, expected, GATEWAY, Processing, store } from './support/processing.ts'

let database: TestDatabase
let here: Processing
let there: Processing

beforeAll(async () => {
  database = await testDatabase('parking')
  here = new Processing(database)
  there = new Processing(database)
})
afterAll(async () => {
  await expectBooksAgree(database.pool)
  await here?.close()
  await there?.close()
  await database?.drop()
})
afterEach(() => listenToCheckpoints(null))

describe('an event of a payment that is not registered', () => {
  it('is parked, and woken by the registration', async () => {
    const shape = expected()
    const { merchantRef } = shape
    const capture = eventOf({ merchantRef })
    await here.take(capture)
    expect(await fateOf(database.pool, capture)).toBe('parked/payment_unknown')
    await there.register(shape)
    expect(there.rung).toEqual([capture.id])
    await there.drain()
    expect(await fateOf(database.pool, capture)).toBe('processed/applied')
    expect(await standingOf(database.pool, merchantRef)).toBe('captured 10000 v1')
  })

  it('is woken by the gateway reference too, in its own account only', async () => {
    const gatewayRef = newRef()
    const capture = eventOf({ gatewayRef })
    const elsewhere = eventOf({ gatewayRef, account: 'cairo' })
    await here.take(capture, elsewhere)
    await there.register(expected({ gatewayRef }))
    await there.drain()
    expect(await fatesOf(database.pool, capture, elsewhere)).toEqual([
      'processed/applied',
      'parked/payment_unknown',
    ])
  })
})

describe('an event and a registration at the same moment', () => {
  it('meet when the event commits last: it looks again', async () => {
    const shape = expected()
    const capture = eventOf({ merchantRef: shape.merchantRef })
    await store(here.pool, capture)
    await whileHeld(
      'INSERT INTO webhook_parked (ref_key, event_id, parked_at) VALUES (?, ?, UTC_TIMESTAMP(3))',
      [keyOf(shape), capture.id],
      // The payment was looked for in vain, and the event is about to park.
      () => here.processor.process([capture.id]),
      async () => {
        await there.register(shape)
        expect(there.rung, 'nothing has parked yet').toEqual([])
      },
    )
    await here.drain()
    expect(await fateOf(database.pool, capture)).toBe('processed/applied')
  })

  it('meet when the registration commits last: it looks for who waits', async () => {
    const shape = expected()
    const capture = eventOf({ merchantRef: shape.merchantRef })
    await whileHeld(
      `INSERT INTO payments (id, merchant_ref_key, merchant_ref, gateway, account, expected_minor, currency, state, created_at,
         updated_at) VALUES (?, ?, 'held', ?, 'default', 1, 'EGP', 'created', NOW(), NOW())`,
      [newId(), keyOf(shape), GATEWAY],
      () => there.register(shape),
      async () => {
        await here.take(capture)
        expect(await fateOf(database.pool, capture)).toBe('parked/payment_unknown')
      },
    )
    await there.drain()
    expect(await fateOf(database.pool, capture)).toBe('processed/applied')
  })

  it('never miss each other: 300 of them, raced over two pools', async () => {
    const shapes = Array.from({ length: 300 }, () => expected())
    const captures = shapes.map(({ merchantRef }) => eventOf({ merchantRef }))
    await store(here.pool, ...captures)
    await Promise.all([
      inTurns(captures, 4, ({ id }) => here.processor.process([id])),
      inTurns(shapes, 4, (shape) => there.register(shape)),
    ])
    // No registration and no event is left; whoever parked was rung for by one of the two.
    await here.drain()
    await there.drain()
    expect(new Set(await fatesOf(database.pool, ...captures))).toEqual(new Set(['processed/applied']))
  })
})

describe('the sweeper joins those who missed each other', () => {
  it('a registration that died before its look', async () => {
    const shape = expected()
    const capture = eventOf({ merchantRef: shape.merchantRef })
    await here.take(capture)
    await registerPayment(there.pool, shape, async () => undefined)
    expect(await fateOf(database.pool, capture)).toBe('parked/payment_unknown')
    await sweep()
    expect(await fateOf(database.pool, capture)).toBe('processed/applied')
  })

  it('a capture that died before its look', async () => {
    const shape = expected()
    await here.register(shape)
    const { merchantRef } = shape
    const refund = eventOf({ merchantRef, kind: 'refunded' })
    await here.take(refund)
    listenToCheckpoints((checkpoint) => {
      if (checkpoint === 'process:committed') throw new Error('dies here')
    })
    const capture = eventOf({ merchantRef })
    await here.take(capture)
    listenToCheckpoints(null)
    expect(await fatesOf(database.pool, capture, refund)).toEqual([
      'processed/applied',
      'parked/awaiting_capture',
    ])
    await sweep()
    expect(await fateOf(database.pool, refund)).toBe('processed/applied')
    expect(await standingOf(database.pool, merchantRef)).toBe('refunded 10000 v2')
  })

  it.each(['merchantRef', 'gatewayRef'] as const)(
    'also where a page ends inside an event (by its %s)',
    async (by) => {
      // 500 rows a page: 499 of others, then the two of this event, of which the payment has one.
      await database.pool.query('DELETE FROM webhook_parked')
      const others = Array.from({ length: 499 }, () => eventOf({ merchantRef: newRef() }))
      const { shape, event } = whoseSecondRowIs(by)
      await here.take(...others, event)
      await registerPayment(there.pool, shape, async () => undefined)
      await sweep(2)
      expect(await fateOf(database.pool, event)).toBe('processed/applied')
    },
  )
})

function newRef(): string {
  return `ref_${newId().toString('hex')}`
}

function keyOf({ gateway, account, merchantRef }: ExpectedPayment): Buffer {
  return merchantRefKey(gateway, account, merchantRef)
}

/** A payment and an event that share this reference only, and it is the second of the event's rows (rows lie by key). */
function whoseSecondRowIs(by: 'merchantRef' | 'gatewayRef') {
  for (;;) {
    const shape = expected({ gatewayRef: newRef() })
    const event = { merchantRef: newRef(), gatewayRef: newRef(), [by]: shape[by] }
    const merchantKey = merchantRefKey(GATEWAY, 'default', event.merchantRef)
    const gatewayKey = gatewayRefKey(GATEWAY, 'default', event.gatewayRef)
    const isMerchantSecond = merchantKey.compare(gatewayKey) > 0
    if (isMerchantSecond === (by === 'merchantRef')) return { shape, event: eventOf(event) }
  }
}

/** Runs `first` into a row that is held by an uncommitted insert, `meanwhile` while it waits there, then lets it go on. */
async function whileHeld(
  insert: string,
  values: unknown[],
  first: () => Promise<unknown>,
  meanwhile: () => Promise<void>,
): Promise<void> {
  const holder = await database.pool.getConnection()
  await holder.query('START TRANSACTION')
  await holder.query(insert, values)
  const done = first()
  await waitForLockWait(database.address, insert.slice(0, insert.indexOf(' (')))
  await meanwhile()
  await holder.query('ROLLBACK')
  holder.release()
  await done
}

async function inTurns<T>(items: readonly T[], workers: number, work: (item: T) => Promise<unknown>) {
  const queue = items[Symbol.iterator]()
  await Promise.all(
    Array.from({ length: workers }, async () => {
      for (const item of queue) await work(item)
    }),
  )
}

/** Slow turns of a sweeper whose doorbell works. */
async function sweep(turns = 1): Promise<void> {
  const sweeper = new Sweeper({
    pool: here.pool,
    log: here.log,
    ring: async (ids) => here.rung.push(...ids) > 0,
    depth: async () => 0,
    process: (ids) => here.processor.process(ids),
  })
  for (let turn = 0; turn < turns; turn += 1) await sweeper.joinWhatWasMissed()
  await sweeper.ringDueEvents()
  await here.drain()
}
