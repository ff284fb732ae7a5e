import { afterAll, beforeAll, describe, expect, it } from 'vitest'
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
  database = await testDatabase('realtime-repair')
  proxy = await TcpProxy.open(database.address)
  const address = { ...database.address, host: '127.0.0.1', port: proxy.port }
  // Nobody compares heads, which would begin another reading.
  const realtime = { jwtSecrets: [JWT_SECRET], allowedOrigins: [], tempo: { headsMs: 1_000_000 } }
  app = await openApp({ ...database, address }, { realtime })
  publisher = openPublisher(database)
})

afterAll(async () => {
  await app?.stop()
  await proxy?.close()
  publisher?.close()
  await database?.drop()
})

/** Lets a live socket miss the next message, so that it reads from MySQL. */
async function tellWithGap(userId: string, missed: number): Promise<void> {
  await append(database.pool, feedMessage(userId, missed))
  await publisher.publish(await append(database.pool, feedMessage(userId, missed + 1)))
}

describe('a socket that reads what it lacks', () => {
  it('reads on when the database is back', async () => {
    const socket = await openSocket(app.url, 'rider-1')
    await proxy.refuse()
    await tellWithGap('rider-1', 1)
    await expect.poll(() => app.lines.join(), { timeout: 10_000 }).toContain('a feed could not be read')
    await proxy.accept()
    await socket.seq(2)
    expect(socket.seqs).toEqual([1, 2])
    await socket.close()
  })

  it('sends nothing that was asked for before its client set the cursor', async () => {
    await append(database.pool, ...Array.from({ length: 5 }, (_, n) => feedMessage('rider-2', n + 1)))
    const socket = await openSocket(app.url, 'rider-2')
    const asked = proxy.freezeAt('FROM feed_heads AS h LEFT JOIN')
    await tellWithGap('rider-2', 6)
    await asked
    expect(await socket.ask('c1', 'feed:resume', { since: 0 })).toMatchObject({ ok: true })
    proxy.thaw()
    await socket.seq(7)
    expect(socket.seqs).toEqual([1, 2, 3, 4, 5, 6, 7])
    await socket.close()
  })
})
