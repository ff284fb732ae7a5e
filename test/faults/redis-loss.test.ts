import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { Chance } from './chance.ts'
import { Gateway } from './gateway.ts'
import { type OwnHost, openOwnHost } from './own-host.ts'
import { ServerNode } from './server-node.ts'
import { inventStory, newSecrets } from './story.ts'
import { differences, settle } from './truth.ts'
import { Writers } from './writers.ts'

const TIMEOUT_MS = 120_000
/** Events that nobody rang for are looked for after two seconds. */
const SETTLE_TIMEOUT_MS = 40_000
/** Were Redis on the way of an acknowledgement, a frozen one would add its time-out of 500 ms to each, or hang for ever. */
const MEDIAN_ACK_MS = 250
const STORIES = 40
const WRITERS = 4

const secrets = newSecrets()
const nodes: ServerNode[] = []
const chance = new Chance(Number(process.env.CRASH_SEED ?? 1))
let host: OwnHost
let gateway: Gateway
let writers: Writers

beforeAll(async () => {
  nodes.push(new ServerNode(), new ServerNode())
  host = await openOwnHost('redis-loss')
  const { database, redis } = host
  await Promise.all(nodes.map((node) => node.start({ database, redis, secrets })))
  gateway = new Gateway(() => nodes.map(({ port }) => port), host.pool)
  const invent = (serial: number) => inventStory(chance, `redis-${serial}`, secrets)
  writers = new Writers({ gateway, invent, count: WRITERS })
}, TIMEOUT_MS)

afterEach(async () => {
  await settle(host.pool, SETTLE_TIMEOUT_MS)
  expect((await differences(host.pool, writers.stories)).slice(0, 20)).toEqual([])
  // No delivery of any of these tests saw an error: MySQL was there all the time.
  expect(gateway.sightings).toMatchObject({ connectionErrors: 0, refusals: 0 })
  expect(gateway.medianAckMs()).toBeLessThan(MEDIAN_ACK_MS)
}, TIMEOUT_MS)

afterAll(async () => {
  await Promise.all(nodes.map((node) => node.kill()))
  await host.remove()
}, TIMEOUT_MS)

describe('webhooks go on', { timeout: TIMEOUT_MS }, () => {
  it('while Redis is emptied again and again', async () => {
    const redis = new Redis(host.redis)
    void writers.begin()
    for (let times = 0; times < 10; times += 1) {
      await writers.write(STORIES / 4)
      await redis.flushall()
    }
    await writers.rest()
    redis.disconnect()
  })

  it('while Redis is frozen, and are processed while it is', async () => {
    host.freezeRedis()
    try {
      await playSome()
      expect(gateway.medianAckMs()).toBeLessThan(MEDIAN_ACK_MS)
      await settle(host.pool, SETTLE_TIMEOUT_MS)
    } finally {
      host.thawRedis()
    }
    await playSome()
  })

  it('when Redis is killed under them, and are processed while it stays away', async () => {
    void writers.begin()
    await writers.write(STORIES)
    host.killRedis()
    await writers.write(STORIES)
    await writers.rest()
    await settle(host.pool, SETTLE_TIMEOUT_MS)
  })

  it('and the doorbell rings and is answered again when Redis is back', async () => {
    await host.reviveRedis()
    const redis = new Redis(host.redis)
    let rings = 0
    for (let turn = 0; turn < RECONNECTION_TURNS && rings === 0; turn += 1) {
      const before = Number(await redis.get(`${QUEUE}:id`))
      await playSome()
      rings = Number(await redis.get(`${QUEUE}:id`)) - before
    }
    expect(rings).toBeGreaterThan(0)
    await vi.waitFor(async () => expect(await redis.llen(`${QUEUE}:wait`)).toBe(0), SETTLE_TIMEOUT_MS)
    redis.disconnect()
  })
})

/** BullMQ's keys of the queue: `id` counts its jobs, `wait` lists those that no worker has taken. */
const QUEUE = '{onceline-onceline}:webhook-events'
/** A server that lost Redis tries again every second at the latest, and a turn of stories takes half of that. */
const RECONNECTION_TURNS = 20

async function playSome(): Promise<void> {
  void writers.begin()
  await writers.write(STORIES)
  await writers.rest()
}
