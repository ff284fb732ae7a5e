import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, inject, it, vi } from 'vitest'
import { slotOf } from '../../db/redis-slot.ts'
import { userChannel } from '../../src/feed/publish.ts'
import { registerPayment } from '../../src/payments/register.ts'
import { openApp, type TestApp } from '../support/app.ts'
import { LONG } from '../support/audience.ts'
import { standingOf } from '../support/books.ts'
import { type CliEnv, envOf, oncelineJson } from '../support/cli.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { type OwnRedisCluster, openOwnRedisCluster } from '../support/own-redis-cluster.ts'
import { expected } from '../support/processing.ts'
import { Service } from '../support/service.ts'
import { JWT_SECRET, openSocket } from '../support/socket.ts'
import { openSubscriptions } from '../support/subscriptions.ts'

vi.setConfig({ testTimeout: 90_000 })

const closing: (() => unknown)[] = []
let database: TestDatabase
let cluster: OwnRedisCluster

beforeAll(async () => {
  cluster = await openOwnRedisCluster('redis-cluster-service')
  database = { ...(await testDatabase('redis-cluster-service')), redis: cluster.address }
})
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})
afterAll(async () => {
  await database?.drop()
  await cluster?.remove()
})

it('a webhook is stored, rung for, processed by the ring, and told to its rider', async () => {
  const customerId = randomUUID()
  const listening = openSubscriptions(cluster.address)
  closing.push(() => listening.subscriptions.close())
  await expect.poll(() => listening.subscriptions.isListening, LONG).toBe(true)
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

it('a service in its own processes works on a cluster, and the doctor says what it sees', async () => {
  const env = envOf(database)
  const service = await Service.start(database.address, cluster.address, {
    ...env,
    CLUSTER_MODE: '1',
    WORKER_PROCESSES: '2',
    JWT_SECRET,
  })
  closing.push(async () => {
    service.signal('SIGTERM')
    expect(await service.ended).toBe(0)
  })
  const url = `http://127.0.0.1:${service.port}`
  const ready = async () => (await fetch(`${url}/ready`)).json()
  await expect
    .poll(ready, LONG)
    .toMatchObject({ status: 'ready', dependencies: { redis: { status: 'ok', reasons: [] } } })

  await (await openSocket(url, randomUUID())).close()

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

it('a rider sees every payment once and in order, though the nodes die one after the other', async () => {
  const riders = Array.from({ length: 6 }, () => randomUUID())
  const realtime = { jwtSecrets: [JWT_SECRET], allowedOrigins: [] }
  const [one, other] = [await openApp(database, { realtime }), await openApp(database, { realtime })]
  closing.push(() => Promise.all([one.stop(), other.stop()]))
  const sockets = await Promise.all(
    riders.map((rider, n) => openSocket(n % 2 === 0 ? one.url : other.url, rider)),
  )
  const payAll = () => Promise.all(riders.map((rider) => pay(one, rider)))
  await payAll()
  for (const node of cluster.masters) {
    await node.kill()
    await payAll()
    await node.revive()
    await cluster.isWell()
    await payAll()
  }
  // Each payment is two messages: updated, completed.
  const all = Array.from({ length: 14 }, (_, n) => n + 1)
  await expect.poll(() => sockets.map(({ seqs }) => seqs), LONG).toEqual(riders.map(() => all))
  await Promise.all(sockets.map((socket) => socket.close()))
})
