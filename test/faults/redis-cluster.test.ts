import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, inject, it, vi } from 'vitest'
import { openRedis, redisDoubts } from '../../db/redis.ts'
import { slotOf } from '../../db/redis-slot.ts'
import { userChannel } from '../../src/feed/publish.ts'
import { registerPayment } from '../../src/payments/register.ts'
import { issueTicket, redeemTicket } from '../../src/realtime/tickets.ts'
import { newSecret } from '../../src/webhooks/gateways/samples.ts'
import { openApp, type TestApp } from '../support/app.ts'
import { Audience, LONG } from '../support/audience.ts'
import { standingOf } from '../support/books.ts'
import { type CliEnv, envOf, oncelineJson } from '../support/cli.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { connected, openLimits } from '../support/limits.ts'
import { type OwnRedisCluster, openOwnRedisCluster } from '../support/own-redis-cluster.ts'
import { expected } from '../support/processing.ts'
import { Service } from '../support/service.ts'
import { openDesk } from '../support/ticket-door.ts'

vi.setConfig({ testTimeout: 90_000 })

const closing: (() => unknown)[] = []
let database: TestDatabase
let cluster: OwnRedisCluster
let audience: Audience

beforeAll(async () => {
  cluster = await openOwnRedisCluster('redis-cluster')
  database = { ...(await testDatabase('redis-cluster')), redis: cluster.address }
  audience = new Audience(cluster.address)
})
afterEach(async () => {
  await audience.close()
  for (const close of closing.splice(0).reverse()) await close()
})
afterAll(async () => {
  await database?.drop()
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

it('a webhook is stored, rung for, processed by the ring, and told to its rider', async () => {
  const customerId = randomUUID()
  const listening = await audience.listen()
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
})

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

it('a service in its own processes works on a cluster, and the doctor says what it sees', async () => {
  const env = { ...envOf(database), KASHIER_WEBHOOK_SECRETS: newSecret('kashier') }
  const service = await Service.start(database.address, cluster.address, {
    ...env,
    CLUSTER_MODE: '1',
    WORKER_PROCESSES: '2',
  })
  closing.push(async () => {
    service.signal('SIGTERM')
    expect(await service.ended).toBe(0)
  })
  const ready = async () => (await fetch(`http://127.0.0.1:${service.port}/ready`)).json()
  await expect
    .poll(ready, LONG)
    .toMatchObject({ status: 'ready', dependencies: { redis: { status: 'ok', reasons: [] } } })

  const redisOf = async (more: CliEnv = {}) => {
    const { json } = await oncelineJson({ ...env, ...more }, 'doctor')
    return json.checks.find(({ name }: { name: string }) => name === 'Redis')
  }
  expect(await redisOf()).toMatchObject({ status: 'ok', detail: expect.stringContaining('and its cluster') })
  expect(await redisOf({ REDIS_CLUSTER: '0' })).toMatchObject({
    status: 'warning',
    advice: 'set REDIS_CLUSTER=true',
  })
  const { host, port, password } = inject('servers').redis
  const single = { REDIS_HOST: host, REDIS_PORT: String(port), REDIS_PASSWORD: password }
  expect(await redisOf(single)).toMatchObject({
    status: 'wrong',
    detail: expect.stringContaining('in no cluster'),
  })
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

it('rings are answered again after the node of the queue was away; meanwhile events are processed without it', async () => {
  const queue = `{onceline-${database.address.database}}:webhook-events`
  const node = cluster.masters[Math.floor((slotOf(queue) * 3) / 16_384)]
  if (node === undefined) throw new Error('every slot has its master')
  const customerId = randomUUID()
  const app = await openApp(database)
  closing.push(() => app.stop())
  await node.kill()
  const alone = await pay(app, customerId)
  await expect.poll(() => isCaptured(alone), LONG).toBe(true)
  await node.revive()
  await cluster.isWell()
  const rings = async () => Number(await node.client.get(`${queue}:id`))
  const before = await rings()
  await expect.poll(async () => pay(app, customerId).then(rings), LONG).toBeGreaterThan(before)
  await expect.poll(() => node.client.llen(`${queue}:wait`), LONG).toBe(0)
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
