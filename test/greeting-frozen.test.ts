import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type CommandPool, openCommandPool } from '../db/pools.ts'
import { Greeter } from '../src/realtime/greeting.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { TcpProxy } from './support/tcp-proxy.ts'

let database: TestDatabase
let proxy: TcpProxy
let pool: CommandPool

beforeAll(async () => {
  database = await testDatabase('greeting-frozen')
  proxy = await TcpProxy.open(database.address)
  pool = openCommandPool({ ...database.address, host: '127.0.0.1', port: proxy.port }, 4)
})
afterAll(async () => {
  await proxy?.close()
  await pool?.end().catch(() => undefined)
  await database?.drop()
})

it('who waits behind reads that a frozen database does not answer is told with them, and does not wait for one more', async () => {
  await Promise.all(Array.from({ length: 4 }, () => pool.query('SELECT SLEEP(0.1)')))
  proxy.freeze()
  let begun = 0
  const counting = {
    getConnection: () => {
      begun += 1
      return pool.getConnection()
    },
  } as unknown as CommandPool
  const greeter = new Greeter({ pool: counting })
  const asked = Array.from({ length: 3_000 }, () =>
    greeter.read({ userId: randomUUID(), userType: 'customer' }),
  )
  const answers = await Promise.allSettled(asked)
  expect(answers.filter(({ status }) => status === 'fulfilled')).toEqual([])
  // Four, and four more where those ended a moment early. For everybody it would be fifteen.
  expect(begun).toBeLessThanOrEqual(8)
})
