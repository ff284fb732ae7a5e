import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, describe, expect, inject, it } from 'vitest'
import { connected, type OpenLimits, openLimits } from './support/limits.ts'

const TAKER = join(import.meta.dirname, 'fixtures/take-limits.ts')
const { redis } = inject('servers')
const open: OpenLimits[] = []

/** Limits of an installation of their own, that count in Redis however busy this machine is. */
async function counting(
  rules: Parameters<typeof openLimits>[0]['rules'],
  installation: string = randomUUID(),
) {
  const one = openLimits({ redis, rules, installation, patient: true })
  open.push(one)
  await connected(one.redis)
  return one
}
afterEach(() => {
  for (const one of open.splice(0)) one.close()
})

describe('a limit in Redis', () => {
  it('lets so many requests of a caller through, says how he stands, and counts in the metrics', async () => {
    const { limits, decisions } = await counting({ bid: { points: 3, seconds: 600 } })
    const verdicts = []
    for (let count = 0; count < 5; count += 1) verdicts.push(await limits.take('bid', 'driver-1'))
    expect(verdicts.map(({ allowed, remaining }) => [allowed, remaining])).toEqual([
      [true, 2],
      [true, 1],
      [true, 0],
      [false, 0],
      [false, 0],
    ])
    for (const { limit, windowSeconds, resetMs, retryAfterMs, allowed } of verdicts) {
      expect([limit, windowSeconds]).toEqual([3, 600])
      expect(resetMs).toBeGreaterThan(590_000)
      expect(resetMs).toBeLessThanOrEqual(600_000)
      expect(retryAfterMs).toBe(allowed ? 0 : resetMs)
    }
    expect(await decisions()).toEqual({ 'bid allowed redis': 3, 'bid limited redis': 2 })
  })

  it('is each caller’s own, each class’s own, and each installation’s own', async () => {
    const rules = { bid: { points: 1, seconds: 600 }, command: { points: 1, seconds: 600 } }
    const [here, elsewhere] = [await counting(rules), await counting(rules)]
    const takes = [
      await here.limits.take('bid', 'a'),
      await here.limits.take('bid', 'a'),
      await here.limits.take('bid', 'b'),
      await here.limits.take('command', 'a'),
      await elsewhere.limits.take('bid', 'a'),
    ]
    expect(takes.map(({ allowed }) => allowed)).toEqual([true, false, true, true, true])
  })

  it('lets what costs more than a whole window pass once a window, with Redis and without', async () => {
    const rules = { command: { points: 10, seconds: 600 } }
    const here = await counting(rules)
    const without = openLimits({ redis: { ...redis, port: 1 }, rules, installation: randomUUID() })
    open.push(without)
    for (const { limits } of [here, without]) {
      const takes = [
        await limits.take('command', 'driver-1', 60),
        await limits.take('command', 'driver-1', 60),
      ]
      expect(takes.map(({ allowed }) => allowed)).toEqual([true, false])
    }
  })

  it('takes several points at once, or refuses them all', async () => {
    const { limits } = await counting({ command: { points: 10, seconds: 600 } })
    expect(await limits.take('command', 'a', 8)).toMatchObject({ allowed: true, remaining: 2 })
    expect(await limits.take('command', 'a', 3)).toMatchObject({ allowed: false })
    for (const points of [0, -1, 1.5, Number.NaN])
      await expect(limits.take('command', 'a', points)).rejects.toThrow('one point or more')
  })

  it('begins anew when its window ends, and refused requests do not make it longer', async () => {
    const { limits } = await counting({ auth: { points: 1, seconds: 1 } })
    const first = await limits.take('auth', 'a')
    expect(first.allowed).toBe(true)
    const endsAtMs = performance.now() + first.resetMs
    let verdict = await limits.take('auth', 'a')
    const early = performance.now() < endsAtMs - 100
    if (early) expect(verdict.allowed).toBe(false)
    while (!verdict.allowed) {
      expect(performance.now()).toBeLessThan(endsAtMs + 5_000)
      verdict = await limits.take('auth', 'a')
    }
    // Redis' own clock ends the window; the two may differ by a tick.
    expect(performance.now()).toBeGreaterThan(endsAtMs - 50)
    expect(verdict.remaining).toBe(0)
  })

  it('is none where it is off: nothing is counted anywhere', async () => {
    const { limits, decisions, redis: client } = await counting({ bid: null }, 'off')
    for (let count = 0; count < 50; count += 1)
      expect(await limits.take('bid', 'a')).toMatchObject({
        allowed: true,
        remaining: Number.POSITIVE_INFINITY,
      })
    expect(await decisions()).toEqual({})
    expect(await client.keys('onceline-off:*')).toEqual([])
  })

  it('names its callers by a hash only', async () => {
    const installation = randomUUID()
    const { limits, redis: client } = await counting({ auth: { points: 9, seconds: 600 } }, installation)
    await limits.take('auth', 'a-secret-api-key')
    const keys = await client.keys(`onceline-${installation}:*`)
    expect(keys).toEqual([
      expect.stringMatching(new RegExp(`^onceline-${installation}:limit:auth:[A-Za-z0-9_-]{22}$`)),
    ])
    expect(await client.pttl(keys[0] ?? '')).toBeGreaterThan(590_000)
    expect(keys.join()).not.toContain('secret')
  })

  it('is one for all processes', async () => {
    const order = { redis, installation: randomUUID(), points: 100, takes: 90, caller: 'driver-1' }
    const run = promisify(execFile)
    const got = await Promise.all(
      [1, 2].map(async () => Number((await run(process.execPath, [TAKER, JSON.stringify(order)])).stdout)),
    )
    expect(got.reduce((sum, one) => sum + one, 0)).toBe(100)
  })
})
