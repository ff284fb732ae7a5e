import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { afterEach, expect, it } from 'vitest'
import { openRedis, type Redis } from '../db/redis.ts'
import { Publisher, type Push, userChannel } from '../src/feed/publish.ts'
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

async function open(redis: OwnRedis) {
  const errors: Error[] = []
  const client = openRedis(redis.address, 'publish', () => undefined)
  closing.push(() => client.disconnect())
  const publisher = new Publisher({
    redis: client,
    installation: 'i',
    onError: (error) => errors.push(error),
  })
  return { publisher, errors, client }
}

async function ownRedis(): Promise<OwnRedis> {
  const redis = await openOwnRedis('feed-publish')
  closing.push(() => redis.remove())
  return redis
}

/** Everything that is said on the users' channels from now on. */
async function listen(redis: OwnRedis, userIds: readonly string[]) {
  const client: Redis = openRedis(redis.address, 'worker', () => undefined)
  closing.push(() => client.disconnect())
  await client.subscribe(...userIds.map((userId) => userChannel('i', userId)))
  const heard: [string, unknown][] = []
  client.on('message', (channel: string, text: string) => heard.push([channel, JSON.parse(text)]))
  return { heard, client }
}

it('tells each user on a channel of his own, in order, more than one pipeline carries', async () => {
  const redis = await ownRedis()
  const users = [randomUUID(), randomUUID()] as const
  const { publisher, client } = await open(redis)
  if (client.status !== 'ready') await once(client, 'ready')
  const { heard } = await listen(redis, users)
  const pushes = Array.from({ length: 600 }, (_, n) => push(users[n % 2 ? 1 : 0], n, n % 3 ? n : undefined))
  expect(await publisher.publish(pushes)).toBe(true)
  await expect.poll(() => heard.length).toBe(600)
  for (const userId of users) {
    expect(
      heard.filter(([channel]) => channel === `onceline:i:user:${userId}`).map(([, frame]) => frame),
    ).toEqual(pushes.filter((one) => one.userId === userId).map(({ userId: _, ...frame }) => frame))
  }
})

it('gives up soon while Redis is frozen or away, says so, never sends late, and goes on when it is back', async () => {
  const redis = await ownRedis()
  const user = randomUUID()
  const { publisher, errors, client } = await open(redis)
  if (client.status !== 'ready') await once(client, 'ready')
  const first = await listen(redis, [user])
  await publisher.publish([push(user, 1)])
  await expect.poll(() => first.heard.length).toBe(1)

  await redis.kill()
  expect(await publisher.publish(Array.from({ length: 10_000 }, () => push(user, 2)))).toBe(false)
  expect(errors).toHaveLength(1)
  await redis.revive()
  await expect.poll(() => client.status, { timeout: 10_000 }).toBe('ready')
  const second = await listen(redis, [user])
  expect(await publisher.publish([push(user, 3)])).toBe(true)
  await expect.poll(() => second.heard.length).toBe(1)
  expect(second.heard.map(([, frame]) => frame)).toEqual([{ event: 'payment:updated', data: { n: 3 } }])

  redis.freeze()
  expect(await publisher.publish([push(user, 4)])).toBe(false)
  expect(errors).toHaveLength(2)
  redis.thaw()
}, 30_000)
