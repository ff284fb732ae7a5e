import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RowDataPacket } from '../db/rows.ts'
import { type BridgeRun, openBridgeRun } from './support/bridge.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { laravelStores } from './support/trips.ts'

let database: TestDatabase
let run: BridgeRun
const ONCE = { acted: 1, replayed: 1 }

beforeAll(async () => {
  database = await testDatabase('bridge-dispatch')
  run = await openBridgeRun(database, { tempo: { patienceMs: 5_000, graceMs: 600 } })
})
afterAll(async () => {
  await run?.stop()
  await database?.drop()
})

function created(more: Readonly<Record<string, unknown>> = {}) {
  return {
    ...{ ride_id: randomUUID(), customer_id: 'customer-1', zone_id: 'zone-1', vehicle_category_id: 'car' },
    ...{ pickup_latitude: 30.04, pickup_longitude: 31.23 },
    ...{ destination_latitude: 30.12, destination_longitude: 31.4 },
    ...{ estimated_fare: '120.500', created_at: new Date().toISOString() },
    ...more,
  }
}

async function dispatchesOf(rideId: string): Promise<RowDataPacket[]> {
  const [rows] = await database.pool.query<RowDataPacket[]>(
    'SELECT zone_id, category, since FROM trip_dispatches WHERE trip_id = ?',
    [rideId],
  )
  return rows
}

describe('a driver for a ride that Laravel tells of', () => {
  it('is looked for once, whoever hears of it', async () => {
    const message = created()
    expect(await run.say('laravel:ride.created', message)).toEqual(ONCE)
    const begun = await dispatchesOf(message.ride_id)
    expect(begun).toMatchObject([{ zone_id: 'zone-1', category: 'car' }])
    const again = { ...message, published_at: 'later' }
    expect(await run.say('laravel:ride.created', again)).toEqual(ONCE)
    expect(await dispatchesOf(message.ride_id)).toEqual(begun)
  })

  it('is looked for in the zone that Laravel has stored', async () => {
    const message = created({ zone_id: null })
    await laravelStores(database.pool, message.ride_id, { zone_id: 'zone-9' })
    await run.say('laravel:ride.created', message)
    expect(await dispatchesOf(message.ride_id)).toMatchObject([{ zone_id: 'zone-9' }])
  })

  it.each([
    ['laravel:driver.assigned', { driver_id: 'driver-1' }],
    ['laravel:ride.cancelled', { cancelled_by: 'customer' }],
  ])('is looked for no more after %s', async (channel, more) => {
    const message = created()
    await run.say('laravel:ride.created', message)
    const told = { ride_id: message.ride_id, published_at: new Date().toISOString(), ...more }
    expect(await run.say(channel, told)).toEqual(ONCE)
    expect(await dispatchesOf(message.ride_id)).toEqual([])
  })
})
