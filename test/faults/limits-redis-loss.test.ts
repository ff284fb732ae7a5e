import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type ManualClock, manualClock } from '../../src/base/clock.ts'
import { connected, type OpenLimits, openLimits } from '../support/limits.ts'
import { type OwnRedis, openOwnRedis } from '../support/own-redis.ts'

const RULES = { command: { points: 3, seconds: 600 } }
/** A request may wait 250 ms for Redis; the rest is for a busy machine. Were there no bound it would be for ever. */
const ONE_WAIT_MS = 2_000
const PAUSE_MS = 1_000
const RETURN = { timeout: 10_000, interval: 20 }

let server: OwnRedis
const open: OpenLimits[] = []

beforeAll(async () => {
  server = await openOwnRedis('limits-loss')
})
afterEach(() => {
  server.thaw()
  for (const one of open.splice(0)) one.close()
})
afterAll(async () => {
  await server?.remove()
})

function limitsOn(clock: ManualClock, rules = RULES, installation: string = randomUUID()): OpenLimits {
  const one = openLimits({ redis: server.address, rules, installation, clock })
  open.push(one)
  return one
}

/** Takes until Redis decides again, a pause later each time. */
async function returned({ limits, decisions }: OpenLimits, clock: ManualClock): Promise<void> {
  await expect
    .poll(async () => {
      clock.advance(PAUSE_MS)
      await limits.take('command', 'probe')
      return Object.keys(await decisions()).some((name) => name.endsWith('redis'))
    }, RETURN)
    .toBe(true)
}

describe('with Redis frozen', () => {
  it('one request waits a moment for it, the others do not, and the insurance limits them all', async () => {
    const clock = manualClock(0)
    const { limits, redis, decisions, lines } = limitsOn(clock)
    await connected(redis)
    server.freeze()
    const startedMs = performance.now()
    const allowed: boolean[] = []
    for (let count = 0; count < 20; count += 1) allowed.push((await limits.take('command', 'a')).allowed)
    // Twenty waits of 250 ms would be five seconds.
    expect(performance.now() - startedMs).toBeLessThan(ONE_WAIT_MS)
    expect(allowed).toEqual(Array.from({ length: 20 }, (_, index) => index < 3))
    expect(await decisions()).toEqual({ 'command allowed insurance': 3, 'command limited insurance': 17 })
    expect(lines.filter((line) => line.includes('Redis does not answer'))).toHaveLength(1)
  })

  it('after a pause one request asks it, however many come, and when it answers it counts again', async () => {
    const clock = manualClock(0)
    const here = limitsOn(clock, { command: { points: 1_000, seconds: 600 } }, 'frozen')
    const { limits, redis, lines } = here
    await connected(redis)
    server.freeze()
    await limits.take('command', 'a')
    clock.advance(PAUSE_MS)
    const startedMs = performance.now()
    await Promise.all(Array.from({ length: 50 }, () => limits.take('command', 'a')))
    expect(performance.now() - startedMs).toBeLessThan(ONE_WAIT_MS)
    server.thaw()
    // What was sent in vain is carried out now: the first request, and the one that asked for all.
    const [key = ''] = await redis.keys('onceline-frozen:*')
    expect(await redis.get(key)).toBe('2')
    await returned(here, clock)
    expect(lines.filter((line) => line.includes('in Redis again'))).toHaveLength(1)
  })

  it('a process that starts does not wait for it at all', async () => {
    server.freeze()
    const { limits, decisions } = limitsOn(manualClock(0))
    const startedMs = performance.now()
    await limits.take('command', 'a')
    expect(performance.now() - startedMs).toBeLessThan(ONE_WAIT_MS)
    expect(await decisions()).toEqual({ 'command allowed insurance': 1 })
  })

  it("the insurance's window ends by this process's clock", async () => {
    const clock = manualClock(0)
    const { limits, redis } = limitsOn(clock)
    await connected(redis)
    server.freeze()
    for (let count = 0; count < 4; count += 1) await limits.take('command', 'a')
    clock.advance(599_999)
    expect(await limits.take('command', 'a')).toMatchObject({ allowed: false, resetMs: 1, retryAfterMs: 1 })
    clock.advance(1)
    expect(await limits.take('command', 'a')).toMatchObject({ allowed: true, remaining: 2, resetMs: 600_000 })
  })
})

describe('with Redis away', () => {
  it('the insurance decides at once, and Redis does again when it is back', async () => {
    const clock = manualClock(0)
    const here = limitsOn(clock)
    await connected(here.redis)
    await server.kill()
    const startedMs = performance.now()
    const verdicts = await Promise.all(Array.from({ length: 20 }, () => here.limits.take('command', 'a')))
    expect(performance.now() - startedMs).toBeLessThan(ONE_WAIT_MS)
    expect(verdicts.filter(({ allowed }) => allowed)).toHaveLength(3)
    expect(await here.decisions()).toEqual({
      'command allowed insurance': 3,
      'command limited insurance': 17,
    })
    await server.revive()
    await returned(here, clock)
  })
})
