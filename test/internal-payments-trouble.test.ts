import { randomUUID } from 'node:crypto'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Database, openDatabase } from '../db/pools.ts'
import { createLogger } from '../src/base/log.ts'
import { createHttpApp } from '../src/http.ts'
import { createIdempotencyMetrics } from '../src/idempotency/metrics.ts'
import { Once } from '../src/idempotency/once.ts'
import { paymentRoutes } from '../src/laravel/payment-routes.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { TcpProxy } from './support/tcp-proxy.ts'

let database: TestDatabase
let proxy: TcpProxy
/** Through the proxy. */
let pools: Database
let app: ReturnType<typeof createHttpApp>
const lines: Record<string, unknown>[] = []

/** The internal API's payments behind no door, with a doorbell that is broken. */
beforeAll(async () => {
  database = await testDatabase('internal-payments-trouble')
  proxy = await TcpProxy.open(database.address)
  pools = openDatabase({ ...database.address, host: '127.0.0.1', port: proxy.port }, 1)
  const log = createLogger({
    level: 'info',
    destination: { write: (line) => void lines.push(JSON.parse(line)) },
  })
  const routes = paymentRoutes({
    pool: pools.commands,
    once: new Once({ pool: pools.commands }),
    metrics: createIdempotencyMetrics(new Registry()),
    log,
    knowsAccount: () => true,
    wake: () => Promise.reject(new Error('the doorbell is broken')),
  })
  app = createHttpApp([routes], log)
})
afterAll(async () => {
  await pools?.close()
  await proxy?.close()
  await database?.drop()
})

function register(key: string) {
  const body = JSON.stringify({ gateway: 'kashier', merchantRef: key, amountMinor: 10_000, currency: 'EGP' })
  return app.request('/internal/payments', { method: 'POST', body, headers: { 'idempotency-key': key } })
}

it('a registration stands and is answered 201 although waking what waited for it fails, which is logged', async () => {
  const key = randomUUID()
  const first = await register(key)
  expect(first.status).toBe(201)
  const text = await first.text()
  expect(lines).toMatchObject([{ msg: 'waking events failed; the sweeper does it' }])
  const again = await register(key)
  expect([again.status, again.headers.get('idempotent-replayed'), await again.text()]).toEqual([
    201,
    'true',
    text,
  ])
  const { id } = JSON.parse(text)
  expect((await app.request(`/internal/payments/${id}`)).status).toBe(200)
})

it('looking at a payment while the database is away is 503 with Retry-After, and 404 is not said of it', async () => {
  const path = `/internal/payments/${randomUUID()}`
  await proxy.refuse()
  const away = await app.request(path)
  expect(away.status).toBe(503)
  expect(away.headers.get('content-type')).toBe('application/problem+json')
  expect(Number(away.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(await away.json()).toMatchObject({ status: 503, code: 'database_unavailable' })
  await proxy.accept()
  expect((await app.request(path)).status).toBe(404)
})
