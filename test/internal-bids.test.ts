import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { idToText } from '../src/base/ids.ts'
import { openApp, type TestApp } from './support/app.ts'
import { biddingTrip, bidOf } from './support/bids.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { callInternal, postInternal } from './support/internal-api.ts'

let database: TestDatabase
let app: TestApp

beforeAll(async () => {
  database = await testDatabase('internal-bids')
  app = await openApp(database, { working: false })
})
afterAll(async () => {
  await app?.stop()
  await database?.drop()
})

it('a rider chooses over Laravel, once per key, and the history shows the bids', async () => {
  const { id } = await biddingTrip(database.pool)
  const [mine, other] = [await bidOf(database.pool, id, 'd-1', 9_900n), await bidOf(database.pool, id, 'd-2')]
  const accept = (bidId: string, body: object, key?: string) =>
    postInternal(app, `/internal/trips/${id}/bids/${bidId}/accept`, body, key)
  const [key, bidId] = [randomUUID(), idToText(mine.id)]
  expect((await accept(bidId, { customerId: 'another' })).json.code).toBe('trip_unknown')
  expect((await accept(randomUUID(), {})).json.code).toBe('bid_unknown')
  expect((await accept('none', {})).status).toBe(400)
  const first = await accept(bidId, { customerId: 'customer-1' }, key)
  expect([first.status, first.json]).toMatchObject([200, { driverId: 'd-1', agreedFareMinor: 9_900 }])
  expect((await accept(bidId, { customerId: 'customer-1' }, key)).json).toEqual(first.json)
  const late = await accept(idToText(other.id), {})
  expect([late.status, late.json.code]).toEqual([409, 'trip_taken'])
  const { json } = await callInternal(app, 'GET', `/internal/trips/${id}`)
  expect(json.bids).toMatchObject([
    { bidId, amountMinor: 9_900, state: 'accepted' },
    { driverId: 'd-2', state: 'lost' },
  ])
})
