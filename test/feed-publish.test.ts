import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { afterEach, expect, it } from 'vitest'
import { openRedis, type Redis } from '../db/redis.ts'
import { manualClock } from '../src/base/clock.ts'
import { encodeEnvelope, type Push } from '../src/feed/envelope.ts'
import { Publisher, rideChannel, userChannel } from '../src/feed/publish.ts'
import { type OwnRedis, openOwnRedis } from './support/own-redis.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const push = (userId: string, n: number, seq?: number): Push => ({
  userId,
  event: 'payment:updated',
  data: { n },
  ...(seq === undefined ? {} : { seq }),
})

const NOW_MS = 1_763_900_000_000

async function open(redis: OwnRedis) {
  const errors: [string, number][] = []
  let published = 0
  const client = openRedis(redis.address, 'publish', () => undefined)
  closing.push(() => client.disconnect())
  const publisher = new Publisher({
    redis: client,
    installation: 'i',
    onError: ({ message }, unpublished) => errors.push([message, unpublished]),
    onPublished: (count) => {
      published += count
    },
    clock: manualClock(NOW_MS),
  })
  return { publisher, errors, client, published: () => published }
}

async function ownRedis(): Promise<OwnRedis> {
  const redis = await openOwnRedis('feed-publish')
  closing.push(() => redis.remove())
  return redis
}

/** Everything that is said on these channels from now on. */
async function listen(redis: OwnRedis, channels: readonly string[]) {
  const client: Redis = openRedis(redis.address, 'worker', () => undefined)
  closing.push(() => client.disconnect())
  await client.subscribe(...channels)
  const heard: [channel: string, text: string][] = []
  client.on('message', (channel: string, text: string) => heard.push([channel, text]))
  return { heard, client }
}

it('tells each user on a channel of his own, in order, more than one pipeline carries', async () => {
  const redis = await ownRedis()
  const users = [randomUUID(), randomUUID()] as const
  const { publisher, client, published } = await open(redis)
  if (client.status !== 'ready') await once(client, 'ready')
  const { heard } = await listen(
    redis,
    users.map((userId) => userChannel('i', userId)),
  )
  const pushes = Array.from({ length: 600 }, (_, n) => push(users[n % 2 ? 1 : 0], n, n % 3 ? n : undefined))
  expect(await publisher.publish(pushes)).toBe(true)
  await expect.poll(() => heard.length).toBe(600)
  expect(published()).toBe(600)
  for (const userId of users) {
    expect(
      heard.filter(([channel]) => channel === `onceline:i:user:${userId}`).map(([, text]) => text),
    ).toEqual(pushes.filter((one) => toUser(one) === userId).map((one) => encodeEnvelope(one, NOW_MS)))
  }
})

const toUser = (one: Push) => ('userId' in one ? one.userId : null)

it('tells whoever watches a ride, and users who share data, each class in its envelope', async () => {
  const redis = await ownRedis()
  const { publisher, client } = await open(redis)
  if (client.status !== 'ready') await once(client, 'ready')
  const channels = [userChannel('i', 'u'), userChannel('i', 'v'), rideChannel('i', 'r')]
  const { heard } = await listen(redis, channels)
  const [data, other] = [{ n: 1 }, { n: 2 }]
  const pushes: Push[] = [
    { userId: 'u', event: 'payment:updated', data, seq: 1, bornAtMs: 5 },
    { userId: 'v', event: 'payment:updated', data, seq: 1 },
    { userId: 'v', event: 'ride:new', data: other, expiresAtMs: 9 },
    { userId: 'v', fence: 4 },
    { rideId: 'r', event: 'driver:location:update', data: other, latestOf: 'd' },
    { rideId: 'r', event: 'ride:started', data },
  ]
  expect(await publisher.publish(pushes)).toBe(true)
  await expect.poll(() => heard.length).toBe(6)
  expect(heard).toEqual([
    ['onceline:i:user:u', 'd1,5 {"event":"payment:updated","seq":1,"data":{"n":1}}'],
    ['onceline:i:user:v', `d1,${NOW_MS} {"event":"payment:updated","seq":1,"data":{"n":1}}`],
    ['onceline:i:user:v', 'o9 {"event":"ride:new","data":{"n":2},"expiresAt":9}'],
    ['onceline:i:user:v', 'x4 '],
    ['onceline:i:ride:r', 'ld {"event":"driver:location:update","data":{"n":2}}'],
    ['onceline:i:ride:r', 'e {"event":"ride:started","data":{"n":1}}'],
  ])
})

it('says so of what cannot be written, as of what Redis did not take, and does not throw', async () => {
  const { publisher, errors, client, published } = await open(await ownRedis())
  if (client.status !== 'ready') await once(client, 'ready')
  expect(await publisher.publish([push('u', 1), { userId: 'u', event: 'a', data: { n: 1n } }])).toBe(false)
  expect(errors).toEqual([[expect.stringContaining('BigInt'), 2]])
  expect(published()).toBe(0)
})

it('gives up soon while Redis is frozen or away, says so, never sends late, and goes on when it is back', async () => {
  const redis = await ownRedis()
  const user = randomUUID()
  const { publisher, errors, client } = await open(redis)
  if (client.status !== 'ready') await once(client, 'ready')
  const first = await listen(redis, [userChannel('i', user)])
  await publisher.publish([push(user, 1)])
  await expect.poll(() => first.heard.length).toBe(1)

  await redis.kill()
  expect(await publisher.publish(Array.from({ length: 10_000 }, () => push(user, 2)))).toBe(false)
  expect(errors).toEqual([[expect.any(String), 10_000]])
  await redis.revive()
  await expect.poll(() => client.status, { timeout: 10_000 }).toBe('ready')
  const second = await listen(redis, [userChannel('i', user)])
  expect(await publisher.publish([push(user, 3)])).toBe(true)
  await expect.poll(() => second.heard.length).toBe(1)
  expect(second.heard.map(([, text]) => text)).toEqual(['e {"event":"payment:updated","data":{"n":3}}'])

  redis.freeze()
  expect(await publisher.publish([push(user, 4)])).toBe(false)
  expect(errors).toHaveLength(2)
  redis.thaw()
}, 30_000)
