import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openPool, type Pool } from '../db/pools.ts'
import { openApp, type TestApp } from './support/app.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { append, feedMessage } from './support/feed.ts'
import { openPublisher, type TestPublisher } from './support/publisher.ts'
import { JWT_SECRET, openSocket, type TestSocket } from './support/socket.ts'

let database: TestDatabase
let app: TestApp
let other: TestApp
let pool: Pool
let publisher: TestPublisher
const open: TestSocket[] = []

beforeAll(async () => {
  database = await testDatabase('realtime')
  const realtime = { jwtSecrets: [JWT_SECRET], allowedOrigins: [] }
  app = await openApp(database, { realtime })
  other = await openApp(database, { realtime })
  pool = openPool(database.address, { connectionLimit: 4, lockWaitSeconds: 5 })
  publisher = openPublisher(database)
})

afterAll(async () => {
  for (const { ws } of open) ws.terminate()
  await Promise.all([app?.stop(), other?.stop()])
  publisher?.close()
  await pool?.end()
  await database?.drop()
})

async function connect(...args: Parameters<typeof openSocket>): Promise<TestSocket> {
  const socket = await openSocket(...args)
  open.push(socket)
  return socket
}

/** Appends and publishes so many messages. */
async function tell(userId: string, count: number): Promise<void> {
  for (let n = 1; n <= count; n += 1) await publisher.publish(await append(pool, feedMessage(userId, n)))
}

describe('a connection', () => {
  it('begins with ready, and goes on with what is told from then on', async () => {
    await tell('rider-1', 2)
    const socket = await connect(app.url, 'rider-1')
    const ready = socket.frames[0]
    expect(ready?.event).toBe('ready')
    expect(ready?.data).toMatchObject({ head: 2, acked: 0, heartbeatMs: 25_000 })
    expect(ready?.data?.snapshot).toMatchObject({ trip: null, offers: [], bids: [], payments: [] })
    await tell('rider-1', 1)
    expect(await socket.seq(3)).toEqual({ event: 'ride:started', seq: 3, data: { n: 1 } })
    expect(socket.seqs).toEqual([3])
  })

  it('goes on after the number that it names, with no gap and nothing twice', async () => {
    await tell('rider-2', 5)
    const socket = await connect(app.url, 'rider-2', { since: 2 })
    await tell('rider-2', 3)
    await socket.seq(8)
    expect(socket.seqs).toEqual([3, 4, 5, 6, 7, 8])
  })

  it('is told on whichever process, and on several at once', async () => {
    const sockets = [await connect(app.url, 'rider-3'), await connect(other.url, 'rider-3')]
    await tell('rider-3', 3)
    for (const socket of sockets) {
      await socket.seq(3)
      expect(socket.seqs).toEqual([1, 2, 3])
    }
  })

  it('gets what Redis lost, in its place', async () => {
    const socket = await connect(app.url, 'rider-4')
    await append(pool, feedMessage('rider-4', 1), feedMessage('rider-4', 2))
    await tell('rider-4', 1)
    await socket.seq(3)
    expect(socket.seqs).toEqual([1, 2, 3])
    // A lost last one shows no gap: only the comparison of heads finds it.
    await append(pool, feedMessage('rider-4', 4))
    await socket.seq(4)
    expect(socket.seqs).toEqual([1, 2, 3, 4])
  })

  it('begins anew where what it asks for is gone, or never was', async () => {
    await tell('rider-5', 3)
    const ahead = await connect(app.url, 'rider-5', { since: 900 })
    expect((await ahead.event('feed:reset')).data).toMatchObject({ head: 3 })
    await tell('rider-5', 1)
    await ahead.seq(4)
    expect(ahead.seqs).toEqual([4])
  })

  it('hears a message that nobody keeps while it is there, and a later one never', async () => {
    const socket = await connect(app.url, 'rider-6')
    const push = { userId: 'rider-6', event: 'lost_item:new', data: { id: 1 } }
    await publisher.publish([
      push,
      { ...push, data: { id: 2 }, expiresAtMs: Date.now() - 1 },
      { ...push, data: { id: 3 } },
    ])
    await socket.until(({ data }) => data?.id === 3)
    expect(socket.frames.slice(1).map(({ data }) => data?.id)).toEqual([1, 3])
  })
})
