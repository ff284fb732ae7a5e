import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type ManualClock, manualClock } from '../../src/base/clock.ts'
import { connected } from '../support/limits.ts'
import { type OwnRedis, openOwnRedis } from '../support/own-redis.ts'
import { type OpenSeats, openSeats, userOf } from '../support/seats.ts'

/** A handshake may wait 250 ms for Redis; the rest is for a busy machine. Were there no bound it would be for ever. */
const ONE_WAIT_MS = 2_000
const PAUSE_MS = 1_000
const RETURN = { timeout: 10_000, interval: 20 }

let server: OwnRedis
let clock: ManualClock
let a: OpenSeats
let b: OpenSeats

beforeAll(async () => {
  server = await openOwnRedis('seats-loss')
})
beforeEach(async () => {
  clock = manualClock(0)
  const shape = { redis: server.address, installation: randomUUID(), live: [], clock }
  a = openSeats(shape)
  b = openSeats(shape)
  await Promise.all([connected(a.redis), connected(b.redis)])
})
afterEach(() => {
  server.thaw()
  a.close()
  b.close()
})
afterAll(() => server?.remove())

/** Looks until Redis answers again, and once more. */
async function returned({ seats }: OpenSeats): Promise<void> {
  const looked = () =>
    seats.look().then(
      () => true,
      () => false,
    )
  await expect.poll(looked, RETURN).toBe(true)
  await seats.look()
}

describe('with Redis frozen', () => {
  it('one handshake waits a moment for it, the others do not, and each process holds its own to the limits', async () => {
    await a.takes('u-1', null, 2)
    server.freeze()
    const startedMs = performance.now()
    expect(await a.takes('u-1', null, 3)).toEqual(['taken', 'user_full', 'user_full'])
    for (let index = 0; index < 20; index += 1) await a.takes(`u-x${index}`, `net-${index}`, 1)
    expect(await b.takes('u-1', null, 1)).toEqual(['taken'])
    // Twenty waits of 250 ms would be five seconds.
    expect(performance.now() - startedMs).toBeLessThan(ONE_WAIT_MS)
    expect(a.lines.filter((line) => line.includes('Redis does not answer'))).toHaveLength(1)
  })

  it('what happened meanwhile is told when it is back, and it decides again', async () => {
    await a.takes('u-1', null, 1)
    server.freeze()
    await a.takes('u-1', null, 2)
    a.seats.free(userOf('u-1'), null)
    clock.advance(PAUSE_MS)
    server.thaw()
    await returned(a)
    await expect.poll(async () => (await b.takes('u-1', null, 1))[0], RETURN).toBe('taken')
    expect(await b.takes('u-1', null, 1)).toEqual(['user_full'])
    expect(a.lines.filter((line) => line.includes('in Redis again'))).toHaveLength(1)
  })
})

describe('with Redis away', () => {
  it('each process decides at once, and a Redis that comes back empty is told everything', async () => {
    await a.takes('u-1', 'net', 2)
    await server.kill()
    const startedMs = performance.now()
    expect(await a.takes('u-1', 'net', 2)).toEqual(['taken', 'user_full'])
    expect(performance.now() - startedMs).toBeLessThan(ONE_WAIT_MS)
    await server.revive()
    await connected(b.redis)
    await returned(a)
    await expect.poll(async () => (await b.takes('u-1', 'other', 1))[0], RETURN).toBe('user_full')
    expect(await b.decisions()).toHaveProperty('user_full redis')
  })
})
