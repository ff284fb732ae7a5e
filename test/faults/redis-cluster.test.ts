import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { openRedis, redisDoubts } from '../../db/redis.ts'
import { slotOf } from '../../db/redis-slot.ts'
import { issueTicket, redeemTicket } from '../../src/realtime/door/tickets.ts'
import { Audience, LONG } from '../support/audience.ts'
import { connected, openLimits } from '../support/limits.ts'
import { type OwnRedisCluster, openOwnRedisCluster } from '../support/own-redis-cluster.ts'
import { openSubscriptions } from '../support/subscriptions.ts'
import { openDesk } from '../support/ticket-door.ts'

vi.setConfig({ testTimeout: 90_000 })

const closing: (() => unknown)[] = []
let cluster: OwnRedisCluster
let audience: Audience

beforeAll(async () => {
  cluster = await openOwnRedisCluster('redis-cluster')
  audience = new Audience(cluster.address)
})
afterEach(async () => {
  await audience.close()
  for (const close of closing.splice(0).reverse()) await close()
})
afterAll(async () => {
  await cluster?.remove()
})

/** How many channels each master has subscribers of. */
async function shardChannels(): Promise<number[]> {
  return Promise.all(
    cluster.masters.map(
      async ({ client }) => ((await client.pubsub('SHARDCHANNELS')) as unknown as string[]).length,
    ),
  )
}

it('a slot is the one that Redis says', async () => {
  const names = ['', 'a', '{a}b', 'x{a}y', '{}a', '{a', 'a}{', '{{a}}', 'ü{ü}', audience.channels[0] ?? '']
  const { client } = cluster.masters[0]
  for (const name of names) expect(slotOf(name), name).toBe(await client.cluster('KEYSLOT', name))
})

it('channels are spread over the nodes, each message goes to one of them, and each user hears it once', async () => {
  const listening = await audience.listenToAll()
  const publisher = await audience.openPublisher()
  const spread = await shardChannels()
  expect(spread.reduce((sum, count) => sum + count)).toBe(audience.users.length)
  for (const count of spread) expect(count).toBeGreaterThan(audience.users.length / 6)
  await audience.expectHeard(publisher, listening)
  for (const one of audience.channels.slice(1)) listening.subscriptions.remove(one)
  await expect.poll(async () => (await shardChannels()).reduce((sum, count) => sum + count), LONG).toBe(1)
  expect(listening.subscriptions.size).toBe(1)
  expect(listening.resubscribed()).toBe(0)
})

it('who adds before it is known which node has the channel is told false, and then of what he may have missed', async () => {
  const listening = openSubscriptions(cluster.address)
  closing.push(() => listening.subscriptions.close())
  expect(await listening.subscriptions.add('early')).toBe(false)
  listening.subscriptions.remove('never')
  await expect.poll(() => listening.resubscribed(), LONG).toBe(1)
  await expect.poll(shardChannels, LONG).toContain(1)
  expect(await listening.subscriptions.add('early')).toBe(true)
})

it('limits are counted, and tickets taken once, wherever their keys are', async () => {
  const limits = openLimits({
    redis: cluster.address,
    rules: { command: { points: 3, seconds: 60 } },
    installation: 'i',
    patient: true,
  })
  closing.push(() => limits.close())
  await connected(limits.redis)
  for (const user of audience.users.slice(0, 20)) {
    const verdicts = []
    for (let n = 0; n < 4; n++) verdicts.push((await limits.limits.take('command', user)).allowed)
    expect(verdicts).toEqual([true, true, true, false])
  }
  expect(await limits.decisions()).toEqual({ 'command allowed redis': 60, 'command limited redis': 20 })

  const desk = await openDesk({ redis: cluster.address })
  closing.push(() => desk.close())
  for (const userId of audience.users.slice(0, 20)) {
    const user = { userId, userType: 'customer' as const, expiresAtMs: Date.now() + 60_000 }
    const issue = await issueTicket(desk.desk, user, undefined)
    if (issue.kind !== 'issued') throw new Error(issue.kind)
    const brought = await Promise.all([1, 2].map(() => redeemTicket(desk.desk, issue.ticket, undefined)))
    expect(brought.map(({ kind }) => kind).sort()).toEqual(['redeemed', 'refused'])
  }
})

it('one node that may evict is reason enough to distrust the cluster', async () => {
  const redis = openRedis(cluster.address, 'control', () => undefined)
  closing.push(() => redis.disconnect())
  await expect.poll(() => redis.status, LONG).toBe('ready')
  await expect.poll(() => redisDoubts(redis).catch(String), LONG).toEqual([])
  await cluster.masters[1].client.config('SET', 'maxmemory-policy', 'allkeys-lru')
  closing.push(() => cluster.masters[1].client.config('SET', 'maxmemory-policy', 'noeviction'))
  expect(await redisDoubts(redis)).toEqual([expect.stringContaining('maxmemory-policy is allkeys-lru')])
})

it('a slot that moves takes its channels with it, and that messages may be lost is said', async () => {
  const listening = await audience.listenToAll()
  const publisher = await audience.openPublisher()
  const [, from, to] = cluster.masters
  const [first = ''] = await from.client.pubsub('SHARDCHANNELS').then((found) => found as unknown as string[])
  const slot = slotOf(first)
  const [source, target] = [await from.id(), await to.id()]
  await to.client.cluster('SETSLOT', slot, 'IMPORTING', source)
  await from.client.cluster('SETSLOT', slot, 'MIGRATING', target)
  await to.client.cluster('SETSLOT', slot, 'NODE', target)
  await from.client.cluster('SETSLOT', slot, 'NODE', target)
  await expect.poll(() => listening.resubscribed(), LONG).toBeGreaterThan(0)
  await expect.poll(() => to.client.pubsub('SHARDNUMSUB', first), LONG).toEqual([first, 1])
  await audience.expectHeard(publisher, listening)
})

it('a node that dies and comes back is listened to again, and takes messages', async () => {
  const listening = await audience.listenToAll()
  const publisher = await audience.openPublisher()
  const [, node] = cluster.masters
  await node.kill()
  await expect.poll(() => listening.subscriptions.isListening).toBe(false)
  await node.revive()
  await cluster.isWell()
  await expect.poll(() => listening.resubscribed(), LONG).toBeGreaterThan(0)
  await expect.poll(() => listening.subscriptions.isListening, LONG).toBe(true)
  await audience.expectHeard(publisher, listening)
})

it('a replica takes over: its channels follow, and the old master brings nothing twice', async () => {
  const listening = await audience.listenToAll()
  const publisher = await audience.openPublisher()
  const [old] = cluster.masters
  await old.kill()
  expect(await listening.subscriptions.add('new')).toBeTypeOf('boolean')
  await expect.poll(() => listening.resubscribed(), LONG).toBeGreaterThan(0)
  await expect.poll(() => listening.subscriptions.isListening, LONG).toBe(true)
  await audience.expectHeard(publisher, listening)
  await old.revive()
  await cluster.isWell()
  await audience.expectHeard(publisher, listening)
  const listed = async () =>
    ((await cluster.replica.client.pubsub('SHARDCHANNELS')) as unknown as string[]).length
  expect(await listed()).toBeGreaterThan(audience.users.length / 6)
})
