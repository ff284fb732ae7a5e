import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { openRedis, type Redis } from '../../db/redis.ts'
import type { Checkpoint } from '../../src/base/checkpoint.ts'
import type { BridgeNodeOrder } from '../fixtures/bridge-node.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { feedOf } from '../support/feed.ts'
import { linked } from '../support/linked.ts'
import { createdTrip, historyOf } from '../support/trips.ts'

const NODE = await linked('test/fixtures/bridge-node.ts')
const prefix = `t_${randomBytes(4).toString('hex')}_`
let database: TestDatabase
let redis: Redis
const nodes: ChildProcess[] = []

beforeAll(async () => {
  database = await testDatabase('bridge-faults')
  redis = openRedis(database.redis, 'worker', () => undefined)
})
afterEach(async () => {
  await Promise.all(nodes.splice(0).map(end))
})
afterAll(async () => {
  redis?.disconnect()
  await database?.drop()
})

async function end(node: ChildProcess): Promise<void> {
  if (node.exitCode !== null || node.signalCode !== null) return
  const ended = once(node, 'exit')
  node.kill('SIGKILL')
  await ended
}

/** A process that listens. */
async function startNode(dieAt: Checkpoint | null): Promise<{ node: ChildProcess; url: string }> {
  const node = fork(NODE.program, { execArgv: [], env: { ...process.env, ...NODE.env } })
  nodes.push(node)
  await once(node, 'message')
  node.send({ address: database.address, redis: database.redis, prefix, dieAt } satisfies BridgeNodeOrder)
  const [{ url }] = await once(node, 'message')
  await expect.poll(() => metric(url, 'onceline_bridge_listening'), { timeout: 15_000 }).toBe(1)
  return { node, url }
}

async function metric(url: string, start: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  const line = text.split('\n').find((one) => one.startsWith(start))
  return Number(line?.split(' ').at(-1) ?? 0)
}

/**
 * The one hears the message and dies; the other sleeps meanwhile, as a process does that the machine has no time for, and
 * finds the message in its socket when it wakes.
 */
it.each([
  ['once:claimed', 'acted'],
  ['once:handled', 'acted'],
  ['once:committed', 'replayed'],
] as const)(
  'killed at %s: another process hears the same message, and there is one effect',
  async (dieAt, outcome) => {
    const first = await startNode(dieAt)
    const second = await startNode(null)
    const customerId = randomUUID()
    const trip = await createdTrip(database.pool, { customerId })
    second.node.kill('SIGSTOP')
    const died = once(first.node, 'exit')
    const message = { ride_id: trip.id, published_at: 't', cancelled_by: 'customer' }
    expect(await redis.publish(`${prefix}laravel:ride.cancelled`, JSON.stringify(message))).toBe(2)
    expect((await died)[1]).toBe('SIGKILL')
    second.node.kill('SIGCONT')
    const counter = `onceline_bridge_messages_total{channel="laravel:ride.cancelled",outcome="${outcome}"}`
    await expect.poll(() => metric(second.url, counter), { timeout: 15_000 }).toBe(1)
    expect(await historyOf(database.pool, trip.id)).toEqual(['>pending', 'pending>cancelled'])
    expect(await feedOf(database.pool, customerId)).toHaveLength(1)
  },
  60_000,
)

it('any number of messages heard by two processes at once: one effect each', async () => {
  const [first, second] = await Promise.all([startNode(null), startNode(null)])
  const users = Array.from({ length: 5 }, () => randomUUID())
  const messages = Array.from({ length: 100 }, (_, n) => ({
    user_id: users[n % users.length],
    lost_item_id: n,
    published_at: 't',
  }))
  for (const message of messages) await redis.publish(`${prefix}lost_item:created`, JSON.stringify(message))
  const counted = async () => {
    const counter = 'onceline_bridge_messages_total{channel="lost_item:created",outcome='
    const of = async (outcome: string) =>
      (await metric(first.url, `${counter}"${outcome}"`)) +
      (await metric(second.url, `${counter}"${outcome}"`))
    return [await of('acted'), await of('replayed')]
  }
  await expect.poll(counted, { timeout: 30_000 }).toEqual([100, 100])
  for (const userId of users) expect(await feedOf(database.pool, userId)).toHaveLength(20)
}, 60_000)
