import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { at, openTestPool, type TestPool, WORK } from '../support/driver-pools.ts'
import { type OwnRedisCluster, openOwnRedisCluster } from '../support/own-redis-cluster.ts'

const SOON = { timeout: 10_000, interval: 20 }
/** A replica waits for the cluster's node time-out, and is voted for. */
const FAILOVER = { timeout: 60_000, interval: 50 }
/** Enough that every master has some of them. */
const ZONES = Array.from({ length: 12 }, (_, number) => `zone-${number}`)

describe('the driver pool on a Redis Cluster', () => {
  let database: TestDatabase
  let cluster: OwnRedisCluster
  const opened: TestPool[] = []
  const open = async (installation = randomUUID()) => {
    const pool = await openTestPool(database, cluster.address, { installation })
    opened.push(pool)
    return pool
  }

  beforeAll(async () => {
    database = await testDatabase('driver-pool-cluster')
    cluster = await openOwnRedisCluster('driver-pool-cluster')
  }, 120_000)
  afterEach(() => Promise.all(opened.splice(0).map((pool) => pool.close())))
  afterAll(async () => {
    await cluster?.remove()
    await database?.drop()
  })

  it('finds drivers of zones that live on different masters, in one search, by either process', async () => {
    const installation = randomUUID()
    const [one, other] = [await open(installation), await open(installation)]
    for (const [n, zoneId] of ZONES.entries())
      (n % 2 === 0 ? one : other).pool.online(`d-${n}`, { ...WORK, zoneId, position: at(50 + 10 * n) })
    const everybody = ZONES.map((_, n) => `d-${n}`)
    const query = { zoneIds: ZONES, limit: 50 }
    await expect.poll(() => one.found(query), SOON).toEqual(everybody)
    await expect.poll(() => other.found(query), SOON).toEqual(everybody)
    expect(await mastersWithKeys(installation)).toBe(cluster.masters.length)
    for (const pool of [one, other]) expect(await searchesBy(pool, 'mysql')).toBe(0)
  })

  it('takes out who is gone, and moves who works elsewhere from one master to another', async () => {
    const one = await open()
    for (const [n, zoneId] of ZONES.entries()) one.pool.online(`d-${n}`, { ...WORK, zoneId, position: at(n) })
    await expect.poll(() => one.found({ zoneIds: ZONES, limit: 50 }), SOON).toHaveLength(ZONES.length)
    for (let n = 1; n < ZONES.length; n += 1) one.pool.gone([`d-${n}`])
    await expect.poll(() => one.found({ zoneIds: ZONES, limit: 50 }), SOON).toEqual(['d-0'])
    for (const zoneId of ZONES) {
      one.pool.online('d-0', { ...WORK, zoneId, position: at(10) })
      const others = ZONES.filter((zone) => zone !== zoneId)
      await expect.poll(() => one.found({ zoneIds: [zoneId] }), SOON).toEqual(['d-0'])
      await expect.poll(() => one.found({ zoneIds: others }), SOON).toEqual([])
    }
    expect(await searchesBy(one, 'mysql')).toBe(0)
  })

  it('finds all of them while a master is dead, and in Redis again once its replica has taken over', async () => {
    const one = await open()
    const ids = ZONES.map((_, n) => `d-${n}`)
    for (const [n, zoneId] of ZONES.entries())
      one.pool.online(`d-${n}`, { ...WORK, zoneId, position: at(50 + 10 * n) })
    const found = () => one.found({ zoneIds: ZONES, limit: 50 })
    await expect.poll(found, SOON).toEqual(ids)
    const pongs = setInterval(() => ids.forEach((id) => void one.pool.heard(id)), 50)
    const foundBy = async (source: 'redis' | 'mysql') => {
      const before = await searchesBy(one, source)
      return { all: await found(), isOther: (await searchesBy(one, source)) === before }
    }
    try {
      await cluster.masters[0].kill()
      await expect.poll(() => foundBy('mysql'), FAILOVER).toEqual({ all: ids, isOther: false })
      await expect.poll(() => foundBy('redis'), FAILOVER).toEqual({ all: ids, isOther: false })
    } finally {
      clearInterval(pongs)
      await cluster.masters[0].revive()
    }
  }, 90_000)

  async function searchesBy({ registry }: TestPool, source: 'redis' | 'mysql'): Promise<number> {
    const line = new RegExp(`^onceline_drivers_search_seconds_count{source="${source}"} (\\d+)`, 'm')
    return Number(line.exec(await registry.metrics())?.[1] ?? 0)
  }

  async function mastersWithKeys(installation: string): Promise<number> {
    const keys = await Promise.all(cluster.masters.map(({ client }) => client.keys('onceline:*:near*')))
    return keys.filter((some) => some.some((key) => key.includes(installation))).length
  }
})
