import { randomUUID } from 'node:crypto'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openFeed } from '../src/app/feed.ts'
import { openResources } from '../src/app/resources.ts'
import { createLogger } from '../src/base/log.ts'
import { readFeed } from '../src/feed/read.ts'
import { registerPayment } from '../src/payments/register.ts'
import { openApp, type TestApp } from './support/app.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { listenFor } from './support/listeners.ts'
import { openOwnRedis } from './support/own-redis.ts'
import { expected } from './support/processing.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase('payment-feed-service')
})
afterAll(() => database?.drop())

async function payment() {
  const users = { customerId: randomUUID(), driverId: randomUUID() }
  const shape = expected({ ...users, gateway: 'stripe' })
  await registerPayment(database.pool, shape, async () => undefined)
  return { merchantRef: shape.merchantRef, users: Object.values(users) }
}

async function capture(app: TestApp, merchantRef: string): Promise<void> {
  expect((await app.post(app.delivery('stripe', { merchantRef }))).status).toBe(200)
}

const CAPTURE = [
  { event: 'payment:updated', seq: 1, data: { state: 'captured' } },
  { event: 'payment:completed', seq: 2, data: { state: 'captured' } },
]

it('a webhook is told to rider and driver over Redis as their feeds have it, without callbacks', async () => {
  const app = await openApp(database, { callbacks: false })
  const { merchantRef, users } = await payment()
  const listener = await listenFor(database, users)
  await capture(app, merchantRef)
  for (const user of users)
    await expect.poll(() => listener.heard(user), { timeout: 15_000 }).toMatchObject(CAPTURE)
  expect(await app.metrics('onceline_feed_')).toEqual([
    'onceline_feed_published_total 4',
    'onceline_feed_unpublished_total 0',
  ])
  listener.close()
  await app.stop()
})

it('with Redis away the money moves and the feeds have it; what could not be published is counted', async () => {
  const redis = await openOwnRedis('payment-feed-service')
  const app = await openApp(
    { ...database, redis: redis.address },
    { sweep: { intervalMs: 50, nextLookSeconds: 1 } },
  )
  try {
    await redis.kill()
    const { merchantRef, users } = await payment()
    await capture(app, merchantRef)
    const heads = async () => {
      const pages = await Promise.all(users.map((user) => readFeed(database.pool, user, 0, 10)))
      return pages.map(({ head }) => head)
    }
    await expect.poll(heads, { timeout: 15_000 }).toEqual([2, 2])
    const counted = () => app.metrics('onceline_feed_unpublished_total')
    await expect.poll(counted, { timeout: 5_000 }).toEqual(['onceline_feed_unpublished_total 4'])
  } finally {
    await app.stop()
    await redis.remove()
  }
}, 60_000)

it('what was published before the end is still sent', async () => {
  const options = {
    ...{ database: database.address, redis: database.redis, accounts: new Map(), internalKeys: [] },
    ...{ callbacks: false, workerConcurrency: 1, maxAttempts: 1, log: createLogger({ level: 'silent' }) },
  }
  const resources = openResources(options)
  const feed = openFeed(options, resources, new Registry())
  const user = randomUUID()
  const listener = await listenFor(database, [user])
  await expect.poll(() => feed.publisher.publish([{ userId: user, event: 'a', data: {} }])).toBe(true)
  const sent = feed.publisher.publish([{ userId: user, event: 'b', data: {} }])
  feed.close()
  expect(await sent).toBe(true)
  await expect.poll(() => listener.heard(user).at(-1)).toMatchObject({ event: 'b' })
  listener.close()
  resources.control.disconnect()
  resources.limits.disconnect()
  await Promise.all([resources.ring.close(0), resources.database.close(0)])
})
