import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { migrate } from '../db/migrate.ts'
import { idToText } from '../src/base/ids.ts'
import { openApp, type TestApp } from './support/app.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { callInternal, postInternal } from './support/internal-api.ts'
import { loadLaravelSchema } from './support/migrations.ts'
import { historyOf, laravelStores, offer, stampsOf, tripBody, tripRow } from './support/trips.ts'

/** The ongoing ride of the fixture, and who drives it. */
const ONGOING = '5b0e3a40-2d5f-4f52-8f3b-1f0c9b7b0001'
const DRIVER = '0b7a1d52-6a0f-4d3e-9c55-0a8f5c7f1a02'

let database: TestDatabase
let app: TestApp

beforeAll(async () => {
  database = await testDatabase('trips-shared', { migrated: false })
  await loadLaravelSchema(database.address)
  await migrate(database.address)
  app = await openApp(database)
})
afterAll(async () => {
  await app?.stop()
  await database?.drop()
})

const create = (body: unknown, key?: string) => postInternal(app, '/internal/trips', body, key)
const act = (id: string, what: string, body: unknown) =>
  postInternal(app, `/internal/trips/${id}/${what}`, body)

/** Laravel stores a trip and its times, then tells of it. */
async function told(more: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const tripId = randomUUID()
  await laravelStores(database.pool, tripId, {
    ref_id: tripId.slice(0, 8),
    customer_id: 'c-1',
    zone_id: 'zone-1',
    ...more,
  })
  await database.pool.query(
    'INSERT INTO trip_status (trip_request_id, customer_id, pending) VALUES (?, ?, UTC_TIMESTAMP())',
    [tripId, 'c-1'],
  )
  expect((await create(tripBody({ tripId }))).status).toBe(201)
  return tripId
}

describe("in Laravel's database", () => {
  it('a trip that Laravel did not store is not ours to store, and its key stays free', async () => {
    const [tripId, key] = [randomUUID(), randomUUID()]
    const early = await create(tripBody({ tripId }), key)
    expect([early.status, early.json.code, early.json.detail]).toEqual([
      404,
      'trip_unknown',
      'Laravel stores its trip first; then it is told of here.',
    ])
    await laravelStores(database.pool, tripId, { ref_id: '1', customer_id: 'c-1' })
    const before = await tripRow(database.pool, tripId)
    const { status, json } = await create(tripBody({ tripId }), key)
    expect([status, json.status, json.pickup.address]).toEqual([201, 'pending', 'Tahrir'])
    expect(await tripRow(database.pool, tripId)).toEqual(before)
    expect(await historyOf(database.pool, tripId)).toEqual(['>pending!'])
  })

  it('a trip goes its way beside Laravel, whose times and fares stand', async () => {
    const tripId = await told()
    const offerId = idToText(await offer(database.pool, tripId, 'd-way'))
    const accepted = await act(tripId, 'accept', { driverId: 'd-way', offerId })
    expect([accepted.status, accepted.json.driverId]).toEqual([200, 'd-way'])
    expect(await stampsOf(database.pool, tripId)).toEqual(['pending', 'accepted'])
    const ongoing = new Date('2026-11-01T10:00:00Z')
    await database.pool.query("UPDATE trip_requests SET current_status = 'ongoing' WHERE id = ?", [tripId])
    await database.pool.query('UPDATE trip_status SET ongoing = ? WHERE trip_request_id = ?', [
      ongoing,
      tripId,
    ])
    await act(tripId, 'transition', { transition: 'started' })
    await act(tripId, 'transition', { transition: 'completed', finalFareMinor: 9_900, currency: 'EGP' })
    expect(await tripRow(database.pool, tripId)).toMatchObject({
      current_status: 'completed',
      actual_fare: '0.000',
      estimated_fare: '120.500',
    })
    const [times] = await database.pool.query('SELECT ongoing FROM trip_status WHERE trip_request_id = ?', [
      tripId,
    ])
    expect(times).toEqual([{ ongoing }])
    expect(await historyOf(database.pool, tripId)).toEqual([
      '>pending!',
      'pending>accepted',
      'accepted>ongoing!',
      'ongoing>completed',
    ])
  })

  it('a ride from before Onceline counts: its driver gets no second one, and it goes on', async () => {
    const tripId = await told()
    const offerId = idToText(await offer(database.pool, tripId, DRIVER))
    expect((await act(tripId, 'accept', { driverId: DRIVER, offerId })).json.code).toBe('driver_busy')
    const done = await act(ONGOING, 'transition', { transition: 'completed' })
    expect([done.status, done.json.status, done.json.pickup]).toEqual([200, 'completed', null])
    expect(await historyOf(database.pool, ONGOING)).toEqual(['>ongoing!', 'ongoing>completed'])
    expect((await act(tripId, 'accept', { driverId: DRIVER, offerId })).status).toBe(200)
    const shown = await callInternal(app, 'GET', `/internal/trips/${ONGOING}`)
    expect(shown.json.trip).toMatchObject({ status: 'completed', driverId: DRIVER, currency: null })
  })

  it("Laravel's own writes meet the same guarantee", async () => {
    await told({ driver_id: 'd-twice', current_status: 'pending' })
    await laravelStores(database.pool, 'l-1', {
      ref_id: '2',
      driver_id: 'd-twice',
      current_status: 'accepted',
    })
    const second = laravelStores(database.pool, 'l-2', {
      ref_id: '3',
      driver_id: 'd-twice',
      current_status: 'ongoing',
    })
    await expect(second).rejects.toThrow(/one_active_trip_per_driver/)
    await laravelStores(database.pool, 'l-3', {
      ref_id: '4',
      driver_id: 'd-twice',
      current_status: 'ongoing',
      type: 'parcel',
    })
  })
})
