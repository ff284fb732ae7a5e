import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Push } from '../src/feed/envelope.ts'
import { openApp, type TestApp } from './support/app.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { append } from './support/feed.ts'
import { openPublisher, type TestPublisher } from './support/publisher.ts'
import { JWT_SECRET, openSocket, type TestSocket } from './support/socket.ts'

let database: TestDatabase
let app: TestApp
let publisher: TestPublisher

beforeAll(async () => {
  database = await testDatabase('realtime-slow')
  app = await openApp(database, { realtime: { jwtSecrets: [JWT_SECRET], allowedOrigins: [] } })
  publisher = openPublisher(database)
})

afterAll(async () => {
  await app?.stop()
  publisher?.close()
  await database?.drop()
})

const FILLING = 'x'.repeat(7_000)

/** Some hundred kilobytes of this kind; far more than the kernel and Node take must be told until a socket is full. */
function many(kind: 'ephemeral' | 'latest', userId: string, from: number): Push[] {
  return Array.from({ length: 50 }, (_, index) => {
    const push = { userId, event: 'driver:location:update', data: { n: from + index, filling: FILLING } }
    return kind === 'latest' ? { ...push, latestOf: 'driver-1' } : push
  })
}

async function droppedOf(kind: string): Promise<number> {
  const [line] = await app.metrics(`onceline_realtime_messages_dropped_total{class="${kind}"}`)
  return Number(line?.split(' ').at(-1) ?? 0)
}

/** Tells until the socket's queue gives something up. */
async function fill(kind: 'ephemeral' | 'latest', userId: string): Promise<number> {
  const before = await droppedOf(kind)
  for (let told = 0; ; told += 50) {
    await publisher.publish(many(kind, userId, told))
    if ((await droppedOf(kind)) > before + 100) return told + 49
  }
}

async function stalled(userId: string, userType: 'customer' | 'driver' = 'customer'): Promise<TestSocket> {
  const socket = await openSocket(app.url, userId, { userType })
  socket.ws.pause()
  return socket
}

describe('a socket that does not read', () => {
  it('gets of each driver the newest position alone when it reads again', async () => {
    const socket = await stalled('rider-1')
    const last = await fill('latest', 'rider-1')
    socket.ws.resume()
    await socket.until(({ data }) => data?.n === last)
    const numbers = socket.frames.flatMap(({ data }) => (typeof data?.n === 'number' ? [data.n] : []))
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
    expect(numbers.length).toBeLessThan(last)
    await socket.close()
  })

  it('loses what nobody keeps, and nothing of its feed', async () => {
    const socket = await stalled('rider-2')
    const last = await fill('ephemeral', 'rider-2')
    await publisher.publish(
      await append(database.pool, { userId: 'rider-2', event: 'payment:completed', data: {} }),
    )
    socket.ws.resume()
    await socket.seq(1)
    expect(socket.frames.length).toBeLessThan(last)
    await socket.close()
  })

  it('gets what waits for it before it is closed', async () => {
    const socket = await stalled('driver-1', 'driver')
    await fill('ephemeral', 'driver-1')
    const name = 'onceline_realtime_receipt_to_socket_seconds_count'
    const written = async () => Number((await app.metrics(name))[0]?.split(' ').at(-1))
    const before = await written()
    const message = { userId: 'driver-1', event: 'lost_item:new', data: { filling: FILLING } }
    const messages = Array.from({ length: 10 }, () => message)
    await publisher.publish(await append(database.pool, ...messages))
    await expect.poll(written).toBe(before + 10)
    const newer = await openSocket(app.url, 'driver-1', { userType: 'driver' })
    socket.ws.resume()
    expect((await socket.over).code).toBe(4409)
    expect(socket.seqs).toEqual(messages.map((_, index) => index + 1))
    await newer.close()
  })

  it('is closed with 4408 where its feed has no room, and misses nothing afterwards', async () => {
    const socket = await stalled('rider-3')
    await fill('ephemeral', 'rider-3')
    const messages = Array.from({ length: 100 }, (_, n) => ({
      userId: 'rider-3',
      event: 'lost_item:new',
      data: { n, filling: FILLING },
    }))
    await publisher.publish(await append(database.pool, ...messages))
    await expect
      .poll(() => app.metrics('onceline_realtime_slow_sockets_total'), { timeout: 20_000 })
      .toContain('onceline_realtime_slow_sockets_total 1')
    socket.ws.resume()
    // The close frame waits behind megabytes: whoever does not read them in time is cut.
    expect([4408, 1006]).toContain((await socket.over).code)
    const since = socket.seqs.at(-1) ?? 0
    const again = await openSocket(app.url, 'rider-3', { since })
    await again.seq(100)
    expect([...socket.seqs, ...again.seqs]).toEqual(Array.from({ length: 100 }, (_, index) => index + 1))
    await again.close()
  })
})
