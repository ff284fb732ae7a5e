import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { isConnectionLost } from '../db/errors.ts'
import { openPool, type Pool } from '../db/pools.ts'
import type { RowDataPacket } from '../db/rows.ts'
import { inTransaction } from '../db/transaction.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { TcpProxy } from './support/tcp-proxy.ts'

let database: TestDatabase
let proxy: TcpProxy
let pool: Pool

beforeAll(async () => {
  database = await testDatabase('transaction', { migrated: false })
})
afterAll(() => database?.drop())
beforeEach(async () => {
  proxy = await TcpProxy.open(database.address)
  pool = openPool(
    { ...database.address, host: '127.0.0.1', port: proxy.port },
    { connectionLimit: 4, lockWaitSeconds: 5 },
  )
})
afterEach(async () => {
  await proxy.close()
  await pool.end().catch(() => undefined)
})

async function connectionId(connection: Pick<Pool, 'query'>): Promise<number> {
  const [rows] = await connection.query<RowDataPacket[]>('SELECT CONNECTION_ID() AS id')
  return Number(rows[0]?.id)
}

describe('a connection that was lost', () => {
  it.each(['request', 'answer'] as const)('before anything began is replaced by another (%s)', async (at) => {
    const before = await connectionId(pool)
    const struck = proxy.arm({ at, containing: 'START TRANSACTION' })
    let runs = 0
    const after = await inTransaction(pool, 'a phase', (connection) => {
      runs += 1
      return connectionId(connection)
    })
    await struck
    expect(after).not.toBe(before)
    expect(runs).toBe(1)
  })

  it('is replaced however many were idle when the server closed them', async () => {
    const ids = await Promise.all(
      Array.from({ length: 4 }, () => inTransaction(pool, 'a phase', connectionId)),
    )
    for (const id of new Set(ids)) await database.pool.query(`KILL ${id}`)
    const after = await Promise.all(
      Array.from({ length: 4 }, () => inTransaction(pool, 'a phase', connectionId)),
    )
    expect(after.filter((id) => ids.includes(id))).toEqual([])
  })

  it.each(['SELECT 7', 'COMMIT'])(
    'at %s is not tried again, since what happened is unknown',
    async (statement) => {
      // The session is prepared before: that takes a COMMITTED of its own.
      await connectionId(pool)
      const struck = proxy.arm({ at: 'answer', containing: statement })
      let runs = 0
      const failure = await inTransaction(pool, 'a phase', async (connection) => {
        runs += 1
        await connection.query('SELECT 7')
      }).catch((error: unknown) => error)
      await struck
      expect(isConnectionLost(failure)).toBe(true)
      expect(runs).toBe(1)
    },
  )

  it('every time is told as it is after the last try', async () => {
    await connectionId(pool)
    await proxy.refuse()
    const failure = await inTransaction(pool, 'a phase', connectionId, { attempts: 2 }).catch(
      (error: unknown) => error,
    )
    expect(isConnectionLost(failure)).toBe(true)
  })
})

it('sessions are given up by the server after half a minute of silence', async () => {
  const [rows] = await pool.query<RowDataPacket[]>('SELECT @@wait_timeout AS seconds')
  expect(Number(rows[0]?.seconds)).toBe(30)
})
