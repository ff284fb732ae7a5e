import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RowDataPacket } from '../db/rows.ts'
import { idToText } from '../src/base/ids.ts'
import { openApp, type TestApp } from './support/app.ts'
import { CallbackStage } from './support/callbacks.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { callInternal, postInternal } from './support/internal-api.ts'
import { listenFor } from './support/listeners.ts'
import { offer, tripBody } from './support/trips.ts'

let database: TestDatabase
let stage: CallbackStage

beforeAll(async () => {
  database = await testDatabase('trip-callbacks')
  // No sweep comes before the test is over: what arrives was rung for.
  stage = await CallbackStage.open(database, { pace: { intervalMs: 60_000, nextLookSeconds: 60 } })
})
afterAll(async () => {
  await stage?.close()
  await database?.drop()
})

async function offered(app: TestApp, driverId: string) {
  const { json } = await postInternal(app, '/internal/trips', tripBody({ customerId: `c-${driverId}` }))
  return { id: json.id as string, offerId: idToText(await offer(database.pool, json.id, driverId)) }
}

async function messagesOf(tripId: string): Promise<string[]> {
  const [rows] = await database.pool.query<RowDataPacket[]>(
    'SELECT event FROM outbox WHERE ordering_key = ? ORDER BY seq',
    [tripId],
  )
  return rows.map(({ event }) => event)
}

describe('an acceptance', () => {
  it('is called back to Laravel at once and once; what Laravel ordered itself is not', async () => {
    const { app, laravel } = stage
    const { id, offerId } = await offered(app, 'd-1')
    const key = randomUUID()
    const headers = { 'idempotency-key': key, 'x-request-id': 'trace-of-an-acceptance' }
    const body = { driverId: 'd-1', offerId }
    for (const _ of [1, 2])
      expect((await callInternal(app, 'POST', `/internal/trips/${id}/accept`, body, headers)).status).toBe(
        200,
      )
    await postInternal(app, `/internal/trips/${id}/accept`, body)
    await postInternal(app, `/internal/trips/${id}/transition`, { transition: 'started' })
    await postInternal(app, `/internal/trips/${id}/cancel`, { by: 'system' })
    await laravel.until(1)
    expect(laravel.received[0]).toMatchObject({
      path: '/api/internal/events/ride.accepted',
      headers: { 'x-trace-id': 'trace-of-an-acceptance' },
      body: {
        event: 'ride.accepted',
        orderingKey: id,
        data: { rideId: id, driverId: 'd-1', customerId: 'c-d-1', offerId, status: 'accepted' },
      },
    })
    expect(await messagesOf(id)).toEqual(['ride.accepted'])
  })

  it('that is refused tells nobody', async () => {
    const { id, offerId } = await offered(stage.app, 'd-2')
    await postInternal(stage.app, `/internal/trips/${id}/accept`, { driverId: 'd-3', offerId })
    expect(await messagesOf(id)).toEqual([])
  })

  it('writes no callback where nobody would send it', async () => {
    const app = await openApp(database, { callbacks: false })
    const { id, offerId } = await offered(app, 'd-4')
    expect(
      (await postInternal(app, `/internal/trips/${id}/accept`, { driverId: 'd-4', offerId })).status,
    ).toBe(200)
    expect(await messagesOf(id)).toEqual([])
    await app.stop()
  })

  it('is told to the rider and the driver over Redis after the commit, with the numbers of their feeds', async () => {
    const { id, offerId } = await offered(stage.app, 'd-5')
    const users = ['c-d-5', 'd-5']
    const listener = await listenFor(database, users)
    await postInternal(stage.app, `/internal/trips/${id}/accept`, { driverId: 'd-5', offerId })
    for (const user of users)
      await expect
        .poll(() => listener.heard(user), { timeout: 15_000 })
        .toMatchObject([
          {
            event: 'ride:driver_assigned',
            seq: 1,
            data: { rideId: id, driverId: 'd-5', status: 'accepted' },
          },
          ...(user === 'd-5' ? [] : [{ event: 'ride:driver_details', seq: 2, data: { driverId: 'd-5' } }]),
        ])
    listener.close()
  })
})
