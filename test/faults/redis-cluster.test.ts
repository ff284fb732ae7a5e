import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { openRedis, redisDoubts } from '../../db/redis.ts'
import { slotOf } from '../../db/redis-slot.ts'
import { Publisher, userChannel } from '../../src/feed/publish.ts'
import { registerPayment } from '../../src/payments/register.ts'
import { issueTicket, redeemTicket } from '../../src/realtime/tickets.ts'
import { openApp, type TestApp } from '../support/app.ts'
import { standingOf } from '../support/books.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { connected, openLimits } from '../support/limits.ts'
import { type OwnRedisCluster, openOwnRedisCluster } from '../support/own-redis-cluster.ts'
import { expected } from '../support/processing.ts'
import { type Listening, openSubscriptions } from '../support/subscriptions.ts'
import { openDesk } from '../support/ticket-door.ts'

/** Elections and restarts take seconds, and the machine may be busy. */
const LONG = { timeout: 40_000, interval: 50 }
const closing: (() => unknown)[] = []
let database: TestDatabase
let cluster: OwnRedisCluster

beforeAll(async () => {
  cluster = await openOwnRedisCluster('redis-cluster')
  database = { ...(await testDatabase('redis-cluster')), redis: cluster.address }
})
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})
afterAll(async () => {
  await database?.drop()
  await cluster?.remove()
})

const users = Array.from({ length: 300 }, () => randomUUID())
const channels = users.map((userId) => userChannel('i', userId))

async function open(): Promise<Listening> {
  const listening = openSubscriptions(cluster.address, { removalMs: 100 })
  closing.push(() => listening.subscriptions.close())
  await expect.poll(() => listening.subscriptions.isListening, LONG).toBe(true)
  return listening
}

async function openPublisher(): Promise<Publisher> {
  const redis = openRedis(cluster.address, 'publish', () => undefined)
  closing.push(() => redis.disconnect())
  await expect.poll(() => redis.status, LONG).toBe('ready')
  const publisher = new Publisher({ redis, installation: 'i', onError: () => undefined })
  // Until every node takes messages.
  await expect.poll(() => tell(publisher), LONG).toBe(true)
  return publisher
}

let lastNumber = 0

/** One message to everybody; whether Redis took all of them. */
function tell(publisher: Publisher): Promise<boolean> {
  lastNumber++
  return publisher.publish(users.map((userId) => ({ userId, event: 'e', data: { n: lastNumber } })))
}

/** Everybody is told once more, and each hears it once. */
async function expectHeard(publisher: Publisher, { heard }: Listening): Promise<void> {
  await expect.poll(() => tell(publisher), LONG).toBe(true)
  const text = `e {"event":"e","data":{"n":${lastNumber}}}`
  const those = () => heard.filter(([, one]) => one === text)
  await expect.poll(() => those().length, LONG).toBe(users.length)
  expect(new Set(those().map(([channel]) => channel))).toEqual(new Set(channels))
}

/** How many channels each master has subscribers of. */
async function shardChannels(): Promise<number[]> {
  return Promise.all(
    cluster.masters.map(
      async ({ client }) => ((await client.pubsub('SHARDCHANNELS')) as unknown as string[]).length,
    ),
  )
}

it('a slot is the one that Redis says', async () => {
  const names = ['', 'a', '{a}b', 'x{a}y', '{}a', '{a', 'a}{', '{{a}}', 'ü{ü}', channels[0] ?? '']
  const { client } = cluster.masters[0]
  for (const name of names) expect(slotOf(name), name).toBe(await client.cluster('KEYSLOT', name))
})

it('channels are spread over the nodes, each message goes to one of them, and each user hears it once', async () => {
  const listening = await open()
  const publisher = await openPublisher()
  expect(await Promise.all(channels.map((one) => listening.subscriptions.add(one)))).not.toContain(false)
  const spread = await shardChannels()
  expect(spread.reduce((sum, count) => sum + count)).toBe(users.length)
  for (const count of spread) expect(count).toBeGreaterThan(users.length / 6)
  await expectHeard(publisher, listening)
  for (const one of channels.slice(1)) listening.subscriptions.remove(one)
  await expect.poll(async () => (await shardChannels()).reduce((sum, count) => sum + count), LONG).toBe(1)
  expect(listening.subscriptions.size).toBe(1)
  expect(listening.resubscribed()).toBe(0)
})

it('a webhook is stored, rung for, processed by the ring, and told to its rider', async () => {
  const customerId = randomUUID()
  const listening = await open()
  expect(await listening.subscriptions.add(userChannel(database.address.database, customerId))).toBe(true)
  // So slow that only the ring can have done it.
  const sweep = { intervalMs: 3_600_000, nextLookSeconds: 3_600 }
  const app = await openApp(database, { sweep })
  closing.push(() => app.stop())
  const redis = async () => {
    const { dependencies } = (await (await fetch(`${app.url}/ready`)).json()) as ReadyBody
    return dependencies.redis.status
  }
  await expect.poll(redis, LONG).toBe('ok')
  // The ring says nothing while it connects: what it was not asked for in time stays where it is.
  await expect.poll(async () => pause(200, await pay(app, customerId)).then(isCaptured), LONG).toBe(true)
  const refs = await Promise.all(Array.from({ length: 20 }, () => pay(app, customerId)))
  await expect.poll(async () => (await Promise.all(refs.map(isCaptured))).every(Boolean), LONG).toBe(true)
  await expect.poll(() => listening.heard.length, LONG).toBeGreaterThan(20)
}, 60_000)

interface ReadyBody {
  readonly dependencies: { readonly redis: { readonly status: string } }
}

/** A webhook about a payment of this rider; returns its reference. */
async function pay(app: TestApp, customerId: string): Promise<string> {
  const payment = expected({ gateway: 'kashier', customerId })
  await registerPayment(database.pool, payment, async () => undefined)
  const { status } = await app.post(app.delivery('kashier', { merchantRef: payment.merchantRef }))
  expect(status).toBe(200)
  return payment.merchantRef
}

async function isCaptured(merchantRef: string): Promise<boolean> {
  return (await standingOf(database.pool, merchantRef)) === 'captured 10000 v1'
}

it('limits are counted, and tickets taken once, wherever their keys are', async () => {
  const limits = openLimits({
    redis: cluster.address,
    rules: { command: { points: 3, seconds: 60 } },
    installation: 'i',
    patient: true,
  })
  closing.push(() => limits.close())
  await connected(limits.redis)
  for (const user of users.slice(0, 20)) {
    const verdicts = []
    for (let n = 0; n < 4; n++) verdicts.push((await limits.limits.take('command', user)).allowed)
    expect(verdicts).toEqual([true, true, true, false])
  }
  expect(await limits.decisions()).toEqual({ 'command allowed redis': 60, 'command limited redis': 20 })

  const desk = await openDesk({ redis: cluster.address })
  closing.push(() => desk.close())
  for (const userId of users.slice(0, 20)) {
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
  const listening = await open()
  const publisher = await openPublisher()
  await Promise.all(channels.map((one) => listening.subscriptions.add(one)))
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
  await expectHeard(publisher, listening)
})

it('a node that dies and comes back is listened to again, and takes messages', async () => {
  const listening = await open()
  const publisher = await openPublisher()
  await Promise.all(channels.map((one) => listening.subscriptions.add(one)))
  const [, node] = cluster.masters
  await node.kill()
  await expect.poll(() => listening.subscriptions.isListening).toBe(false)
  await node.revive()
  await cluster.isWell()
  await expect.poll(() => listening.resubscribed(), LONG).toBeGreaterThan(0)
  await expect.poll(() => listening.subscriptions.isListening, LONG).toBe(true)
  await expectHeard(publisher, listening)
})

it('a replica takes over: its channels follow, and the old master brings nothing twice', async () => {
  const listening = await open()
  const publisher = await openPublisher()
  await Promise.all(channels.map((one) => listening.subscriptions.add(one)))
  const [old] = cluster.masters
  await old.kill()
  expect(await listening.subscriptions.add('new')).toBeTypeOf('boolean')
  await expect.poll(() => listening.resubscribed(), LONG).toBeGreaterThan(0)
  await expect.poll(() => listening.subscriptions.isListening, LONG).toBe(true)
  await expectHeard(publisher, listening)
  await old.revive()
  await cluster.isWell()
  await expectHeard(publisher, listening)
  const listed = async () =>
    ((await cluster.replica.client.pubsub('SHARDCHANNELS')) as unknown as string[]).length
  expect(await listed()).toBeGreaterThan(users.length / 6)
})
