import { once } from 'node:events'
import { createConnection } from 'mysql2/promise'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openPool, type Pool } from '../db/pools.ts'
import { openRedis, type Redis } from '../db/redis.ts'
import { type Readiness, readiness } from '../src/ops/health.ts'
import { type OwnHost, openOwnHost } from './faults/own-host.ts'
import { openApp, type TestApp } from './support/app.ts'

/** What is told over HTTP is a second old at most. */
const POLL = { timeout: 10_000, interval: 50 }

describe('an installation that is not well', () => {
  let host: OwnHost
  let app: TestApp
  let pool: Pool
  let redis: Redis

  beforeAll(async () => {
    host = await openOwnHost('ops')
    app = await openApp({ address: host.database, redis: host.redis }, { working: false })
    pool = openPool(host.database, { connectionLimit: 2, lockWaitSeconds: 1 })
    redis = openRedis(host.redis, 'control', () => undefined)
    await once(redis, 'ready')
  })
  afterAll(async () => {
    redis?.disconnect()
    await pool?.end().catch(() => undefined)
    await app?.stop()
    await host?.remove()
  })

  const look = (isDraining = false): Promise<Readiness> =>
    readiness({ pool, redis, isDraining: () => isDraining })

  async function told(): Promise<string> {
    const response = await fetch(`${app.url}/ready`)
    return `${response.status} ${((await response.json()) as { status: string }).status}`
  }

  it('is not ready while it drains', async () => {
    expect(await look()).toMatchObject({ ready: true })
    expect(await look(true)).toMatchObject({
      ready: false,
      dependencies: { process: { status: 'refused', reasons: ['shutting down'] } },
    })
  })

  it('is not ready with a Redis that may evict', async () => {
    await redis.config('SET', 'maxmemory-policy', 'allkeys-lru')
    expect(await look()).toMatchObject({
      ready: false,
      dependencies: {
        mysql: { status: 'ok' },
        redis: { status: 'refused', reasons: [expect.stringMatching(/allkeys-lru.*noeviction/)] },
      },
    })
    await expect.poll(told, POLL).toBe('503 not_ready')
    await redis.config('SET', 'maxmemory-policy', 'noeviction')
    await expect.poll(told, POLL).toBe('200 ready')
  })

  it.each([
    ['innodb_flush_log_at_trx_commit', 2],
    ['innodb_flush_log_at_trx_commit', 0],
  ])('is not ready with a MySQL whose %s is %i', async (variable, loose) => {
    const root = await createConnection(host.database)
    await root.query(`SET GLOBAL ${variable} = ${loose}`)
    expect(await look()).toMatchObject({
      ready: false,
      dependencies: { mysql: { status: 'refused', reasons: [expect.stringContaining(variable)] } },
    })
    await root.query(`SET GLOBAL ${variable} = 1`)
    await root.end()
    expect(await look()).toMatchObject({ ready: true })
  })

  it('is ready and degraded without Redis, and not ready without MySQL; frozen or dead', async () => {
    // A signal needs a moment to stop every thread.
    host.freezeRedis()
    await expect.poll(async () => (await look()).dependencies.redis.status, POLL).toBe('degraded')
    expect(await look()).toMatchObject({
      ready: true,
      dependencies: { redis: { status: 'degraded', reasons: [expect.stringContaining('does not answer')] } },
    })
    host.thawRedis()
    host.freezeMysql()
    await expect.poll(async () => (await look()).ready, POLL).toBe(false)
    const startedMs = performance.now()
    expect(await look()).toMatchObject({
      ready: false,
      dependencies: { mysql: { status: 'refused', reasons: [expect.stringContaining('does not answer')] } },
    })
    expect(performance.now() - startedMs, 'a look is bounded').toBeLessThan(3_000)
    host.thawMysql()
    host.killRedis()
    await expect.poll(async () => (await look()).dependencies.redis.status, POLL).toBe('degraded')
    expect(await look()).toMatchObject({ ready: true })
    await host.killMysql()
    expect(await look()).toMatchObject({ ready: false, dependencies: { mysql: { status: 'refused' } } })
    expect((await fetch(`${app.url}/health`)).status, 'alive all the same').toBe(200)
    expect(JSON.stringify(await look())).not.toContain(host.database.password)
  })
})
