import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { idToText } from '../src/base/ids.ts'
import { openApp, type TestApp } from './support/app.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { HttpFront } from './support/http-front.ts'
import { type Call, callsInPhp, phpOrNotice } from './support/php-calls.ts'
import { offer } from './support/trips.ts'

const php = phpOrNotice("OncelineClient.php's trips")

describe.skipIf(php === undefined)('trips of OncelineClient.php', () => {
  let database: TestDatabase
  let app: TestApp
  let front: HttpFront

  beforeAll(async () => {
    database = await testDatabase('php-trips')
    app = await openApp(database)
    front = await HttpFront.open(app.url)
  })

  afterAll(async () => {
    await front?.close()
    await app?.stop()
    await database?.drop()
  })

  beforeEach(() => front.play())

  async function call(...calls: readonly Call[]) {
    return callsInPhp(php, calls, { url: front.url, apiKey: app.internalKey, options: {} })
  }

  function trip(customerId: string, more: Readonly<Record<string, unknown>> = {}) {
    return {
      customerId,
      zoneId: 'zone-1',
      category: 'car',
      pickup: { latitude: 30.0444196, longitude: 31.2357116, address: 'ميدان التحرير' },
      destination: { latitude: 30.1219, longitude: 31.4056 },
      estimatedFareMinor: 12_050,
      currency: 'EGP',
      ...more,
    }
  }

  async function created(customerId: string): Promise<string> {
    const [outcome] = await call(['createTrip', trip(customerId)])
    front.play()
    return outcome?.returned.id
  }

  async function stored(customerId: string): Promise<number> {
    const sql = 'SELECT COUNT(*) AS n FROM trip_requests WHERE customer_id = ?'
    const [rows] = await database.pool.query(sql, [customerId])
    return Number((rows as { n: string }[])[0]?.n)
  }

  const statuses = () => front.requests.map(({ status }) => status)

  it('are created once, though the answer was lost', async () => {
    front.play({ kind: 'cut-after' }, { kind: 'cut-short' })
    const [outcome] = await call(['createTrip', trip('c-1')])
    expect(outcome?.returned).toMatchObject({
      customerId: 'c-1',
      status: 'pending',
      estimatedFareMinor: 12_050,
    })
    expect(outcome?.returned.pickup).toEqual({
      latitude: 30.0444196,
      longitude: 31.2357116,
      address: 'ميدان التحرير',
    })
    expect(statuses()).toEqual([201, 201, 201])
    expect(new Set(front.requests.map(({ key }) => key)).size).toBe(1)
    expect(await stored('c-1')).toBe(1)
  })

  it('are created once by a job that runs again, under its key, and by their own id', async () => {
    const tripId = randomUUID()
    const order = trip('c-2', { tripId })
    const [first, again, unkeyed, other] = await call(
      ['createTrip', order, 'create-trip-2'],
      ['createTrip', order, 'create-trip-2'],
      ['createTrip', order],
      ['createTrip', { ...order, estimatedFareMinor: 1 }],
    )
    expect(first?.returned).toMatchObject({ id: tripId })
    expect([again, unkeyed]).toEqual([first, first])
    expect(other?.thrown).toMatchObject({ problemCode: 'trip_differs', fields: ['estimatedFareMinor'] })
    expect(statuses()).toEqual([201, 201, 200, 409])
    expect(await stored('c-2')).toBe(1)
  })

  it('are accepted, moved and ended, and show how', async () => {
    const id = await created('c-3')
    const offerId = idToText(await offer(database.pool, id, 'driver-3'))
    const fare = { driverId: 'driver-3', finalFareMinor: 13_000, currency: 'EGP' }
    const outcomes = await call(
      ['acceptTrip', id, 'driver-3', offerId],
      ['moveTrip', id, 'arrived'],
      ['moveTrip', id, 'started', { driverId: 'driver-3' }],
      ['moveTrip', id, 'completed', fare],
      ['showTrip', id],
    )
    expect(outcomes.map(({ returned }) => returned?.state)).toEqual([
      'accepted',
      'arrived',
      'ongoing',
      'completed',
      undefined,
    ])
    const shown = outcomes.at(-1)?.returned
    expect(shown.trip).toMatchObject({ id, driverId: 'driver-3', finalFareMinor: 13_000 })
    expect(shown.transitions.map(({ to }: { to: string }) => to).slice(-4)).toEqual([
      'accepted',
      'arrived',
      'ongoing',
      'completed',
    ])
    expect(shown.offers).toMatchObject([{ id: offerId, driverId: 'driver-3' }])
  })

  it('are cancelled once, and say why they cannot go on', async () => {
    const id = await created('c-4')
    front.play({ kind: 'cut-after' })
    const [cancelled, again, moved, shown, unknown] = await call(
      ['cancelTrip', id, 'customer', { reason: 'waited too long' }],
      ['cancelTrip', id, 'customer'],
      ['moveTrip', id, 'started'],
      ['showTrip', id],
      ['showTrip', randomUUID()],
    )
    expect(cancelled?.returned).toMatchObject({ id, status: 'cancelled' })
    expect(again?.returned).toMatchObject({ id, status: 'cancelled' })
    expect(moved?.thrown).toMatchObject({
      problemCode: 'transition_not_allowed',
      status: 409,
      isUndecided: false,
    })
    expect(shown?.returned.transitions.at(-1)).toMatchObject({ by: 'customer', reason: 'waited too long' })
    expect(unknown?.thrown).toMatchObject({ problemCode: 'trip_unknown', status: 404 })
    expect(statuses()).toEqual([200, 200, 200, 409, 200, 404])
  })
})
