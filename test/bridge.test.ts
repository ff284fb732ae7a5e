import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readFeed } from '../src/feed/read.ts'
import { createTripIn } from '../src/matching/trips/create.ts'
import { moveTripIn } from '../src/matching/trips/move.ts'
import { readTrip } from '../src/matching/trips/trip-reader.ts'
import { type BridgeRun, openBridgeRun } from './support/bridge.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { createdTrip, historyOf, inTx, laravelStores, moveOf, orderOf, tripRow } from './support/trips.ts'

let database: TestDatabase
let run: BridgeRun
const ONCE = { acted: 1, replayed: 1 }

beforeAll(async () => {
  database = await testDatabase('bridge')
  run = await openBridgeRun(database, { tempo: { patienceMs: 5_000, graceMs: 600 } })
})
afterAll(async () => {
  await run?.stop()
  await database?.drop()
})

/** As the present publisher writes it: numbers as text, and fields that nobody here knows. */
function created(more: Readonly<Record<string, unknown>> = {}) {
  return {
    ride_id: randomUUID(),
    customer_id: `customer-${randomUUID().slice(0, 8)}`,
    pickup_latitude: '30.0444196',
    pickup_longitude: 31.2357116,
    destination_latitude: '30.1219',
    destination_longitude: '31.4056',
    vehicle_category_id: 'car',
    estimated_fare: '120.500',
    created_at: new Date().toISOString(),
    trace_id: 'trace-7',
    zone_id: 'zone-1',
    something_else: { nobody: 'knows' },
    ...more,
  }
}

let published = 0
function of(rideId: string, more: Readonly<Record<string, unknown>> = {}) {
  published += 1
  return { ride_id: rideId, published_at: `2026-11-25T06:00:00.${published}Z`, trace_id: 'trace-8', ...more }
}

/** A trip that both services heard of. */
async function ride() {
  const message = created()
  await run.say('laravel:ride.created', message)
  return {
    rideId: message.ride_id,
    customerId: message.customer_id,
    driverId: `driver-${message.ride_id.slice(0, 8)}`,
  }
}

async function told(userId: string): Promise<[string, Record<string, unknown>][]> {
  const page = await readFeed(database.pool, userId, 0, 100)
  return page.kind === 'lost' ? [] : page.messages.map(({ event, data }) => [event, { ...data }])
}

const eventsOf = async (userId: string) => (await told(userId)).map(([event]) => event)

/** Resolves when both services have heard a message and not finished it. */
async function allWait(): Promise<void> {
  const waiting = () => Promise.all(run.apps.map((app) => app.metrics('onceline_bridge_waiting')))
  await expect
    .poll(async () => (await waiting()).flat())
    .toEqual(['onceline_bridge_waiting 1', 'onceline_bridge_waiting 1'])
}

function laravelWrites(rideId: string, driverId: string) {
  return database.pool.query(
    "UPDATE trip_requests SET driver_id = ?, current_status = 'accepted' WHERE id = ?",
    [driverId, rideId],
  )
}

describe('a ride that Laravel tells of', () => {
  it('is created once by two services, with its fare in minor units', async () => {
    const message = created()
    expect(await run.say('laravel:ride.created', message)).toEqual(ONCE)
    const trip = await readTrip(database.pool, message.ride_id)
    expect(trip).toMatchObject({
      state: 'pending',
      customerId: message.customer_id,
      zoneId: 'zone-1',
      details: { category: 'car', estimatedFare: { amountMinor: 12_050n, currency: 'EGP' } },
    })
    expect(trip?.details?.pickup).toEqual({ latitude: 30.0444196, longitude: 31.2357116, address: null })
    expect(await historyOf(database.pool, message.ride_id)).toEqual(['>pending'])
  })

  it('is in the zone that Laravel has stored, where the message names none', async () => {
    const message = created({ zone_id: null, customer_id: 'customer-1' })
    await laravelStores(database.pool, message.ride_id, { zone_id: 'zone-9', current_status: 'pending' })
    expect(await run.say('laravel:ride.created', message)).toEqual(ONCE)
    expect(await readTrip(database.pool, message.ride_id)).toMatchObject({
      zoneId: 'zone-9',
      details: { zoneId: 'zone-9', isAdopted: true },
    })
  })

  it('moves from offer to end, and tells rider and driver of each step once', async () => {
    const { rideId, customerId, driverId } = await ride()
    const steps: [string, Record<string, unknown>][] = [
      ['laravel:driver.assigned', { driver_id: driverId }],
      ['laravel:driver.arrived', {}],
      ['laravel:otp.verified', {}],
      ['laravel:ride.started', { driver_id: driverId }],
      ['laravel:ride.completed', { final_fare: 131.255 }],
    ]
    for (const [channel, more] of steps)
      expect([channel, await run.say(channel, of(rideId, more))]).toEqual([channel, ONCE])
    expect(await historyOf(database.pool, rideId)).toEqual([
      '>pending',
      'pending>accepted',
      'accepted>arrived',
      'arrived>ongoing',
      'ongoing>completed',
    ])
    const expected = ['ride:driver_assigned', 'ride:driver_arrived', 'ride:started', 'ride:completed']
    expect(await eventsOf(customerId)).toEqual(expected)
    expect(await eventsOf(driverId)).toEqual(expected)
    expect((await told(customerId)).at(-1)?.[1]).toMatchObject({
      rideId,
      finalFareMinor: 13_126,
      currency: 'EGP',
    })
  })

  it('ends at a fare in its own currency, where the message names none', async () => {
    const estimatedFare = { amountMinor: 700n, currency: 'USD' }
    const { id } = await createdTrip(database.pool, { estimatedFare })
    await laravelWrites(id, `d-${id.slice(0, 8)}`)
    await inTx(database.pool, (connection) => moveTripIn(connection, id, moveOf('ongoing')))
    expect(await run.say('laravel:ride.completed', of(id, { final_fare: '7.5' }))).toEqual(ONCE)
    const finalFare = { amountMinor: 750n, currency: 'USD' }
    expect(await readTrip(database.pool, id)).toMatchObject({ state: 'completed', finalFare })
  })

  it('is cancelled by whom Laravel says', async () => {
    const { rideId, customerId } = await ride()
    const message = of(rideId, { cancelled_by: 'Customer', reason: 'too slow' })
    expect(await run.say('laravel:ride.cancelled', message)).toEqual(ONCE)
    expect(await told(customerId)).toEqual([
      ['ride:cancelled', expect.objectContaining({ rideId, cancelledBy: 'customer', reason: 'too slow' })],
    ])
  })

  it('is observed and not moved where Laravel has written it already', async () => {
    const rideId = randomUUID()
    await laravelStores(database.pool, rideId, {
      customer_id: `c-${rideId.slice(0, 8)}`,
      driver_id: 'd-1',
      current_status: 'completed',
    })
    expect(await run.say('laravel:ride.completed', of(rideId, { final_fare: '50' }))).toEqual(ONCE)
    expect(await historyOf(database.pool, rideId)).toEqual(['>completed!'])
    expect(await eventsOf(`c-${rideId.slice(0, 8)}`)).toEqual(['ride:completed'])
  })

  it('is not announced twice where somebody else has moved it before', async () => {
    const { rideId, customerId, driverId } = await ride()
    await run.say('laravel:driver.assigned', of(rideId, { driver_id: driverId }))
    await inTx(database.pool, (connection) => moveTripIn(connection, rideId, moveOf('ongoing')))
    expect(await run.say('laravel:ride.started', of(rideId))).toEqual(ONCE)
    expect(await eventsOf(customerId)).toEqual(['ride:driver_assigned'])
  })

  it('gives the rider the code and the driver’s details, and the driver neither', async () => {
    const { rideId, customerId, driverId } = await ride()
    const driver = { id: driverId, name: 'Mona', plate: 'ABC 123' }
    const message = of(rideId, { ride_id: undefined, otp: 4711, driver, trip: { id: rideId, anything: 1 } })
    expect(await run.say('laravel:trip.accepted', message)).toEqual(ONCE)
    expect(await told(customerId)).toEqual([
      ['ride:driver_assigned', expect.objectContaining({ rideId, driverId })],
      ['ride:driver_details', { rideId, driverId, otp: '4711', driver }],
    ])
    expect(await eventsOf(driverId)).toEqual(['ride:driver_assigned'])
    expect(JSON.stringify(await told(driverId))).not.toContain('4711')
  })

  it('gives the rider the details of a driver whom he knows of already, and announces him no second time', async () => {
    const { rideId, customerId, driverId } = await ride()
    await run.say('laravel:driver.assigned', of(rideId, { driver_id: driverId }))
    expect(await run.say('laravel:trip.accepted', of(rideId, { otp: '4711', driver_id: driverId }))).toEqual(
      ONCE,
    )
    expect(await eventsOf(customerId)).toEqual(['ride:driver_assigned', 'ride:driver_details'])
    expect(await eventsOf(driverId)).toEqual(['ride:driver_assigned'])
  })
})

describe('a message that is not allowed', () => {
  it('is tried again for a moment, since Laravel publishes before it commits', async () => {
    const order = orderOf({ customerId: `c-${randomUUID().slice(0, 8)}` })
    const connection = await database.pool.getConnection()
    await connection.query('START TRANSACTION')
    const creation = await createTripIn(connection, order)
    expect(creation.kind).toBe('created')
    const outcome = run.say('laravel:ride.cancelled', of(order.tripId))
    await allWait()
    await connection.query('COMMIT')
    connection.release()
    expect(await outcome).toEqual(ONCE)
    expect(await eventsOf(order.customerId)).toEqual(['ride:cancelled'])
  })

  it('is tried again, too, where it names a driver before Laravel has written him', async () => {
    const { rideId, driverId } = await ride()
    await laravelWrites(rideId, 'd-before')
    const outcome = run.say('laravel:driver.arrived', of(rideId, { driver_id: driverId }))
    await allWait()
    await laravelWrites(rideId, driverId)
    expect(await outcome).toEqual(ONCE)
    expect(await historyOf(database.pool, rideId)).toEqual([
      '>pending',
      'pending>accepted!',
      'accepted>arrived',
    ])
  })

  it('is refused after that, counted and said without its content', async () => {
    const rideId = randomUUID()
    const message = of(rideId, { driver_phone: '+201000000000' })
    expect(await run.say('laravel:ride.started', message)).toEqual({ refused: 2 })
    const said = run.lines().filter((line) => line.includes(rideId))
    expect(said[0]).toContain('"reason":"trip_unknown"')
    expect(said[0]).toContain('"traceId":"trace-8"')
    expect(run.lines().join()).not.toContain('+2010')
  })

  it('leaves its key free: said again when it is allowed, it is acted on', async () => {
    const { rideId } = await ride()
    const message = of(rideId)
    expect(await run.say('laravel:ride.completed', message)).toEqual({ refused: 2 })
    expect((await tripRow(database.pool, rideId)).current_status).toBe('pending')
    await inTx(database.pool, (connection) =>
      moveTripIn(connection, rideId, moveOf('accepted', { driverId: `d-${rideId.slice(0, 8)}` })),
    )
    await inTx(database.pool, (connection) => moveTripIn(connection, rideId, moveOf('ongoing')))
    expect(await run.say('laravel:ride.completed', message)).toEqual(ONCE)
  })
})
