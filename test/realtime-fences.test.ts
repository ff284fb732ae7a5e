import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { openApp, type TestApp } from './support/app.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { append, feedMessage } from './support/feed.ts'
import { type OwnRedis, openOwnRedis } from './support/own-redis.ts'
import { JWT_SECRET, openSocket, socketUrl, TestSocket } from './support/socket.ts'

let database: TestDatabase
let redis: OwnRedis
/** Two processes that ask the table, and two that never do: they have only Redis' word. */
let asking: TestApp[]
let told: TestApp[]
let apps: TestApp[]
const open: TestSocket[] = []
const NEVER_MS = 3_600_000

beforeAll(async () => {
  redis = await openOwnRedis('realtime-fences')
  database = await testDatabase('realtime-fences')
  asking = [await start(), await start()]
  told = [await start(NEVER_MS), await start(NEVER_MS)]
})

afterEach(() => {
  for (const { ws } of open.splice(0)) ws.terminate()
})

afterAll(async () => {
  await Promise.all([...(asking ?? []), ...(told ?? [])].map((app) => app.stop()))
  await redis?.remove()
  await database?.drop()
})

function start(checkMs?: number): Promise<TestApp> {
  const presence = checkMs === undefined ? {} : { checkMs }
  const realtime = { jwtSecrets: [JWT_SECRET], allowedOrigins: [], tempo: { presence } }
  return openApp({ address: database.address, redis: redis.address }, { realtime })
}

/** A driver's socket on the first or the second process. */
async function driver(userId: string, process: 0 | 1): Promise<TestSocket> {
  const socket = await openSocket(apps[process]?.url ?? '', userId, { userType: 'driver' })
  open.push(socket)
  return socket
}

/** Ten connections of one driver, now here and now there; each but the last is closed by the one after it. */
async function takesOver(userId: string): Promise<void> {
  const sockets: TestSocket[] = []
  for (let n = 0; n < 10; n += 1) {
    const socket = await driver(userId, n % 2 === 0 ? 0 : 1)
    expect((await sockets.at(-1)?.over)?.code ?? 4409).toBe(4409)
    sockets.push(socket)
  }
  const last = sockets.at(-1)
  await append(database.pool, feedMessage(userId, 1))
  await last?.seq(1)
  expect(sockets.slice(0, -1).flatMap(({ seqs }) => seqs)).toEqual([])
}

/** Six that open at the same time, here and there: each but one is closed, some before they are greeted. */
async function allAtOnce(userId: string): Promise<void> {
  const sockets = [0, 1, 0, 1, 0, 1].map((process) => {
    const address = socketUrl(apps[process]?.url ?? '', userId, { userType: 'driver' })
    return new TestSocket(new WebSocket(address))
  })
  open.push(...sockets)
  let left = sockets
  while (left.length > 1) {
    const first = await Promise.race(left.map((one) => one.over.then(({ code }) => ({ one, code }))))
    expect(first.code).toBe(4409)
    left = left.filter((one) => one !== first.one)
  }
  const [last] = left
  await last?.event('ready')
  await append(database.pool, feedMessage(userId, 1))
  await last?.seq(1)
}

describe('the newest connection of a driver, on whichever process, closes the one before it', () => {
  it('with Redis, as soon as it is told', async () => {
    apps = told
    await takesOver('driver-1')
    await allAtOnce('driver-2')
  })

  it('not those of riders, nor of another driver', async () => {
    apps = told
    const other = await driver('driver-4', 0)
    const rider = await openSocket(apps[0]?.url ?? '', 'driver-3')
    open.push(rider)
    const first = await driver('driver-3', 0)
    await driver('driver-3', 1)
    expect((await first.over).code).toBe(4409)
    rider.send({ id: '1', event: 'ping' })
    other.send({ id: '1', event: 'ping' })
    await Promise.all([rider.event('pong'), other.event('pong')])
  })

  it('without Redis, within seconds', async () => {
    apps = asking
    await redis.kill()
    await takesOver('driver-5')
    await allAtOnce('driver-6')
    await redis.revive()
  }, 90_000)

  it('with Redis again, and those that were there meanwhile', async () => {
    apps = asking
    await redis.kill()
    const before = await driver('driver-7', 0)
    await redis.revive()
    await driver('driver-7', 1)
    expect((await before.over).code).toBe(4409)
    await takesOver('driver-8')
  }, 90_000)
})
