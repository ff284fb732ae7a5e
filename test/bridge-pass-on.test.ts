import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RowDataPacket } from '../db/rows.ts'
import { readFeed } from '../src/feed/read.ts'
import { type BridgeRun, openBridgeRun } from './support/bridge.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { listenFor } from './support/listeners.ts'
import { createdTrip, laravelStores } from './support/trips.ts'

let database: TestDatabase
let run: BridgeRun
const ONCE = { acted: 1, replayed: 1 }

beforeAll(async () => {
  database = await testDatabase('bridge-pass-on')
  run = await openBridgeRun(database)
})
afterAll(async () => {
  await run?.stop()
  await database?.drop()
})

const user = () => `u-${randomUUID().slice(0, 12)}`
let published = 0
const envelope = () => ({ published_at: `2026-11-25T06:00:00.${++published}Z`, trace_id: 'trace-9' })

async function told(userId: string): Promise<[string, Record<string, unknown>][]> {
  const page = await readFeed(database.pool, userId, 0, 100)
  return page.kind === 'lost' ? [] : page.messages.map(({ event, data }) => [event, { ...data }])
}

describe('laravel:payment.completed', () => {
  it('is told to rider and driver as Laravel’s word, where Onceline tracks no payment of the trip', async () => {
    const [customerId, driverId] = [user(), user()]
    const trip = await createdTrip(database.pool, { customerId })
    const message = {
      ...envelope(),
      ride_id: trip.id,
      driver_id: driverId,
      amount: '120.500',
      payment_method: 'cash',
    }
    expect(await run.say('laravel:payment.completed', message)).toEqual(ONCE)
    const push = {
      ...{ paymentId: null, rideId: trip.id, state: 'captured', amountMinor: 12_050, currency: 'EGP' },
      ...{ paymentMethod: 'cash', source: 'laravel', at: expect.any(String) },
    }
    expect(await told(customerId)).toEqual([['payment:completed', push]])
    expect(await told(driverId)).toEqual([['payment:completed', push]])
  })

  it('says nothing where Onceline tracks one, and touches no payment and no ledger', async () => {
    const customerId = user()
    const trip = await createdTrip(database.pool, { customerId })
    const app = run.apps[0]
    const registered = await fetch(`${app?.url}/internal/payments`, {
      method: 'POST',
      headers: {
        'x-api-key': app?.internalKey ?? '',
        'idempotency-key': randomUUID(),
        'content-type': 'application/json',
      },
      body: JSON.stringify({
        gateway: 'kashier',
        merchantRef: trip.id,
        amountMinor: 12_050,
        currency: 'EGP',
        tripId: trip.id,
      }),
    })
    expect(registered.status).toBe(201)
    const message = { ...envelope(), ride_id: trip.id, amount: 120.5, payment_method: 'card' }
    expect(await run.say('laravel:payment.completed', message)).toEqual(ONCE)
    expect(await told(customerId)).toEqual([])
    const [[row]] = await database.pool.query<RowDataPacket[]>(
      `SELECT (SELECT state FROM payments WHERE trip_id = ?) AS state, (SELECT COUNT(*) FROM ledger_entries) AS entries,
         (SELECT COUNT(*) FROM payment_transitions) AS transitions`,
      [trip.id],
    )
    expect([row?.state, Number(row?.entries), Number(row?.transitions)]).toEqual(['created', 0, 0])
  })

  it('is of the trip’s currency, where the message names none', async () => {
    const customerId = user()
    const estimatedFare = { amountMinor: 700n, currency: 'KWD' }
    const { id } = await createdTrip(database.pool, { customerId, estimatedFare })
    const message = { ...envelope(), ride_id: id, amount: '1.005', payment_method: 'cash' }
    expect(await run.say('laravel:payment.completed', message)).toEqual(ONCE)
    const money = { amountMinor: 1_005, currency: 'KWD' }
    expect(await told(customerId)).toEqual([['payment:completed', expect.objectContaining(money)]])
  })

  it('is told to the driver, as the trip was, though the rider has an id that no feed can have', async () => {
    const driverId = user()
    const ride_id = randomUUID()
    await laravelStores(database.pool, ride_id, { customer_id: 'Zoë' })
    const accepted = { ...envelope(), ride_id, otp: '4711', driver_id: driverId }
    expect(await run.say('laravel:trip.accepted', accepted)).toEqual(ONCE)
    const paid = { ...envelope(), ride_id, amount: '9', payment_method: 'cash' }
    expect(await run.say('laravel:payment.completed', paid)).toEqual(ONCE)
    const events = (await told(driverId)).map(([event]) => event)
    expect(events).toEqual(['ride:driver_assigned', 'payment:completed'])
  })

  it('is not rounded: an amount that the currency does not have is refused', async () => {
    const message = {
      ...envelope(),
      ride_id: randomUUID(),
      customer_id: user(),
      amount: '1.005',
      payment_method: 'cash',
    }
    expect(await run.say('laravel:payment.completed', message)).toEqual({ refused: 2 })
  })
})

describe('what is passed on', () => {
  it('laravel:batch.notification: to all its users, once, kept only where it says so', async () => {
    const users = [user(), user()]
    const listener = await listenFor(database, users)
    const shown = { ...envelope(), user_ids: users, title: 'Rain', body: 'Drive slowly' }
    expect(await run.say('laravel:batch.notification', shown)).toEqual(ONCE)
    const kept = { ...envelope(), user_ids: users, event: 'promo:new', data: { n: 1 }, durable: true }
    expect(await run.say('laravel:batch.notification', kept)).toEqual(ONCE)
    for (const userId of users) {
      await expect
        .poll(() => listener.heard(userId))
        .toEqual([
          { event: 'notification:new', data: { title: 'Rain', body: 'Drive slowly' } },
          { event: 'promo:new', seq: 1, data: { n: 1 } },
        ])
      expect(await told(userId)).toEqual([['promo:new', { n: 1 }]])
    }
    listener.close()
  })

  it('laravel:safety_alert.created: to its receivers, and not to the driver that it names', async () => {
    const [receiver, driver] = [user(), user()]
    const alert = {
      ...envelope(),
      alert_id: 'a-1',
      ride_id: randomUUID(),
      user_id: receiver,
      driver_id: driver,
      kind: 'sos',
    }
    expect(await run.say('laravel:safety_alert.created', alert)).toEqual(ONCE)
    expect(await told(receiver)).toEqual([
      ['safety_alert:new', expect.objectContaining({ alert_id: 'a-1', rideId: alert.ride_id, kind: 'sos' })],
    ])
    expect(await told(driver)).toEqual([])
  })

  it.each(['lost_item:created', 'lost_item:updated'])('%s: to everybody that it names', async (channel) => {
    const [customer, driver] = [user(), user()]
    const item = {
      ...envelope(),
      lost_item_id: 7,
      ride_id: randomUUID(),
      customer_id: customer,
      driver_id: driver,
      status: 'open',
    }
    expect(await run.say(channel, item)).toEqual(ONCE)
    const [[event, data] = []] = await told(customer)
    expect([event, data]).toEqual([
      channel,
      expect.objectContaining({ rideId: item.ride_id, lost_item_id: '7', status: 'open' }),
    ])
    expect(data).not.toHaveProperty('trace_id')
    expect(await told(driver)).toHaveLength(1)
  })
})
