import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { RowDataPacket } from '../../db/rows.ts'
import { QUICK } from '../support/callbacks.ts'
import { StandInLaravel } from '../support/laravel.ts'
import { addMessages, fatesOf } from '../support/outbox.ts'
import { killWorkers, startWorker } from '../support/workers.ts'
import { Chance } from './chance.ts'
import { type OwnHost, openOwnHost } from './own-host.ts'

const TIMEOUT_MS = 120_000
const LEASE_SECONDS = 2
const KEYS = 15
const EACH = 6
const chance = new Chance(Number(process.env.CRASH_SEED ?? 1))

let host: OwnHost
let laravel: StandInLaravel

beforeAll(async () => {
  host = await openOwnHost('callbacks')
}, TIMEOUT_MS)
afterAll(() => host?.remove(), TIMEOUT_MS)
beforeEach(async () => {
  laravel = await StandInLaravel.open()
  for (const table of ['outbox', 'outbox_turns']) await host.pool.query('DELETE FROM ??', [table])
})
afterEach(async () => {
  await killWorkers()
  await laravel.goAway()
})

async function startNode(): Promise<ChildProcess> {
  const node = await startWorker('callback-node')
  const tempo = { ...QUICK, requestTimeoutMs: 500, leaseSeconds: LEASE_SECONDS }
  const working = once(node, 'message')
  node.send({ database: host.database, redis: host.redis, url: laravel.url, tempo })
  await working
  return node
}

async function kill(node: ChildProcess): Promise<void> {
  const ended = once(node, 'exit')
  node.kill('SIGKILL')
  await ended
}

async function addAll(from: number, count: number): Promise<string[]> {
  const keys = Array.from({ length: KEYS }, (_, index) => `trip-${index}`)
  for (const key of keys) await addMessages(host.pool, key, count, from)
  await host.pool.query("UPDATE outbox SET next_at = UTC_TIMESTAMP(3) WHERE state = 'pending'")
  return keys
}

async function untilAllDone(): Promise<void> {
  const open = async () => {
    const [rows] = await host.pool.query<RowDataPacket[]>(
      "SELECT COUNT(*) AS count FROM outbox WHERE state <> 'done'",
    )
    return Number(rows[0]?.count)
  }
  await expect.poll(open, { timeout: 60_000 }).toBe(0)
}

/** Each key's messages as Laravel took them: every one, the first time in order; a repeat may follow at once and never later. */
function expectInOrder(keys: readonly string[], count: number): void {
  for (const key of keys) {
    const sent = laravel.received
      .filter(({ body }) => body.orderingKey === key)
      .map(({ body }) => body.data.n)
    expect([key, sent]).toEqual([key, sent.toSorted((a, b) => a - b)])
    expect([...new Set(sent)]).toEqual(Array.from({ length: count }, (_, index) => index + 1))
  }
}

describe('callbacks of two processes', { timeout: TIMEOUT_MS }, () => {
  it('keep the order of every key through failures of all kinds', async () => {
    laravel.answer = () => {
      const fate = chance.next()
      if (fate < 0.15) return { status: 500 }
      if (fate < 0.2) return { status: 429, headers: { 'retry-after': '0' } }
      return fate < 0.23 ? 'silence' : { status: fate < 0.3 ? 409 : 200 }
    }
    const keys = await addAll(1, EACH)
    await Promise.all([startNode(), startNode()])
    await untilAllDone()
    expectInOrder(keys, EACH)
    expect(laravel.received.length).toBeGreaterThan(KEYS * EACH)
  })

  it('are sent again after the lease when their process was killed in the middle', async () => {
    laravel.answer = () => 'silence'
    const keys = await addAll(1, 2)
    const doomed = await startNode()
    await laravel.until(1)
    await kill(doomed)
    // With the queue goes BullMQ's own memory of the dead worker's jobs: MySQL alone has to know.
    const redis = new Redis(host.redis)
    await redis.flushall()
    redis.disconnect()
    const killedAtMs = performance.now()
    laravel.answer = () => ({ status: 200 })
    const before = laravel.received.length
    await startNode()
    await untilAllDone()
    const flying = new Set(laravel.received.slice(0, before).map(({ body }) => body.id))
    const again = laravel.received.slice(before).filter(({ body }) => flying.has(body.id))
    expect(new Set(again.map(({ body }) => body.id))).toEqual(flying)
    expectInOrder(keys, 2)
    // The lease, and much for a machine that others use too.
    expect(performance.now() - killedAtMs).toBeLessThan((LEASE_SECONDS + 20) * 1_000)
  })

  it('are not stuck when one is killed after the other', async () => {
    laravel.answer = async () => {
      await new Promise((resolve) => setTimeout(resolve, 20))
      return { status: 200 }
    }
    const keys = await addAll(1, EACH)
    let node = await startNode()
    for (let deaths = 1; deaths <= 3; deaths += 1) {
      await laravel.until(deaths * 12)
      const next = startNode()
      await kill(node)
      node = await next
    }
    await untilAllDone()
    expectInOrder(keys, EACH)
  })

  it('lose nothing when Redis is emptied again and again, and when it is killed', async () => {
    const redis = new Redis(host.redis)
    redis.on('error', () => undefined)
    await startNode()
    const keys = await addAll(1, 2)
    for (let times = 1; times <= 5; times += 1) {
      await redis.flushall()
      await laravel.until(times * 4)
    }
    await untilAllDone()
    host.killRedis()
    await addAll(3, 2)
    await untilAllDone()
    await host.reviveRedis()
    await addAll(5, 1)
    await untilAllDone()
    expectInOrder(keys, 5)
    expect(laravel.received).toHaveLength(KEYS * 5)
    expect(await fatesOf(host.pool, 'trip-0')).toHaveLength(5)
    redis.disconnect()
  })
})
