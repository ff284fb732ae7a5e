import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type ClientOptions, OncelineClient } from '../client/client.ts'
import { idToText } from '../src/base/ids.ts'
import { openApp, type TestApp } from './support/app.ts'
import { Balancer } from './support/balancer.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { append, feedMessage } from './support/feed.ts'
import { JWT_SECRET } from './support/socket.ts'
import { signToken } from './support/tokens.ts'
import { createdTrip, offer } from './support/trips.ts'

const HERE = { latitude: 30.0444, longitude: 31.2357 }
/** A token is warned of as soon as it is there, and ends the connection soon after its end. */
const HEARTBEAT = { pingMs: 25_000, pongMs: 8_000, warningMs: 60_000, graceMs: 200, turnMs: 50 }
const REALTIME = { jwtSecrets: [JWT_SECRET], allowedOrigins: [], tempo: { heartbeat: HEARTBEAT } }

let database: TestDatabase
let apps: TestApp[]
let balancer: Balancer
const open: OncelineClient[] = []

beforeAll(async () => {
  database = await testDatabase('client_commands')
  apps = [await openApp(database, { realtime: REALTIME }), await openApp(database, { realtime: REALTIME })]
  balancer = await Balancer.open(apps.map(({ port }) => port))
})

afterEach(async () => {
  await Promise.all(open.splice(0).map((client) => client.close()))
})

afterAll(async () => {
  await balancer?.close()
  await Promise.all((apps ?? []).map((app) => app.stop()))
  await database?.drop()
})

function tokenOf(userId: string, userType: string, seconds = 3_600): string {
  const exp = Math.floor(Date.now() / 1_000) + seconds
  return signToken({ secret: JWT_SECRET, claims: { sub: userId, user_type: userType, exp } })
}

function clientOf(userId: string, userType: string, options: Partial<ClientOptions> = {}): OncelineClient {
  const client = new OncelineClient({
    ...{ url: balancer.url, token: tokenOf(userId, userType), backoffBaseMs: 5, backoffCapMs: 50 },
    ...options,
  })
  client.onError(() => undefined)
  open.push(client)
  client.connect()
  return client
}

describe('the client’s commands, against a real Onceline', () => {
  it('take effect once, although the network is cut again and again', async () => {
    const [riderId, driverId] = [randomUUID(), randomUUID()]
    const { id: rideId } = await createdTrip(database.pool, { customerId: riderId })
    const offerId = idToText(await offer(database.pool, rideId, driverId))
    const [rider, driver] = [clientOf(riderId, 'customer'), clientOf(driverId, 'driver')]
    const told: string[] = []
    const otp = new Promise<string | null>((resolve) =>
      rider.on('ride:driver_details', (details) => resolve(details.otp)),
    )
    rider.onAny((_, { event, seq }) => seq !== undefined && told.push(event))
    await Promise.all([rider.opened(), driver.opened()])
    let isOver = false
    const cuts = (async () => {
      while (!isOver) {
        balancer.cutAll()
        await new Promise((resolve) => setTimeout(resolve, 40))
      }
    })()
    const accepted = await driver.send('driver:accept:ride', { rideId, offerId })
    expect(accepted).toMatchObject({ rideId, driverId, state: 'accepted' })
    await driver.send('driver:arrived', { rideId })
    await driver.send('ride:start', { rideId, otp: await otp })
    expect(await driver.send('ride:complete', { rideId })).toMatchObject({ rideId, state: 'completed' })
    isOver = true
    await cuts
    while (!told.includes('ride:completed')) await new Promise((resolve) => setTimeout(resolve, 5))
    expect(told).toEqual([
      ...[
        'ride:driver_assigned',
        'ride:driver_details',
        'ride:driver_arrived',
        'ride:started',
        'ride:completed',
      ],
    ])
  })

  it('say why they are refused', async () => {
    const client = clientOf(randomUUID(), 'customer')
    const refused = client.send('ride:cancel', { rideId: randomUUID() })
    await expect(refused).rejects.toMatchObject({ code: 'trip_unknown', outcome: 'refused', retry: false })
    const invalid = client.send('ride:cancel', { rideId: 'a b' })
    await expect(invalid).rejects.toMatchObject({ code: 'invalid', fields: [{ field: 'rideId' }] })
  })

  it('follow a ride over every connection', async () => {
    const [riderId, driverId] = [randomUUID(), randomUUID()]
    const { id: rideId } = await createdTrip(database.pool, { customerId: riderId })
    const offerId = idToText(await offer(database.pool, rideId, driverId))
    const [rider, driver] = [clientOf(riderId, 'customer'), clientOf(driverId, 'driver')]
    await driver.send('driver:accept:ride', { rideId, offerId })
    rider.follow(rideId)
    await rider.opened()
    balancer.cutAll()
    const seen = new Promise((resolve) => rider.on('driver:location:update', resolve))
    const telling = setInterval(() => driver.tell('driver:location', HERE), 100)
    expect(await seen).toMatchObject({ rideId, driverId, location: HERE })
    clearInterval(telling)
  })
})

describe('the client’s session, against a real Onceline', () => {
  it('begins after what another app of the user has acknowledged', async () => {
    const userId = randomUUID()
    const first = clientOf(userId, 'customer')
    await first.opened()
    await append(database.pool, ...[1, 2].map((n) => feedMessage(userId, n)))
    while (first.seen !== 2) await new Promise((resolve) => setTimeout(resolve, 5))
    await first.close()
    await append(database.pool, feedMessage(userId, 3))
    for (let numbers: number[] = []; numbers.join() !== '3'; ) {
      // The acknowledgement is written within a second; until then the next app hears of more.
      numbers = []
      const next = clientOf(userId, 'customer', { start: 'acked', autoAck: false })
      next.onAny((_, { seq }) => seq !== undefined && numbers.push(seq))
      while (next.seen !== 3) await new Promise((resolve) => setTimeout(resolve, 5))
      await next.close()
    }
  })

  it('goes on over the same connection when its token ends', async () => {
    const userId = randomUUID()
    const tokens = [tokenOf(userId, 'customer', 2), tokenOf(userId, 'customer')]
    const client = clientOf(userId, 'customer', { token: () => tokens.shift() ?? null })
    const states: string[] = []
    client.onState(({ name }) => states.push(name))
    const warned = new Promise((resolve) => client.on('auth:expiring', resolve))
    await warned
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    expect([client.state.name, states, tokens]).toEqual(['open', ['open'], []])
  })

  it('stops when its token ends and there is no other', async () => {
    const userId = randomUUID()
    const client = clientOf(userId, 'customer', { token: tokenOf(userId, 'customer', 1) })
    await client.opened()
    const why = new Promise((resolve) =>
      client.onState((state) => state.name === 'stopped' && resolve(state.why)),
    )
    expect(await why).toBe('unauthorized')
  })

  it('hears the server when it asks', async () => {
    const client = clientOf(randomUUID(), 'customer')
    await client.opened()
    const pong = new Promise((resolve) => client.on('pong', resolve))
    client.tell('ping', {})
    expect(await pong).toMatchObject({ serverTime: expect.any(Number) })
    expect(Math.abs(client.serverNowMs() - Date.now())).toBeLessThan(5_000)
  })
})
