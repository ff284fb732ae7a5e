import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openApp, type TestApp } from './support/app.ts'
import { gone } from './support/cluster-run.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { RawConnection } from './support/raw-http.ts'
import { Service } from './support/service.ts'

const SEPARATE = { isSeparate: true, allowedCidrs: null, trustedProxies: [] }
const KEY = 'internal-key-of-this-suite-7f3a'
let database: TestDatabase

beforeAll(async () => {
  database = await testDatabase('internal-listener')
})
afterAll(async () => {
  await database?.drop()
})

async function statusOf(port: number, path: string, key?: string): Promise<number> {
  const headers = { connection: 'close', ...(key === undefined ? {} : { 'x-api-key': key }) }
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers })
  await response.text()
  return response.status
}

describe('the internal API', () => {
  it('is served beside the rest, behind its door, where it has no listener of its own', async () => {
    const app = await openApp(database, {
      working: false,
      rateLimits: {
        'internal-api': { points: 5, seconds: 60 },
        auth: null,
        'trip-create': null,
        bid: null,
        command: null,
        handshake: null,
      },
    })
    expect(await statusOf(app.port, '/internal/nothing')).toBe(401)
    const response = await fetch(`${app.url}/internal/nothing`, { headers: { 'x-api-key': app.internalKey } })
    expect(response.status).toBe(404)
    expect(response.headers.get('ratelimit-policy')).toBe('"internal-api";q=5;w=60')
    expect(await app.metrics('onceline_internal_access_total{')).toHaveLength(2)
    await app.stop()
  })

  it('keeps to the addresses that are listed', async () => {
    const internalApi = { isSeparate: false, allowedCidrs: ['10.0.0.0/8'], trustedProxies: ['127.0.0.1'] }
    const app = await openApp(database, { working: false, internalApi })
    const ask = async (forwardedFor: string): Promise<number> => {
      const headers = { 'x-api-key': app.internalKey, 'x-forwarded-for': forwardedFor }
      return (await fetch(`${app.url}/internal/nothing`, { headers })).status
    }
    expect([await ask('10.1.2.3'), await ask('192.0.2.1')]).toEqual([404, 403])
    await app.stop()
  })

  describe('with a listener of its own', () => {
    let app: TestApp
    let internalPort: number
    const held = Promise.withResolvers<string>()
    beforeAll(async () => {
      app = await openApp(database, {
        working: false,
        internalApi: SEPARATE,
        metricsText: () => held.promise,
      })
      internalPort = await app.app.listenInternally(0, '127.0.0.1')
    })

    it('is unknown to the public one, with the key and without', async () => {
      const paths = ['/internal', '/internal/', '/internal/trips', '//internal/trips', '/%69nternal/trips']
      for (const path of paths)
        for (const key of [undefined, app.internalKey])
          expect([path, await statusOf(app.port, path, key)]).toEqual([path, 404])
    })

    it('stands behind its door on its own', async () => {
      expect(await statusOf(internalPort, '/internal/trips')).toBe(401)
      expect(await statusOf(internalPort, '/internal/trips', 'wrong')).toBe(403)
      expect(await statusOf(internalPort, '/internal/trips', app.internalKey)).toBe(404)
    })

    it('has the probes beside it, and no webhooks', async () => {
      for (const port of [app.port, internalPort]) expect(await statusOf(port, '/health')).toBe(200)
      const post = (port: number) => fetch(`http://127.0.0.1:${port}/webhooks/stripe`, { method: 'POST' })
      expect([(await post(internalPort)).status, (await post(app.port)).status]).toEqual([404, 401])
    })

    it('is answered to the end when the service stops, and both listeners are closed', async () => {
      const inFlight = await RawConnection.open(internalPort)
      inFlight.send(`GET /metrics HTTP/1.1\r\nhost: a\r\nx-api-key: ${app.internalKey}\r\n\r\n`)
      // The requests of one connection are taken up in turn: this one is when the next on another was answered.
      await statusOf(internalPort, '/health')
      const stopped = app.app.stop(10_000)
      for (const port of [app.port, internalPort])
        await expect(RawConnection.open(port)).rejects.toThrow('ECONNREFUSED')
      held.resolve('the metrics')
      expect((await inFlight.answer()).status).toBe(200)
      await stopped
      await inFlight.closed
    })
  })
})

describe('the process', { timeout: 90_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'onceline-internal-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const env = {
    DATA_DIR: folder,
    INTERNAL_HOST: '127.0.0.1',
    INTERNAL_PORT: '0',
    INTERNAL_API_KEY: KEY,
    RATE_LIMIT_INTERNAL_API: '1000/60',
  }

  function internalPortOf(service: Service): number {
    return Number(/internal {2}http:\/\/127\.0\.0\.1:(\d+)\/internal/.exec(service.text)?.[1])
  }

  /** Asks both listeners so often that every worker has its turn. */
  async function expectSeparation(service: Service): Promise<void> {
    const internalPort = internalPortOf(service)
    for (let turn = 0; turn < 6; turn += 1) {
      expect(await statusOf(service.port, '/internal/trips', KEY)).toBe(404)
      expect(await statusOf(internalPort, '/internal/trips')).toBe(401)
      expect(await statusOf(internalPort, '/internal/trips', KEY)).toBe(404)
    }
  }

  it('listens to both, says where, and ends with both', async () => {
    const service = await Service.start(database.address, database.redis, env)
    await expect.poll(() => internalPortOf(service)).toBeGreaterThan(0)
    await expectSeparation(service)
    const headers = { 'x-api-key': KEY }
    const answer = await fetch(`http://127.0.0.1:${internalPortOf(service)}/internal/trips`, { headers })
    expect(answer.headers.get('ratelimit-policy')).toBe('"internal-api";q=1000;w=60')
    service.signal('SIGTERM')
    expect(await service.ended).toBe(0)
    expect(service.text).not.toContain(`${KEY}"`)
  })

  it('does so with every worker of a cluster, also with those that replace others', async () => {
    const service = await Service.start(database.address, database.redis, {
      ...env,
      CLUSTER_MODE: 'true',
      WORKER_PROCESSES: '2',
    })
    await expect.poll(() => internalPortOf(service)).toBeGreaterThan(0)
    await expectSeparation(service)
    const first = workersOf(service)
    expect(first).toHaveLength(2)
    for (const pid of first) {
      process.kill(pid, 'SIGKILL')
      await gone(pid)
      await expect.poll(() => answersOf(service), { timeout: 60_000 }).toContain('onceline_cluster_workers 2')
    }
    await expectSeparation(service)
    service.signal('SIGTERM')
    expect(await service.ended).toBe(0)
  }, 120_000)

  /** The metrics of the cluster, from the internal listener. */
  async function answersOf(service: Service): Promise<string[]> {
    const address = `http://127.0.0.1:${internalPortOf(service)}/metrics`
    const response = await fetch(address, { headers: { connection: 'close' } }).catch(() => null)
    return (await response?.text())?.split('\n') ?? []
  }

  function workersOf({ child: { pid } }: Service): number[] {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
    return children.split(' ').map(Number)
  }
})
