import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { expectBooksAgree, fateOf, fatesOf, paymentRow, standingOf } from './support/books.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { eventOf, expected, Processing } from './support/processing.ts'

let database: TestDatabase
let here: Processing

beforeAll(async () => {
  database = await testDatabase('references')
  here = new Processing(database)
})
afterAll(async () => {
  await expectBooksAgree(database.pool)
  await here?.close()
  await database?.drop()
})

describe('references', () => {
  it('that name two payments are a conflict', async () => {
    const [one, other] = [expected(), expected({ gatewayRef: newRef() })]
    await here.register(one)
    await here.register(other)
    const event = eventOf({ merchantRef: one.merchantRef, gatewayRef: other.gatewayRef })
    await here.take(event)
    expect(await fateOf(database.pool, event)).toBe('quarantined/reference_conflict')
    for (const { merchantRef } of [one, other])
      expect(await standingOf(database.pool, merchantRef)).toBe('created 0 v0')
  })

  it('of a gateway are learnt from the capture, so that a refund may name only them', async () => {
    const shape = expected()
    await here.register(shape)
    const { merchantRef } = shape
    const gatewayRef = newRef()
    await here.take(eventOf({ merchantRef, gatewayRef }))
    expect((await paymentRow(database.pool, merchantRef)).gateway_ref).toBe(gatewayRef)
    await here.take(eventOf({ gatewayRef, kind: 'refunded' }))
    expect(await standingOf(database.pool, merchantRef)).toBe('refunded 10000 v2')
  })

  it('follow the capture: what failed before it under another reference does not keep its refund away', async () => {
    const shape = expected()
    await here.register(shape)
    const { merchantRef } = shape
    const [first, second] = [newRef(), newRef()]
    await here.take(eventOf({ merchantRef, gatewayRef: first, kind: 'failed', amountMinor: null }))
    expect((await paymentRow(database.pool, merchantRef)).gateway_ref).toBe(first)
    const early = eventOf({ gatewayRef: second, kind: 'refunded', amountMinor: 4_000n })
    await here.take(early)
    expect(await fateOf(database.pool, early)).toBe('parked/payment_unknown')
    await here.take(eventOf({ merchantRef, gatewayRef: second }))
    expect(await fateOf(database.pool, early), 'woken by the capture').toBe('processed/applied')
    await here.take(eventOf({ gatewayRef: second, kind: 'refunded', amountMinor: 6_000n }))
    expect(await standingOf(database.pool, merchantRef)).toBe('refunded 10000 v4')
  })

  it.each(['in a batch before it', 'in one batch with it'])(
    'learnt from the capture wake a refund that came first, %s',
    async (how) => {
      const shape = expected()
      await here.register(shape)
      const { merchantRef } = shape
      const gatewayRef = newRef()
      const refund = eventOf({ gatewayRef, kind: 'refunded' })
      const capture = eventOf({ merchantRef, gatewayRef })
      if (how === 'in a batch before it') {
        await here.take(refund)
        expect(await fateOf(database.pool, refund)).toBe('parked/payment_unknown')
        await here.take(capture)
      } else await here.take(refund, capture)
      expect(await standingOf(database.pool, merchantRef)).toBe('refunded 10000 v2')
    },
  )

  it('of a gateway that two payments claim in one batch go to the first', async () => {
    const shapes = [expected(), expected()]
    for (const shape of shapes) await here.register(shape)
    const gatewayRef = newRef()
    const events = shapes.map(({ merchantRef }) => eventOf({ merchantRef, gatewayRef }))
    await here.take(...events)
    expect(await fatesOf(database.pool, ...events)).toEqual([
      'processed/applied',
      'quarantined/reference_conflict',
    ])
  })
})

function newRef(): string {
  return `ref_${randomUUID()}`
}
