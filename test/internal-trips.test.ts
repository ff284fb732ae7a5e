import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TRIP } from '../src/laravel/trip-schemas.ts'
import { openApp, type TestApp } from './support/app.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { callInternal, postInternal } from './support/internal-api.ts'
import { laravelStores, tripBody, tripRow } from './support/trips.ts'

let database: TestDatabase
let app: TestApp

beforeAll(async () => {
  database = await testDatabase('internal-trips')
  app = await openApp(database)
})
afterAll(async () => {
  await app?.stop()
  await database?.drop()
})

const create = (body: unknown, key?: string) => postInternal(app, '/internal/trips', body, key)

describe('POST /internal/trips', () => {
  it('creates a trip, as it is described', async () => {
    const { status, headers, json } = await create(tripBody({ paymentMethod: 'cash', policy: 'batch' }))
    expect(status).toBe(201)
    expect(headers.get('location')).toBe(`/internal/trips/${json.id}`)
    expect(TRIP.strict().parse(json)).toMatchObject({
      ...tripBody({ paymentMethod: 'cash', policy: 'batch' }),
      status: 'pending',
      state: 'pending',
      version: 1,
      driverId: null,
      pickup: { latitude: 30.0444196, longitude: 31.2357116, address: 'Tahrir' },
      destination: { latitude: 30.1219, longitude: 31.4056, address: null },
      finalFareMinor: null,
    })
    expect((await tripRow(database.pool, json.id)).current_status).toBe('pending')
  })

  it('looks for a driver, once for a trip, and for none where Laravel has named one', async () => {
    const dispatches = async (tripId: string) =>
      (await database.pool.query('SELECT policy, since FROM trip_dispatches WHERE trip_id = ?', [tripId]))[0]
    const { json } = await create(tripBody({ policy: 'batch' }))
    const begun = await dispatches(json.id)
    expect(begun).toMatchObject([{ policy: 'batch' }])
    await create(tripBody({ policy: 'batch', tripId: json.id }))
    expect(await dispatches(json.id)).toEqual(begun)
    const tripId = randomUUID()
    await laravelStores(database.pool, tripId, { customer_id: 'c-1', driver_id: 'd-named' })
    expect((await create(tripBody({ tripId }))).status).toBe(201)
    expect(await dispatches(tripId)).toEqual([])
  })

  it('answers the same key with the same bytes, and creates once', async () => {
    const key = randomUUID()
    const replies = await Promise.all(
      Array.from({ length: 10 }, () => create(tripBody({ customerId: 'c-2' }), key)),
    )
    expect(new Set(replies.map(({ text }) => text)).size).toBe(1)
    expect(replies.filter(({ headers }) => headers.get('idempotent-replayed') === 'true')).toHaveLength(9)
    const [rows] = await database.pool.query("SELECT id FROM trip_requests WHERE customer_id = 'c-2'")
    expect(rows).toHaveLength(1)
  })

  it('knows the trip under a new key, and refuses other content by name, for good', async () => {
    const tripId = randomUUID()
    const first = await create(tripBody({ tripId: tripId.toUpperCase() }))
    expect(first.json.id).toBe(tripId)
    const again = await create(tripBody({ tripId }))
    expect([again.status, again.text, again.headers.get('location')]).toEqual([
      200,
      first.text,
      `/internal/trips/${tripId}`,
    ])
    const key = randomUUID()
    const body = tripBody({ tripId, category: 'bike', pickup: { latitude: 30, longitude: 31.2357116 } })
    const other = await create(body, key)
    expect([other.status, other.json.code, other.json.fields]).toEqual([
      409,
      'trip_differs',
      ['category', 'pickup.latitude'],
    ])
    const replayed = await create(body, key)
    expect([replayed.text, replayed.headers.get('idempotent-replayed')]).toEqual([other.text, 'true'])
  })

  it("refuses a trip of Laravel's that no longer waits", async () => {
    const tripId = randomUUID()
    await laravelStores(database.pool, tripId, { current_status: 'cancelled' })
    const { status, json } = await create(tripBody({ tripId }))
    expect([status, json.code, json.tripStatus]).toEqual([409, 'trip_not_pending', 'cancelled'])
  })

  it.each<[string, unknown, string[]]>([
    [
      'what is missing',
      {},
      ['category', 'currency', 'customerId', 'destination', 'estimatedFareMinor', 'pickup', 'zoneId'],
    ],
    ['what is unknown', tripBody({ fare: 1 }), ['fare']],
    [
      'what is unknown of a place',
      tripBody({ pickup: { lat: 1, longitude: 1 } }),
      ['pickup.lat', 'pickup.latitude'],
    ],
    [
      'a place that is none',
      tripBody({ destination: { latitude: 90.1, longitude: -181 } }),
      ['destination.latitude', 'destination.longitude'],
    ],
    ['a fraction of a piastre', tripBody({ estimatedFareMinor: 1.5 }), ['estimatedFareMinor']],
    ['a fare below nothing', tripBody({ estimatedFareMinor: -1 }), ['estimatedFareMinor']],
    ['a currency that is none', tripBody({ currency: 'XXX' }), ['currency']],
    ['a currency that no fare of four digits holds', tripBody({ currency: 'CLF' }), ['currency']],
    ['an id that is none', tripBody({ tripId: 'trip-1', customerId: 'a b' }), ['customerId', 'tripId']],
    ['a policy that is none', tripBody({ policy: 'fastest' }), ['policy']],
    ['what is no object', [], ['']],
  ])('refuses %s and names it, and the key stays free', async (_, body, fields) => {
    const key = randomUUID()
    const { status, json } = await create(body, key)
    expect([status, json.code]).toEqual([400, 'invalid_request'])
    const named = new Set<string>(json.errors.map(({ field }: { field: string }) => field))
    expect([...named].sort()).toEqual(fields)
    expect((await create(tripBody(), key)).status).toBe(201)
  })

  it('is for those who have the key, with an Idempotency-Key', async () => {
    const keyless = await callInternal(app, 'POST', '/internal/trips', tripBody())
    expect([keyless.status, keyless.json.code]).toEqual([400, 'idempotency_key_missing'])
    const stranger = await postInternal({ ...app, internalKey: 'wrong' }, '/internal/trips', tripBody())
    expect(stranger.status).toBe(403)
  })
})

describe('GET /internal/trips/:id', () => {
  it.each(['nonsense', randomUUID()])('knows nothing of %s', async (id) => {
    const { status, json } = await callInternal(app, 'GET', `/internal/trips/${id}`)
    expect([status, json.code]).toEqual([404, 'trip_unknown'])
  })
})
