import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openApp, type TestApp } from './support/app.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'

let database: TestDatabase
let app: TestApp

beforeAll(async () => {
  database = await testDatabase('idempotency-metrics')
  app = await openApp(database)
})

afterAll(async () => {
  await app?.stop()
  await database?.drop()
})

async function send(method: string, path: string, body: unknown, key?: string): Promise<number> {
  const response = await fetch(app.url + path, {
    method,
    headers: { 'x-api-key': app.internalKey, ...(key === undefined ? {} : { 'idempotency-key': key }) },
    body: JSON.stringify(body),
  })
  await response.arrayBuffer()
  return response.status
}

const register = (key: string | undefined, amountMinor: number): Promise<number> =>
  send(
    'POST',
    '/internal/payments',
    { gateway: 'kashier', merchantRef: 'T-1', amountMinor, currency: 'EGP' },
    key,
  )

/** Every answer that was counted, of those that are not 0. */
async function counted(): Promise<Record<string, number>> {
  const lines = await app.metrics('onceline_idempotency_answers_total{')
  expect(lines).toHaveLength(6)
  const counts = lines.map((line) => {
    const [, kind = line, n] = /\{door="http",answer="(\w+)"\} (\d+)$/.exec(line) ?? []
    return [kind, Number(n)] as const
  })
  return Object.fromEntries(counts.filter(([, n]) => n !== 0))
}

describe('onceline_idempotency_answers_total', () => {
  it('counts every answer to a key by its kind, and no request without a key', async () => {
    expect(await counted()).toEqual({})
    expect(await register(undefined, 10)).toBe(400)
    expect(await send('PATCH', `/internal/payments/${crypto.randomUUID()}`, { gatewayRef: 'GW-1' })).toBe(404)
    expect(await counted()).toEqual({})

    expect(await register('k', 10)).toBe(201)
    expect(await counted()).toEqual({ executed: 1 })
    for (let time = 0; time < 3; time += 1) expect(await register('k', 10)).toBe(201)
    expect(await register('k', 20)).toBe(422)
    expect(await register('free', -1)).toBe(400)
    expect(await counted()).toEqual({ executed: 1, replayed: 3, mismatch: 1, refused: 1 })

    await answeredWhileHeld()
    await database.pool.query("UPDATE idempotency_keys SET state = 'pruned'")
    expect(await register('k', 10)).toBe(410)
    const all = { executed: 1, replayed: 3, mismatch: 1, refused: 1, in_flight: 1, expired: 1 }
    expect(await counted()).toEqual(all)
  })
})

/** As long as another transaction has all of the keys' index, gaps included, as an unfinished claim has its place there. */
async function answeredWhileHeld(): Promise<void> {
  const connection = await database.pool.getConnection()
  try {
    await connection.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ')
    await connection.beginTransaction()
    await connection.query(
      'SELECT record_key FROM idempotency_keys FORCE INDEX (one_record_per_key) WHERE record_key >= 0x00 FOR UPDATE',
    )
    expect(await register('held', 10)).toBe(409)
  } finally {
    await connection.rollback()
    connection.release()
  }
}
