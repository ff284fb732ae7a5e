import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RowDataPacket } from '../db/rows.ts'
import { idToText, newId } from '../src/base/ids.ts'
import { TRIP, TRIP_HISTORY } from '../src/laravel/trip-schemas.ts'
import { openApp, type TestApp } from './support/app.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { callInternal, postInternal } from './support/internal-api.ts'
import { historyOf, laravelStores, offer, tripBody } from './support/trips.ts'

let database: TestDatabase
let app: TestApp

beforeAll(async () => {
  database = await testDatabase('internal-trip-moves')
  app = await openApp(database)
})
afterAll(async () => {
  await app?.stop()
  await database?.drop()
})

const create = (body: unknown, key?: string) => postInternal(app, '/internal/trips', body, key)
const act = (id: string, what: string, body: unknown, key?: string) =>
  postInternal(app, `/internal/trips/${id}/${what}`, body, key)
const show = async (id: string) => (await callInternal(app, 'GET', `/internal/trips/${id}`)).json
const feedOf = async (userId: string) => {
  const [rows] = await database.pool.query<RowDataPacket[]>(
    'SELECT event, data FROM feed_messages WHERE user_id = ? ORDER BY seq',
    [userId],
  )
  return rows.map(({ event, data }) => ({ event, ...(typeof data === 'string' ? JSON.parse(data) : data) }))
}

/** A trip of a driver's, that waits for nobody. */
async function accepted(driverId: string, more: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const { id } = (await create(tripBody(more))).json
  const offerId = idToText(await offer(database.pool, id, driverId))
  expect((await act(id, 'accept', { driverId, offerId })).status).toBe(200)
  return id
}

describe('POST /internal/trips/:id/transition and /cancel', () => {
  it('take a trip through its life and tell rider and driver, in order', async () => {
    const id = await accepted('d-life', { customerId: 'c-life' })
    expect((await act(id, 'transition', { transition: 'arrived', driverId: 'd-life' })).json).toMatchObject({
      status: 'accepted',
      state: 'arrived',
    })
    await act(id, 'transition', { transition: 'started' })
    const done = { transition: 'completed', finalFareMinor: 13_000, currency: 'EGP' }
    const completed = await act(id, 'transition', done)
    expect([completed.status, TRIP.strict().parse(completed.json)]).toMatchObject([
      200,
      { status: 'completed', version: 5, finalFareMinor: 13_000 },
    ])
    const again = await act(id, 'transition', done)
    expect([again.status, again.text]).toEqual([200, completed.text])
    const [first, details, ...rest] = await feedOf('c-life')
    // The code is for the rider alone.
    expect(details).toMatchObject({ event: 'ride:driver_details', driverId: 'd-life', driver: null })
    const told = [first ?? {}, ...rest] as Record<string, unknown>[]
    expect(told.map(({ event }) => event)).toEqual([
      'ride:driver_assigned',
      'ride:driver_arrived',
      'ride:started',
      'ride:completed',
    ])
    expect(told.every(({ rideId, driverId }) => rideId === id && driverId === 'd-life')).toBe(true)
    expect(told.at(-1)).toMatchObject({ finalFareMinor: 13_000, currency: 'EGP' })
    expect(await feedOf('d-life')).toEqual(told)
    const history = TRIP_HISTORY.parse(await show(id))
    expect(history.transitions.map(({ to, by, byId }) => [to, by, byId])).toEqual([
      ['pending', 'customer', 'c-life'],
      ['accepted', 'driver', 'd-life'],
      ['arrived', 'driver', 'd-life'],
      ['ongoing', 'laravel', null],
      ['completed', 'laravel', null],
    ])
    expect(history.offers).toMatchObject([{ driverId: 'd-life', state: 'accepted' }])
  })

  it('cancel once, with who and why, and refuse what cannot be any more', async () => {
    const id = await accepted('d-cancel', { customerId: 'c-cancel' })
    const body = { by: 'customer', reason: 'too late' }
    expect((await act(id, 'cancel', body)).json.status).toBe('cancelled')
    expect((await act(id, 'cancel', { by: 'system' })).status).toBe(200)
    expect((await show(id)).transitions.at(-1)).toMatchObject({
      by: 'customer',
      byId: 'c-cancel',
      reason: 'too late',
    })
    expect((await feedOf('d-cancel')).at(-1)).toMatchObject({
      event: 'ride:cancelled',
      cancelledBy: 'customer',
      reason: 'too late',
    })
    const key = randomUUID()
    const refused = await act(id, 'transition', { transition: 'started' }, key)
    expect([refused.status, refused.json]).toMatchObject([
      409,
      { code: 'transition_not_allowed', from: 'cancelled', to: 'ongoing' },
    ])
    expect((await act(id, 'transition', { transition: 'started' }, key)).text).toBe(refused.text)
    expect(await historyOf(database.pool, id)).toHaveLength(3)
  })

  it('release a trip whose driver gives it up, as often as it is said, and not the next one’s', async () => {
    const id = await accepted('d-gone', { customerId: 'c-gone' })
    const body = { by: 'driver', driverId: 'd-gone', redispatch: true, reason: 'a flat' }
    for (const _ of [1, 2])
      expect((await act(id, 'cancel', body)).json).toMatchObject({ status: 'pending', driverId: null })
    const told = (await feedOf('c-gone')).filter(({ event }) => event === 'ride:redispatched')
    expect(told).toMatchObject([{ rideId: id, releasedDriverId: 'd-gone', reason: 'a flat' }])
    expect((await show(id)).transitions.at(-1)).toMatchObject({
      ...{ from: 'accepted', to: 'pending', by: 'driver', byId: 'd-gone', driverId: 'd-gone' },
    })
    const offerId = idToText(await offer(database.pool, id, 'd-next'))
    await act(id, 'accept', { driverId: 'd-next', offerId })
    expect((await act(id, 'cancel', body)).json).toMatchObject({ code: 'trip_differs', fields: ['driverId'] })
    await act(id, 'transition', { transition: 'started' })
    const late = { by: 'driver', driverId: 'd-next', redispatch: true }
    expect((await act(id, 'cancel', late)).json).toMatchObject({ status: 'cancelled' })
    const wrong = await act(id, 'cancel', { by: 'customer', redispatch: true })
    expect([wrong.status, wrong.json.errors?.[0]?.field]).toEqual([400, 'redispatch'])
  })

  it('observe once what Laravel has written before it told, and tell of it', async () => {
    const id = await accepted('d-seen', { customerId: 'c-seen' })
    await database.pool.query("UPDATE trip_requests SET current_status = 'ongoing' WHERE id = ?", [id])
    for (const _ of [1, 2]) expect((await act(id, 'transition', { transition: 'started' })).status).toBe(200)
    expect(await historyOf(database.pool, id)).toEqual(['>pending', 'pending>accepted', 'accepted>ongoing!'])
    expect((await feedOf('d-seen')).map(({ event }) => event)).toEqual([
      'ride:driver_assigned',
      'ride:started',
    ])
  })

  it("refuse another driver and another currency than the trip's", async () => {
    const id = await accepted('d-own')
    const other = await act(id, 'transition', { transition: 'arrived', driverId: 'd-other' })
    expect([other.status, other.json.code, other.json.fields]).toEqual([409, 'trip_differs', ['driverId']])
    const usd = { transition: 'completed', finalFareMinor: 1, currency: 'USD' }
    expect((await act(id, 'transition', { transition: 'started' })).status).toBe(200)
    expect((await act(id, 'transition', usd)).json.fields).toEqual(['currency'])
  })

  it.each<[string, string, unknown, string[]]>([
    ['no transition', 'transition', {}, ['transition']],
    ['a transition that is none', 'transition', { transition: 'accepted' }, ['transition']],
    ['what is unknown', 'transition', { transition: 'started', otp: '1' }, ['otp']],
    [
      'a fare of no end',
      'transition',
      { transition: 'started', finalFareMinor: 1, currency: 'EGP' },
      ['finalFareMinor'],
    ],
    ['a fare of no currency', 'transition', { transition: 'completed', finalFareMinor: 1 }, ['currency']],
    ['a currency of no fare', 'transition', { transition: 'completed', currency: 'EGP' }, ['finalFareMinor']],
    ['nobody', 'cancel', {}, ['by']],
    ['somebody else', 'cancel', { by: 'laravel', fee: 1 }, ['by', 'fee']],
    ['an offer that is none', 'accept', { driverId: 'd-1', offerId: '1' }, ['offerId']],
    ['what is unknown of an acceptance', 'accept', { driverId: 'd-1', offerId: randomUUID(), at: 1 }, ['at']],
  ])('refuse %s and name it', async (_, what, body, fields) => {
    const { status, json } = await act(randomUUID(), what, body)
    expect([status, json.code]).toEqual([400, 'invalid_request'])
    expect(json.errors.map(({ field }: { field: string }) => field).sort()).toEqual(fields)
  })

  it.each(['cancel', 'transition', 'accept'])(
    'know no trip that is not there (%s), and the key stays free',
    async (what) => {
      const bodies: Readonly<Record<string, unknown>> = {
        cancel: { by: 'system' },
        transition: { transition: 'arrived' },
        accept: { driverId: 'd-1', offerId: idToText(newId()) },
      }
      const [id, key] = [randomUUID(), randomUUID()]
      for (const unknown of [id, 'nonsense']) {
        const { status, json } = await act(unknown, what, bodies[what], key)
        expect([status, json.code]).toEqual([404, 'trip_unknown'])
      }
      const known = await accepted(`d-${what}`)
      expect((await act(known, what, bodies[what], key)).status).not.toBe(422)
    },
  )
})

describe('POST /internal/trips/:id/accept', () => {
  it('gives the trip away once; refusals stand for their keys', async () => {
    const { id } = (await create(tripBody())).json
    const [won, lost] = [await offer(database.pool, id, 'd-w'), await offer(database.pool, id, 'd-l')].map(
      idToText,
    )
    const key = randomUUID()
    const winner = await act(id, 'accept', { driverId: 'd-w', offerId: won }, key)
    expect([winner.status, winner.json]).toMatchObject([
      200,
      { status: 'accepted', driverId: 'd-w', version: 2 },
    ])
    expect((await act(id, 'accept', { driverId: 'd-w', offerId: won }, key)).text).toBe(winner.text)
    expect((await act(id, 'accept', { driverId: 'd-w', offerId: won })).text).toBe(winner.text)
    const loser = await act(id, 'accept', { driverId: 'd-l', offerId: lost })
    expect([loser.status, loser.json.code]).toEqual([409, 'trip_taken'])
  })

  it('keeps driver_busy as the answer of its key, though a unique key said no in the middle', async () => {
    const busy = randomUUID()
    await laravelStores(database.pool, busy, { current_status: 'ongoing', driver_id: 'd-busy' })
    const { id } = (await create(tripBody())).json
    const body = { driverId: 'd-busy', offerId: idToText(await offer(database.pool, id, 'd-busy')) }
    const key = randomUUID()
    const refused = await act(id, 'accept', body, key)
    expect([refused.status, refused.json.code]).toEqual([409, 'driver_busy'])
    await database.pool.query("UPDATE trip_requests SET current_status = 'completed' WHERE id = ?", [busy])
    const replayed = await act(id, 'accept', body, key)
    expect([replayed.text, replayed.headers.get('idempotent-replayed')]).toEqual([refused.text, 'true'])
    expect((await act(id, 'accept', body)).status).toBe(200)
  })

  it.each([
    ['offer_unknown', { state: 'offered', seconds: 60 }, randomUUID()],
    ['offer_expired', { state: 'offered', seconds: -1 }, null],
    ['offer_closed', { state: 'rejected', seconds: 60 }, null],
  ])('refuses with %s', async (code, spec, other) => {
    const { id } = (await create(tripBody())).json
    const offerId = idToText(await offer(database.pool, id, 'd-none', spec))
    const refused = await act(id, 'accept', { driverId: 'd-none', offerId: other ?? offerId })
    expect([refused.status, refused.json.code]).toEqual([409, code])
    expect((await show(id)).trip.driverId).toBeNull()
  })
})
