import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openApp, type TestApp } from './support/app.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { append, feedMessage } from './support/feed.ts'
import { openPublisher, type TestPublisher } from './support/publisher.ts'
import { JWT_SECRET, openSocket } from './support/socket.ts'
import { TcpProxy } from './support/tcp-proxy.ts'

let database: TestDatabase
let proxy: TcpProxy
let app: TestApp
let publisher: TestPublisher

beforeAll(async () => {
  database = await testDatabase('realtime-joining')
  proxy = await TcpProxy.open(database.redis)
  app = await openApp(
    { ...database, redis: { ...database.redis, host: '127.0.0.1', port: proxy.port } },
    // Nobody compares heads, which would find in the end whatever was lost.
    { realtime: { jwtSecrets: [JWT_SECRET], allowedOrigins: [], tempo: { headsMs: 1_000_000 } } },
  )
  publisher = openPublisher(database)
})

afterAll(async () => {
  await app?.stop()
  await proxy?.close()
  publisher?.close()
  await database?.drop()
})

/** Long enough for a greeting that does not wait for Redis, and shorter than one waits for it. */
const SLOW_MS = 300
const POLL_MS = 20

/** Resolves when the app's subscriptions work: whatever they lost before is compared then, and not later. */
async function isListening(): Promise<void> {
  const socket = await openSocket(app.url, 'rider-1')
  const heard = socket.event('promo:new')
  const told = { userId: 'rider-1', event: 'promo:new', data: {} }
  while ((await Promise.race([heard, pause(POLL_MS, null)])) === null) await publisher.publish([told])
  await socket.close()
}

it('a connection listens before it reads: what is told while Redis is slow to subscribe is in what was read', async () => {
  await isListening()
  proxy.freeze()
  const opening = openSocket(app.url, 'rider-2', { since: 0 })
  await Promise.race([opening, pause(SLOW_MS)])
  await publisher.publish(await append(database.pool, feedMessage('rider-2', 1)))
  proxy.thaw()
  const socket = await opening
  await socket.seq(1)
  await publisher.publish(await append(database.pool, feedMessage('rider-2', 2)))
  await socket.seq(2)
  expect(socket.seqs).toEqual([1, 2])
  await socket.close()
})
