import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { RowDataPacket } from '../../db/rows.ts'
import { Chance } from './chance.ts'
import { Gateway } from './gateway.ts'
import { type OwnHost, openOwnHost } from './own-host.ts'
import { ServerNode } from './server-node.ts'
import { inventStory, newSecrets } from './story.ts'
import { differences, settle } from './truth.ts'
import { Writers } from './writers.ts'

const TIMEOUT_MS = 120_000
/** Events that nobody rang for are looked for after five seconds. */
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

  it('and the doorbell rings again when Redis is back', async () => {
    await host.reviveRedis()
    let slowestMs = Number.POSITIVE_INFINITY
    for (let turn = 0; turn < 20 && slowestMs > RUNG_WITHIN_MS; turn += 1) {
      const before = await latestEvent()
      await playSome()
      await settle(host.pool, SETTLE_TIMEOUT_MS)
      slowestMs = await slowestSince(before)
    }
    expect(slowestMs).toBeLessThanOrEqual(RUNG_WITHIN_MS)
  })
})

/** Well under the five seconds after which the sweeper looks: it was the ring that did it. */
const RUNG_WITHIN_MS = 3_000

async function playSome(): Promise<void> {
  void writers.begin()
  await writers.write(STORIES)
  await writers.rest()
}

async function latestEvent(): Promise<Buffer> {
  const [rows] = await host.pool.query<RowDataPacket[]>('SELECT MAX(id) AS id FROM webhook_events')
  return rows[0]?.id ?? Buffer.alloc(16)
}

/** How long the slowest event waited that came after this one and waited for nothing but the ring, in milliseconds. */
async function slowestSince(before: Buffer): Promise<number> {
  const [rows] = await host.pool.query<RowDataPacket[]>(
    `SELECT MAX(TIMESTAMPDIFF(MICROSECOND, received_at, finished_at)) / 1000 AS slowest
     FROM webhook_events JOIN payments ON payments.id = webhook_events.payment_id
     WHERE webhook_events.id > ? AND fact_kind = 'captured' AND created_at < received_at`,
    [before],
  )
  return Number(rows[0]?.slowest ?? Number.POSITIVE_INFINITY)
}
