import { Redis } from 'ioredis'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { STORIES, TIMEOUT_MS, useLossScene } from './loss-scene.ts'

/** Were Redis on the way of an acknowledgement, a frozen one would add its time-out of 500 ms to each, or hang for ever. */
const MEDIAN_ACK_MS = 250
const scene = useLossScene('redis-loss')

afterEach(() => {
  // No delivery of any of these tests saw an error: MySQL was there all the time.
  expect(scene.gateway.sightings).toMatchObject({ connectionErrors: 0, refusals: 0 })
  expect(scene.gateway.medianAckMs()).toBeLessThan(MEDIAN_ACK_MS)
})

describe('webhooks go on', { timeout: TIMEOUT_MS }, () => {
  it('while Redis is emptied again and again', async () => {
    const redis = new Redis(scene.host.redis)
    void scene.writers.begin()
    for (let times = 0; times < 10; times += 1) {
      await scene.writers.write(STORIES / 4)
      await redis.flushall()
    }
    await scene.writers.rest()
    redis.disconnect()
  })

  it('while Redis is frozen, and are processed while it is', async () => {
    scene.host.freezeRedis()
    try {
      await scene.playSome()
      expect(scene.gateway.medianAckMs()).toBeLessThan(MEDIAN_ACK_MS)
      await scene.settle()
    } finally {
      scene.host.thawRedis()
    }
    await scene.playSome()
  })

  it('when Redis is killed under them, and are processed while it stays away', async () => {
    void scene.writers.begin()
    await scene.writers.write(STORIES)
    scene.host.killRedis()
    await scene.writers.write(STORIES)
    await scene.writers.rest()
    await scene.settle()
  })

  it('and the doorbell rings and is answered again when Redis is back', async () => {
    await scene.host.reviveRedis()
    const redis = new Redis(scene.host.redis)
    let rings = 0
    for (let turn = 0; turn < RECONNECTION_TURNS && rings === 0; turn += 1) {
      const before = Number(await redis.get(`${QUEUE}:id`))
      await scene.playSome()
      rings = Number(await redis.get(`${QUEUE}:id`)) - before
    }
    expect(rings).toBeGreaterThan(0)
    await vi.waitFor(async () => expect(await redis.llen(`${QUEUE}:wait`)).toBe(0), TIMEOUT_MS / 3)
    redis.disconnect()
  })
})

/** BullMQ's keys of the queue: `id` counts its jobs, `wait` lists those that no worker has taken. */
const QUEUE = '{onceline-onceline}:webhook-events'
/** A server that lost Redis tries again every second at the latest, and a turn of stories takes half of that. */
const RECONNECTION_TURNS = 20
