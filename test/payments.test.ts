import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { attachGatewayRef, type ExpectedPayment, registerPayment } from '../src/payments/register.ts'
import { paymentRow } from './support/books.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { eventOf, expected, Processing } from './support/processing.ts'

let database: TestDatabase
let here: Processing
let there: Processing

beforeAll(async () => {
  database = await testDatabase('payments')
  here = new Processing(database)
  there = new Processing(database)
})
afterAll(async () => {
  await here?.close()
  await there?.close()
  await database?.drop()
})

const WHOLE: Partial<ExpectedPayment> = {
  tripId: '01939e5c-1111-7111-8111-111111111111',
  customerId: '01939e5c-2222-7222-8222-222222222222',
  driverId: '01939e5c-3333-7333-8333-333333333333',
}

describe('a registration', () => {
  it('is stored as it was given', async () => {
    const shape = expected({ ...WHOLE, gatewayRef: 'pi_whole', amountMinor: 9_007_199_254_740_993n })
    const registration = await here.register(shape)
    expect(registration).toMatchObject({ kind: 'created', payment: { ...WHOLE, version: 0 } })
    expect(await paymentRow(database.pool, shape.merchantRef)).toMatchObject({
      trip_id: WHOLE.tripId,
      customer_id: WHOLE.customerId,
      driver_id: WHOLE.driverId,
      gateway_ref: 'pi_whole',
      expected_minor: '9007199254740993',
      currency: 'EGP',
      state: 'created',
      captured_minor: '0',
      version: 0,
    })
  })

  it('that comes again finds what is there, also after the payment moved and learnt its reference', async () => {
    const shape = expected()
    const first = await here.register(shape)
    const again = await here.register(shape)
    if (first.kind !== 'created' || again.kind !== 'existing') return expect.fail(again.kind)
    expect(again.payment.id).toEqual(first.payment.id)
    await here.take(eventOf({ merchantRef: shape.merchantRef, gatewayRef: 'pi_learnt' }))
    expect(await here.register(shape)).toMatchObject({
      kind: 'existing',
      payment: { gatewayRef: 'pi_learnt', version: 1 },
    })
  })

  it.each([
    [{ amountMinor: 10_001n }, ['amountMinor']],
    [{ currency: 'USD' }, ['currency']],
    [{ tripId: null, driverId: WHOLE.customerId ?? null }, ['tripId', 'driverId']],
    [{ customerId: null }, ['customerId']],
    [{ gatewayRef: 'pi_other' }, ['gatewayRef']],
  ])('with other content (%o) is told which fields differ, and changes nothing', async (change, fields) => {
    const shape = expected({ ...WHOLE })
    await here.register(shape)
    const before = await paymentRow(database.pool, shape.merchantRef)
    expect(await here.register({ ...shape, ...change })).toMatchObject({ kind: 'different', fields })
    expect(await paymentRow(database.pool, shape.merchantRef)).toEqual(before)
  })

  it('cannot take the gateway reference of another payment', async () => {
    await here.register(expected({ gatewayRef: 'pi_taken' }))
    expect(await here.register(expected({ gatewayRef: 'pi_taken' }))).toEqual({ kind: 'reference_taken' })
    const elsewhere = await here.register(expected({ gatewayRef: 'pi_taken', account: 'cairo' }))
    expect(elsewhere.kind, 'references are of one account').toBe('created')
  })

  it('of one reference at the same moment over two pools is created once', async () => {
    for (let round = 0; round < 20; round += 1) {
      const shape = expected({ gatewayRef: round % 2 === 0 ? null : `pi_round_${round}` })
      const kinds = await Promise.all(
        [here, there, here, there].map(async (each) => (await each.register(shape)).kind),
      )
      expect(kinds.sort()).toEqual(['created', 'existing', 'existing', 'existing'])
    }
  })

  it('of two payments with one gateway reference at the same moment gives it to one', async () => {
    for (let round = 0; round < 20; round += 1) {
      const gatewayRef = `pi_contested_${round}`
      const kinds = await Promise.all(
        [here, there].map(async (each) => (await each.register(expected({ gatewayRef }))).kind),
      )
      expect(kinds.sort()).toEqual(['created', 'reference_taken'])
    }
  })

  it('tells apart references that only look alike', async () => {
    const { merchantRef } = expected()
    for (const like of [merchantRef, merchantRef.toUpperCase(), `${merchantRef} `, `${merchantRef}\u200b`])
      expect((await here.register(expected({ merchantRef: like }))).kind).toBe('created')
  })

  it('wakes again when it comes again, since its first look may have died', async () => {
    const shape = expected()
    const capture = eventOf({ merchantRef: shape.merchantRef })
    await here.take(capture)
    await registerPayment(here.pool, shape, async () => undefined)
    await there.register(shape)
    expect(there.rung).toEqual([capture.id])
    await there.drain()
  })
})

describe('a gateway reference that is added later', () => {
  it('is kept, wakes what waited for it, and is never replaced', async () => {
    const registration = await here.register(expected())
    if (registration.kind !== 'created') return expect.fail()
    const { id } = registration.payment
    const capture = eventOf({ gatewayRef: 'pi_added' })
    await here.take(capture)
    const woken: Buffer[] = []
    const add = (ref: string) =>
      attachGatewayRef(here.pool, id, ref, async (keys) => void woken.push(...keys))
    expect(await add('pi_added')).toMatchObject({ kind: 'created', payment: { gatewayRef: 'pi_added' } })
    const row = await paymentRow(database.pool, registration.payment.merchantRef)
    expect(woken).toEqual([row.merchant_ref_key, row.gateway_ref_key])
    expect(await add('pi_added')).toMatchObject({ kind: 'existing' })
    expect(await add('pi_another')).toMatchObject({ kind: 'different', fields: ['gatewayRef'] })
  })

  it('is refused where it belongs to another payment', async () => {
    await here.register(expected({ gatewayRef: 'pi_owned' }))
    const registration = await here.register(expected())
    if (registration.kind !== 'created') return expect.fail()
    const { id } = registration.payment
    expect(await attachGatewayRef(here.pool, id, 'pi_owned', async () => undefined)).toEqual({
      kind: 'reference_taken',
    })
  })
})
