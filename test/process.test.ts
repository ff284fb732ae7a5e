import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RowDataPacket } from '../db/rows.ts'
import { reopenEvents } from '../src/webhooks/event-store.ts'
import { expectBooksAgree, fateOf, fatesOf, ledgerOf, paymentRow, standingOf } from './support/books.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { eventOf, expected, type FactShape, Processing } from './support/processing.ts'

let database: TestDatabase
let here: Processing

beforeAll(async () => {
  database = await testDatabase('process')
  here = new Processing(database)
})
afterAll(async () => {
  await expectBooksAgree(database.pool)
  await here?.close()
  await database?.drop()
})

/** A registered payment of 10,000 piastres; facts about it. */
async function payment(
  amountMinor = 10_000n,
): Promise<{ ref: string; fact: (shape?: FactShape) => ReturnType<typeof eventOf> }> {
  const shape = expected({ amountMinor })
  await here.register(shape)
  const { merchantRef } = shape
  return { ref: merchantRef, fact: (what = {}) => eventOf({ merchantRef, ...what }) }
}

describe('a capture', () => {
  it('takes effect once: state, transition and two balanced ledger entries', async () => {
    const { ref, fact } = await payment()
    const event = fact({ operationRef: 'cap-1' })
    await here.take(event)
    await here.processor.process([event.id, event.id])
    expect(await fateOf(database.pool, event)).toBe('processed/applied')
    expect(await standingOf(database.pool, ref)).toBe('captured 10000 v1')
    expect(await ledgerOf(database.pool, ref)).toEqual([
      'gateway_receivable 10000 EGP',
      'rider_payments -10000 EGP',
    ])
    const [transitions] = await database.pool.query<RowDataPacket[]>(
      'SELECT version, event_id, kind, from_state, to_state, operation_ref, amount_minor, currency FROM payment_transitions WHERE event_id = ?',
      [event.id],
    )
    expect(transitions).toEqual([
      {
        version: 1,
        event_id: event.id,
        kind: 'captured',
        from_state: 'created',
        to_state: 'captured',
        operation_ref: 'cap-1',
        amount_minor: '10000',
        currency: 'EGP',
      },
    ])
  })

  it('told again by another event has no effect, and by another operation is quarantined', async () => {
    const { ref, fact } = await payment()
    const first = fact({ operationRef: 'cap-1' })
    const again = fact({ operationRef: 'cap-1' })
    const second = fact({ operationRef: 'cap-2' })
    await here.take(first)
    await here.take(again, second)
    expect(await fatesOf(database.pool, first, again, second)).toEqual([
      'processed/applied',
      'processed/no_effect/repeated',
      'quarantined/duplicate_capture',
    ])
    expect(await standingOf(database.pool, ref)).toBe('captured 10000 v1')
    expect(await ledgerOf(database.pool, ref)).toHaveLength(2)
  })

  it('holds back no other event of its batch', async () => {
    const payments = await Promise.all(Array.from({ length: 50 }, () => payment()))
    const events = payments.map(({ fact }) => fact())
    await here.take(...events)
    for (const { ref } of payments) expect(await standingOf(database.pool, ref)).toBe('captured 10000 v1')
  })
})

describe('messages to Laravel', () => {
  async function outboxOf(orderingKey: string): Promise<RowDataPacket[]> {
    const [rows] = await database.pool.query<RowDataPacket[]>(
      'SELECT topic, event, payload, state FROM outbox WHERE ordering_key = ? ORDER BY id',
      [orderingKey],
    )
    return rows
  }

  it('are written with callbacks: updated at every transition, completed once', async () => {
    const withCallbacks = new Processing(database, { callbacks: true })
    const shape = expected({ tripId: '01939e5c-1111-7111-8111-111111111111' })
    await withCallbacks.register(shape)
    const { merchantRef } = shape
    const capture = { merchantRef, operationRef: 'cap-1' }
    await withCallbacks.take(eventOf({ ...capture, kind: 'authorized' }), eventOf(capture), eventOf(capture))
    await withCallbacks.take(eventOf({ merchantRef, kind: 'refunded', amountMinor: 4_000n }))
    const rows = await outboxOf(shape.tripId ?? '')
    expect(rows.map(({ event, topic, state }) => `${topic} ${event} ${state}`)).toEqual([
      'laravel payment.updated pending',
      'laravel payment.updated pending',
      'laravel payment.completed pending',
      'laravel payment.updated pending',
      'laravel payment.refunded pending',
    ])
    const { id } = await paymentRow(database.pool, merchantRef)
    expect(JSON.parse(rows[2]?.payload)).toEqual({
      paymentId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      rideId: shape.tripId,
      state: 'captured',
      amountMinor: 10_000,
      currency: 'EGP',
      at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    })
    expect(JSON.parse(rows[2]?.payload).paymentId.replaceAll('-', '')).toBe(id.toString('hex'))
    expect(JSON.parse(rows[4]?.payload)).toMatchObject({ state: 'partially_refunded', amountMinor: 4_000 })
    await withCallbacks.close()
  })

  it('are not written without', async () => {
    const shape = expected({ tripId: '01939e5c-2222-7222-8222-222222222222' })
    await here.register(shape)
    await here.take(eventOf({ merchantRef: shape.merchantRef }))
    expect(await standingOf(database.pool, shape.merchantRef)).toBe('captured 10000 v1')
    expect(await outboxOf(shape.tripId ?? '')).toEqual([])
  })
})

describe('events out of order', () => {
  it('a refund before its capture is parked, and applies after it', async () => {
    const { ref, fact } = await payment()
    const refund = fact({ kind: 'refunded', amountMinor: 4_000n })
    await here.take(refund)
    expect(await fateOf(database.pool, refund)).toBe('parked/awaiting_capture')
    expect(await standingOf(database.pool, ref)).toBe('created 0 v0')
    const capture = fact()
    await here.take(capture)
    expect(await fatesOf(database.pool, capture, refund)).toEqual(['processed/applied', 'processed/applied'])
    expect(await standingOf(database.pool, ref)).toBe('partially_refunded 10000 v2')
    expect(await ledgerOf(database.pool, ref)).toEqual([
      'gateway_receivable 10000 EGP',
      'rider_payments -10000 EGP',
      'refunds 4000 EGP',
      'gateway_receivable -4000 EGP',
    ])
  })

  it('a refund in one batch with its capture, before it, applies after it', async () => {
    const { ref, fact } = await payment()
    const refund = fact({ kind: 'refunded' })
    await here.take(refund, fact())
    expect(await standingOf(database.pool, ref)).toBe('refunded 10000 v2')
  })

  it.each(['failed', 'cancelled', 'expired', 'authorized', 'pending'] as const)(
    '%s after the capture is late',
    async (kind) => {
      const { ref, fact } = await payment()
      // Events of one batch are taken in the order in which they arrived.
      const events = [fact(), fact({ kind })] as const
      await here.take(...events)
      expect(await fateOf(database.pool, events[1])).toBe('processed/no_effect/late')
      expect(await standingOf(database.pool, ref)).toBe('captured 10000 v1')
    },
  )

  it.each(['failed', 'cancelled'] as const)(
    'a capture after %s takes the money all the same',
    async (kind) => {
      const { ref, fact } = await payment()
      await here.take(fact({ kind, amountMinor: null }))
      expect(await standingOf(database.pool, ref)).toBe(`${kind} 0 v1`)
      await here.take(fact())
      expect(await standingOf(database.pool, ref)).toBe('captured 10000 v2')
    },
  )
})

describe('what differs from the expected payment', () => {
  it('in its amount is quarantined; released, it applies with the amount of the gateway', async () => {
    const { ref, fact } = await payment()
    const event = fact({ amountMinor: 9_999n })
    await here.take(event)
    expect(await fateOf(database.pool, event)).toBe('quarantined/amount_mismatch')
    expect(await ledgerOf(database.pool, ref)).toEqual([])
    expect(await reopenEvents(database.pool, [event.id], ['quarantined'])).toBe(1)
    await here.processor.process([event.id])
    expect(await fateOf(database.pool, event), 'replayed without approval').toBe(
      'quarantined/amount_mismatch',
    )
    expect(await reopenEvents(database.pool, [event.id], ['quarantined'], true)).toBe(1)
    await here.processor.process([event.id])
    expect(await fateOf(database.pool, event)).toBe('processed/applied')
    expect(await standingOf(database.pool, ref)).toBe('captured 9999 v1')
    expect(await ledgerOf(database.pool, ref)).toEqual([
      'gateway_receivable 9999 EGP',
      'rider_payments -9999 EGP',
    ])
  })

  it('in its currency is quarantined, and no release lets it through', async () => {
    const { ref, fact } = await payment()
    const event = fact({ currency: 'USD' })
    await here.take(event)
    await reopenEvents(database.pool, [event.id], ['quarantined'], true)
    await here.processor.process([event.id])
    expect(await fateOf(database.pool, event)).toBe('quarantined/currency_mismatch')
    expect(await standingOf(database.pool, ref)).toBe('created 0 v0')
    expect(await ledgerOf(database.pool, ref)).toEqual([])
  })
})

describe('what may not move money by itself', () => {
  it.each([
    ['unconfirmed', { confirmFirst: true }, 'unconfirmed/confirmation_needed'],
    ['held by its adapter', { hold: 'owner_mismatch' }, 'quarantined/owner_mismatch'],
    ['nothing about a payment', { isIgnored: true }, 'processed/ignored'],
  ])('%s', async (_, shape, fate) => {
    const { ref, fact } = await payment()
    const event = fact(shape)
    await here.take(event)
    expect(await fateOf(database.pool, event)).toBe(fate)
    // Also when somebody puts it back to work without a word for it.
    await reopenEvents(database.pool, [event.id], ['unconfirmed', 'quarantined', 'processed'])
    await here.processor.process([event.id])
    expect(await fateOf(database.pool, event)).toBe(fate)
    expect(await standingOf(database.pool, ref)).toBe('created 0 v0')
    expect(await ledgerOf(database.pool, ref)).toEqual([])
  })

  it('moves it after a person confirmed it', async () => {
    const { ref, fact } = await payment()
    const event = fact({ confirmFirst: true })
    await here.take(event)
    await reopenEvents(database.pool, [event.id], ['unconfirmed'], true)
    await here.processor.process([event.id])
    expect(await standingOf(database.pool, ref)).toBe('captured 10000 v1')
  })
})
