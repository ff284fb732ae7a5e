import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newSecret } from '../src/webhooks/gateways/samples/samples.ts'
import { openApp, type TestApp } from './support/app.ts'
import { countOf, fateOf, paymentRow } from './support/books.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { waitForLockWait } from './support/locks.ts'
import { eventOf, expected, Processing, store } from './support/processing.ts'
import { RawConnection } from './support/raw-http.ts'
import { Service } from './support/service.ts'
import { TcpProxy } from './support/tcp-proxy.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await testDatabase('shutdown')
})
afterAll(async () => {
  await database?.drop()
})

/** Sends so many deliveries and resolves when the server has every request in hand; `answers` come later. */
async function inFlight(app: TestApp, count: number): Promise<{ answers: Promise<number[]> }> {
  let begun = 0
  const all = Promise.withResolvers<void>()
  app.app.server.on('request', (incoming) => {
    incoming.once('end', () => {
      begun += 1
      if (begun === count) all.resolve()
    })
  })
  const posts = Array.from({ length: count }, async (_, index) => {
    const answer = await app.post(app.delivery('stripe', { merchantRef: `trip-${index}` }))
    return answer.status
  })
  const answers = Promise.all(posts)
  answers.catch(() => undefined)
  await all.promise
  return { answers }
}

describe('stop()', () => {
  it('answers every request in flight, and what was answered is stored', async () => {
    const app = await openApp(database)
    const holder = await database.pool.getConnection()
    await holder.query('LOCK TABLES webhook_events WRITE')
    const { answers } = await inFlight(app, 50)
    const stopped = app.app.stop(10_000)
    await expect(RawConnection.open(app.port), 'no new connection').rejects.toThrow('ECONNREFUSED')
    await holder.query('UNLOCK TABLES')
    holder.release()
    expect(new Set(await answers)).toEqual(new Set([200]))
    await stopped
    expect(await countOf(database.pool, 'webhook_events')).toBe(50)
  })

  it('lets the workers finish what they have in hand', async () => {
    const here = new Processing(database)
    const shape = expected()
    await here.register(shape)
    const event = eventOf({ merchantRef: shape.merchantRef })
    await store(here.pool, event)
    await database.pool.query('UPDATE webhook_events SET next_at = UTC_TIMESTAMP(3) WHERE id = ?', [event.id])
    const holder = await database.pool.getConnection()
    await holder.query('START TRANSACTION')
    const { id } = await paymentRow(database.pool, shape.merchantRef)
    await holder.query('SELECT id FROM payments WHERE id = ? FOR UPDATE', [id])
    const app = await openApp(database)
    await waitForLockWait(database.address, 'SELECT id, trip_id')
    const stopped = app.app.stop(10_000)
    await holder.query('COMMIT')
    holder.release()
    await stopped
    expect(await fateOf(database.pool, event)).toBe('processed/applied')
    await here.close()
  })

  it('does not wait for connections that do nothing, nor longer than it may for one that never ends', async () => {
    const app = await openApp(database, { working: false })
    const idle = await Promise.all(Array.from({ length: 20 }, () => RawConnection.open(app.port)))
    const used = await RawConnection.open(app.port)
    used.send('GET /health HTTP/1.1\r\nhost: a\r\n\r\n')
    await used.answer()
    const startedMs = performance.now()
    const quick = app.app.stop(10_000)
    await Promise.all([...idle, used].map(({ closed }) => closed))
    await quick
    expect(performance.now() - startedMs).toBeLessThan(1_500)

    const another = await openApp(database, { working: false })
    const endless = await RawConnection.open(another.port)
    const heard = once(another.app.server, 'request')
    endless.send('POST /webhooks/stripe HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n{')
    await heard
    const againMs = performance.now()
    await another.app.stop(3_000)
    await endless.closed
    expect(performance.now() - againMs).toBeLessThan(3_500)
  })

  it('is bounded while the database is frozen, whatever was in hand', async () => {
    const proxy = await TcpProxy.open(database.address)
    const here = new Processing(database)
    const frozen = { ...database, address: { ...database.address, host: '127.0.0.1', port: proxy.port } }
    const app = await openApp(frozen, { sweep: { intervalMs: 5, nextLookSeconds: 1 } })
    await app.post(app.delivery('stripe', { merchantRef: 'trip-before' }))
    proxy.freeze()
    const { answers } = await inFlight(app, 10)
    const startedMs = performance.now()
    await app.app.stop(4_000)
    expect(performance.now() - startedMs).toBeLessThan(4_800)
    expect(new Set(await answers), 'asked to come again').toEqual(new Set([503]))
    await here.close()
    await proxy.close()
  })
})

describe('the process', { timeout: 60_000, concurrent: true }, () => {
  const secret = newSecret('kashier')
  const folders: string[] = []
  afterAll(() => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true })
  })
  function dataDir(): string {
    const folder = mkdtempSync(join(tmpdir(), 'onceline-shutdown-'))
    folders.push(folder)
    return folder
  }

  it.each([
    ['SIGTERM', ['SIGTERM']],
    ['SIGINT twice, as one Ctrl-C sends it', ['SIGINT', 'SIGINT']],
  ] as const)('ends by itself after %s: one drain, exit code 0', async (_, signals) => {
    const service = await Service.start(database.address, database.redis, {
      DATA_DIR: dataDir(),
      KASHIER_WEBHOOK_SECRETS: secret,
    })
    const health = await fetch(`http://127.0.0.1:${service.port}/health`)
    expect(health.status).toBe(200)
    for (const signal of signals) {
      service.signal(signal)
      // Two signals of one kind at the very same moment are one to the system.
      await pause(2)
    }
    expect(await service.ended).toBe(0)
    expect(service.text.match(/"msg":"stopped"/g)).toHaveLength(1)
    expect(service.text).not.toContain('asked again')
  })

  it('ends by itself, and in time, when the database and Redis are frozen', async () => {
    const [mysql, redis] = [await TcpProxy.open(database.address), await TcpProxy.open(database.redis)]
    const service = await Service.start(
      { ...database.address, host: '127.0.0.1', port: mysql.port },
      { ...database.redis, host: '127.0.0.1', port: redis.port },
      { DATA_DIR: dataDir(), SHUTDOWN_TIMEOUT_SECONDS: '4' },
    )
    // In the middle of a statement: the sweeper's next look.
    await mysql.freezeAt('SELECT id FROM webhook_events')
    redis.freeze()
    const startedMs = performance.now()
    service.signal('SIGTERM')
    expect(await service.ended).toBe(0)
    // The four seconds, what the Redis client waits for a goodbye, and that the suites beside it leave it a processor seldom.
    expect(performance.now() - startedMs).toBeLessThan(20_000)
    expect(service.text).not.toMatch(/unhandled|rejection/i)
    await mysql.close()
    await redis.close()
  })

  it('refuses a port that is taken, and leaves the one that has it alone', async () => {
    const service = await Service.start(database.address, database.redis, { DATA_DIR: dataDir() })
    const second = Service.start(database.address, database.redis, {
      DATA_DIR: dataDir(),
      PORT: String(service.port),
    })
    await expect(second).rejects.toThrow('EADDRINUSE')
    service.signal('SIGTERM')
    expect(await service.ended).toBe(0)
  })
})
