import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { openRedis } from '../db/redis.ts'
import { GeoIndex } from '../src/matching/drivers/geo-index.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { at, CENTER, near, openTestPool, type TestPool, WORK } from './support/driver-pools.ts'

const SOON = { timeout: 5_000, interval: 10 }

describe('the driver pool', () => {
  let database: TestDatabase
  const opened: TestPool[] = []
  const open = async (options?: Parameters<typeof openTestPool>[2]) => {
    const pool = await openTestPool(database, database.redis, { installation: randomUUID(), ...options })
    opened.push(pool)
    return pool
  }
  const keepAlive = (pool: TestPool, ids: readonly string[]) => {
    const timer = setInterval(() => ids.forEach((id) => void pool.pool.heard(id)), 50)
    return () => clearInterval(timer)
  }

  beforeAll(async () => {
    database = await testDatabase('driver-pool')
  })
  afterEach(() => Promise.all(opened.splice(0).map((pool) => pool.close())))
  afterAll(() => database?.drop())

  it('finds who is near, the nearest first, with where they are', async () => {
    const one = await open()
    one.pool.online('far', { ...WORK, position: at(800) })
    one.pool.online('near', { ...WORK, position: at(100) })
    await expect.poll(() => one.found(), SOON).toEqual(['near', 'far'])
    const [nearest] = await one.pool.search({
      ...{ zoneIds: [WORK.zoneId], category: WORK.category, center: CENTER },
      ...{ radiiMeters: [1_000], limit: 1 },
    })
    expect(nearest).toMatchObject({ driverId: 'near', zoneId: WORK.zoneId })
    expect(nearest?.straightMeters).toBeGreaterThan(98)
    expect(nearest?.straightMeters).toBeLessThan(102)
    expect(nearest?.position.latitude).toBeCloseTo(at(100).latitude, 4)
    expect(nearest?.ageMs).toBeLessThan(1_000)
  })

  it('finds nobody of another category or zone, and the neighbours that are asked for', async () => {
    const one = await open()
    one.pool.online('here', { ...WORK, position: at(100) })
    one.pool.online('beside', { ...WORK, zoneId: 'zone-2', position: at(50) })
    one.pool.online('better', { ...WORK, category: 'luxury', position: at(10) })
    await expect.poll(() => one.found(), SOON).toEqual(['here'])
    expect(await one.found({ zoneIds: ['zone-1', 'zone-2', 'zone-1'] })).toEqual(['beside', 'here'])
    expect(await one.found({ zoneIds: [] })).toEqual([])
  })

  it('keeps every id as it is, and places to a decimetre, as far north as Redis goes', async () => {
    const one = await open()
    const ids = ['007', '1e3', '[]', '"\\\\"', '%s', 'null']
    for (const id of ids) one.pool.online(id, { ...WORK, position: at(100) })
    one.pool.online('pole', {
      ...WORK,
      zoneId: 'arctic',
      position: { latitude: 89.9, longitude: -0.0000004 },
    })
    await expect.poll(() => one.found().then((found) => found.sort()), SOON).toEqual(ids.toSorted())
    const center = { latitude: 85.05, longitude: 0 }
    await expect.poll(() => one.found({ zoneIds: ['arctic'], center }), SOON).toEqual(['pole'])
    one.pool.gone(ids.slice(1))
    await expect.poll(() => one.found(), SOON).toEqual(['007'])
  })

  it('grows the radius until it has enough, and finds no more than it was asked for', async () => {
    const one = await open()
    for (const [n, metres] of [200, 400, 900, 1_500, 3_000].entries())
      one.pool.online(`d${n}`, { ...WORK, position: at(metres) })
    await expect
      .poll(() => one.found({ radiiMeters: [500, 1_000], limit: 9 }), SOON)
      .toEqual(['d0', 'd1', 'd2'])
    expect(await one.found({ radiiMeters: [500, 1_000, 5_000], limit: 2 })).toEqual(['d0', 'd1'])
    expect(await one.found({ radiiMeters: [500, 1_000, 5_000], limit: 4 })).toEqual(['d0', 'd1', 'd2', 'd3'])
  })

  it('keeps who lives and says nothing new, over many buckets', async () => {
    const one = await open()
    one.pool.online('still', { ...WORK, position: at(100) })
    await expect.poll(() => one.found(), SOON).toEqual(['still'])
    const stop = keepAlive(one, ['still'])
    const endMs = performance.now() + 3_000
    while (performance.now() < endMs) expect(await one.found()).toEqual(['still'])
    stop()
  })

  it('forgets who falls silent, within the time for that', async () => {
    const one = await open()
    one.pool.online('silent', { ...WORK, position: at(100) })
    await expect.poll(() => one.found(), SOON).toEqual(['silent'])
    const startMs = performance.now()
    await expect.poll(() => one.found(), SOON).toEqual([])
    expect(performance.now() - startMs).toBeLessThan(1_300)
  })

  it('takes out at once who is gone, and who has left', async () => {
    const one = await open({ tempo: { staleMs: 60_000, bucketMs: 60_000 } })
    const pulse = { heardAtMs: performance.now(), isAwaited: false }
    one.pool.connected('left', 7, pulse)
    for (const id of ['gone', 'left', 'stays']) one.pool.online(id, { ...WORK, position: at(100) })
    await expect.poll(() => one.found().then((ids) => ids.sort()), SOON).toEqual(['gone', 'left', 'stays'])
    one.pool.left('left', 6)
    one.pool.gone(['gone'])
    await expect.poll(() => one.found().then((ids) => ids.sort()), SOON).toEqual(['left', 'stays'])
    one.pool.left('left', 7)
    await expect.poll(() => one.found(), SOON).toEqual(['stays'])
  })

  it('knows a driver where he was last, in whichever bucket that is', async () => {
    const one = await open({ tempo: { againMs: 60_000 } })
    one.pool.online('moves', { ...WORK, position: at(100) })
    await expect.poll(() => one.found({ radiiMeters: [300] }), SOON).toEqual(['moves'])
    const stop = keepAlive(one, ['moves'])
    // Through more than one bucket: none may still have him where he was.
    for (let n = 0; n < 20; n += 1) {
      one.pool.located('moves', at(n % 2 === 0 ? 2_000 : 100))
      await one.pool.flush()
      expect(await one.found({ radiiMeters: [300] })).toEqual(n % 2 === 0 ? [] : ['moves'])
      await new Promise((resolve) => setTimeout(resolve, 90))
    }
    stop()
  })

  it('leaves a driver to the process that has him by now', async () => {
    const installation = randomUUID()
    const tempo = { staleMs: 60_000, bucketMs: 60_000 }
    const [first, second] = [await open({ installation, tempo }), await open({ installation, tempo })]
    first.pool.online('d', { ...WORK, position: at(100) })
    await expect.poll(() => second.found(), SOON).toEqual(['d'])
    second.pool.online('d', { ...WORK, position: at(200) })
    await second.pool.flush()
    first.pool.gone(['d'])
    await first.pool.flush()
    expect(await first.found()).toEqual(['d'])
    second.pool.gone(['d'])
    await second.pool.flush()
    expect(await first.found()).toEqual([])
  })

  it('is not led back to where an old socket of another process had him', async () => {
    const installation = randomUUID()
    const redis = openRedis(database.redis, 'worker', () => undefined)
    const tempo = { staleMs: 60_000, bucketMs: 60_000 }
    const indexes = () => new GeoIndex({ writes: redis, reads: redis, installation, tempo })
    const [old, newer] = [indexes(), indexes()]
    const write = (index: GeoIndex, metres: number, heardAgo: number) =>
      index.add(WORK, [{ driverId: 'd', position: at(metres), heardAgo }])
    const metres = async () => Math.round((await newer.search(near()))[0]?.straightMeters ?? 0)
    await write(old, 100, 2_000)
    await write(newer, 500, 1_000)
    await write(old, 100, 3_000)
    expect(await metres()).toBeCloseTo(500, -1)
    await write(old, 900, 0)
    expect(await metres()).toBeCloseTo(900, -1)
    redis.disconnect()
  })

  it('has everybody again soon after Redis forgot everything', async () => {
    const installation = randomUUID()
    const pools = [await open({ installation }), await open({ installation })]
    const ids = Array.from({ length: 20 }, (_, n) => `d${n}`)
    const stops = pools.map((pool, half) => {
      const own = ids.filter((_, n) => n % 2 === half)
      for (const id of own) pool.pool.online(id, { ...WORK, position: at(100 + Number(id.slice(1))) })
      return keepAlive(pool, own)
    })
    await expect.poll(() => pools[0]?.found({ limit: 50 }), SOON).toEqual(ids)
    const redis = openRedis(database.redis, 'worker', () => undefined)
    const keys = await redis.keys(`onceline:{${installation}*`)
    expect(keys.length).toBeGreaterThan(0)
    await redis.del(...keys)
    redis.disconnect()
    const startMs = performance.now()
    await expect.poll(() => pools[0]?.found({ limit: 50 }), SOON).toEqual(ids)
    expect(performance.now() - startMs).toBeLessThan(700)
    for (const stop of stops) stop()
  })

  it('keeps in mind so many drivers and no more', async () => {
    const one = await open({ maxDrivers: 2, tempo: { staleMs: 60_000 } })
    for (const id of ['a', 'b', 'c']) one.pool.online(id, { ...WORK, position: at(100) })
    await expect.poll(() => one.found().then((ids) => ids.sort()), SOON).toEqual(['a', 'b'])
    expect(await one.registry.getSingleMetricAsString('onceline_drivers_full_total')).toContain(' 1')
  })
})
