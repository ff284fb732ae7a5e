import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket as Ws } from 'ws'
import { z } from 'zod'
import { type ClientOptions, OncelineClient } from '../client/client.ts'
import { openPool, type Pool } from '../db/pools.ts'
import { openRedis, type Redis } from '../db/redis.ts'
import { Publisher } from '../src/feed/publish.ts'
import { PUSHES, type PushName } from '../src/realtime/protocol/pushes.ts'
import { openApp, type TestApp } from './support/app.ts'
import { Balancer } from './support/balancer.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { append } from './support/feed.ts'
import { propertyRuns } from './support/property-runs.ts'
import { JWT_SECRET } from './support/socket.ts'
import { askForTicket, signToken } from './support/tokens.ts'

let database: TestDatabase
let apps: TestApp[]
let balancer: Balancer
let pool: Pool
let redis: Redis
let publisher: Publisher
const open: OncelineClient[] = []

const REALTIME = { jwtSecrets: [JWT_SECRET], allowedOrigins: [], tempo: { headsMs: 50 } }

beforeAll(async () => {
  database = await testDatabase('realtime_client')
  apps = [await openApp(database, { realtime: REALTIME }), await openApp(database, { realtime: REALTIME })]
  balancer = await Balancer.open(apps.map(({ port }) => port))
  pool = openPool(database.address, { connectionLimit: 4, lockWaitSeconds: 5 })
  redis = openRedis(database.redis, 'publish', () => undefined)
  publisher = new Publisher({ redis, installation: database.address.database, onError: () => undefined })
})

afterEach(async () => {
  await Promise.all(open.splice(0).map((client) => client.close()))
})

afterAll(async () => {
  await balancer?.close()
  await Promise.all((apps ?? []).map((app) => app.stop()))
  redis?.disconnect()
  await pool?.end()
  await database?.drop()
})

function tokenOf(userId: string, userType = 'customer', claims: object = {}): string {
  return signToken({ secret: JWT_SECRET, claims: { sub: userId, user_type: userType, ...claims } })
}

function clientOf(userId: string, options: Partial<ClientOptions> = {}): OncelineClient {
  const client = new OncelineClient({
    ...{ url: `${balancer.url}/realtime`, token: tokenOf(userId), backoffBaseMs: 5, backoffCapMs: 50 },
    ...options,
  })
  client.onError(() => undefined)
  open.push(client)
  return client
}

/** What the application hears: the numbers of the feed, and whatever is not as the protocol's tables say. */
function watch(client: OncelineClient) {
  const heard = { numbers: [] as number[], events: [] as string[], wrong: [] as unknown[] }
  client.onAny((data, { event, seq }) => {
    heard.events.push(event)
    if (seq !== undefined) heard.numbers.push(seq)
    const schema = strict(PUSHES[event as PushName].data)
    const parsed = schema.safeParse(data)
    if (!parsed.success) heard.wrong.push(event, parsed.error.issues)
  })
  return heard
}

/** What is in none of the schemas is a defect of theirs. */
function strict(schema: { readonly shape: object }): z.ZodType {
  return z.strictObject(schema.shape as z.core.$ZodLooseShape)
}

/** Appends messages and, half of the time, tells nobody: those are found by comparing heads. */
async function tell(userId: string, count: number, isPublished: boolean): Promise<void> {
  const data = { rideId: 'ride-1', status: 'ongoing', driverId: 'driver-1', at: new Date().toISOString() }
  for (let n = 0; n < count; n += 1) {
    const messages = await append(pool, { userId, event: 'ride:started', data })
    if (isPublished) await publisher.publish(messages)
  }
}

async function until(isTrue: () => boolean, what: () => string = () => 'what was waited for'): Promise<void> {
  const endMs = performance.now() + 20_000
  while (!isTrue()) {
    if (performance.now() > endMs) throw new Error(`never came: ${what()}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

const upTo = (n: number) => Array.from({ length: n }, (_, index) => index + 1)

describe('the client, against a real Onceline', () => {
  it('hears 1 … n in order and each once over two processes, whatever is cut and whatever Redis loses', async () => {
    let user = 0
    const step = fc.record({
      count: fc.integer({ min: 1, max: 15 }),
      isPublished: fc.boolean(),
      cut: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 6 }), async (steps) => {
        user += 1
        const client = clientOf(`rider-${user}`)
        const heard = watch(client)
        client.connect()
        await client.opened()
        for (const { count, isPublished, cut } of steps) {
          const telling = tell(`rider-${user}`, count, isPublished)
          if (cut) balancer.cutAll()
          await telling
        }
        const total = steps.reduce((sum, { count }) => sum + count, 0)
        await until(
          () => heard.numbers.at(-1) === total,
          () => `${total} after ${heard.numbers.join()}`,
        )
        await client.close()
        expect(heard.numbers).toEqual(upTo(total))
        expect(heard.wrong).toEqual([])
      }),
      propertyRuns(12),
    )
  })

  it('goes where it is sent when a process leaves, and misses nothing', async () => {
    const leaving = await openApp(database, { realtime: REALTIME })
    const own = await Balancer.open([leaving.port, ...apps.map(({ port }) => port)])
    const client = clientOf('rider-drain', { url: own.url })
    const heard = watch(client)
    const losses: number[] = []
    client.onState((state) => state.name === 'waiting' && losses.push(state.loss.code))
    client.connect()
    await client.opened()
    await tell('rider-drain', 3, true)
    const stopped = leaving.stop()
    await tell('rider-drain', 3, true)
    await stopped
    await until(() => heard.numbers.length === 6)
    expect(heard.numbers).toEqual(upTo(6))
    expect(losses[0]).toBe(1012)
    await client.close()
    await own.close()
  })

  it('is told how things stand where its cursor is of another feed', async () => {
    await tell('rider-reset', 3, true)
    const client = clientOf('rider-reset', { cursor: { get: () => 40, set: () => undefined } })
    const heard = watch(client)
    client.connect()
    await until(() => heard.events.includes('feed:reset'))
    await tell('rider-reset', 1, true)
    await until(() => heard.numbers.length === 1)
    expect([heard.numbers, heard.wrong]).toEqual([[4], []])
  })

  it('opens each connection with a ticket of its own', async () => {
    let tickets = 0
    const ticket = async () => {
      tickets += 1
      const answer = await askForTicket(apps[0]?.url ?? '', {
        authorization: `Bearer ${tokenOf('rider-ticket')}`,
      })
      return ((await answer.json()) as { ticket: string }).ticket
    }
    const client = clientOf('rider-ticket', { ticket })
    client.connect()
    await client.opened()
    balancer.cutAll()
    await until(() => client.state.name !== 'open')
    await client.opened()
    expect(tickets).toBeGreaterThanOrEqual(2)
  })

  it('stops where its token is refused, and goes on with a fresh one', async () => {
    const over = tokenOf('rider-token', 'customer', { exp: 1 })
    const client = clientOf('rider-token', { token: over, WebSocket: Ws, carry: 'header' })
    client.connect()
    await expect(client.opened()).rejects.toThrow('unauthorized')
    const tokens = [over, tokenOf('rider-token')]
    const patient = clientOf('rider-token', { token: () => tokens.shift() ?? null, WebSocket: Ws })
    patient.connect()
    await patient.opened()
  })

  it('gives way to the same driver on another device', async () => {
    const first = clientOf('', { token: tokenOf('driver-7', 'driver') })
    first.connect()
    await first.opened()
    const second = clientOf('', { token: tokenOf('driver-7', 'driver') })
    second.connect()
    await second.opened()
    await until(() => first.state.name === 'stopped')
    expect(first.state).toEqual({ name: 'stopped', why: 'replaced' })
    expect(second.state.name).toBe('open')
  })
})
