import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openApp, type TestApp } from './support/app.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { append, feedMessage } from './support/feed.ts'
import { JWT_SECRET, openSocket, refusedUpgrade, socketUrl } from './support/socket.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await testDatabase('realtime-drain')
})

afterAll(() => database?.drop())

function start(): Promise<TestApp> {
  return openApp(database, { realtime: { jwtSecrets: [JWT_SECRET], allowedOrigins: [] } })
}

describe('a process that leaves', () => {
  it('closes every socket with 1012 and a moment at which to come back, each its own', async () => {
    const app = await start()
    const sockets = await Promise.all(Array.from({ length: 20 }, (_, n) => openSocket(app.url, `rider-${n}`)))
    await app.stop()
    const ends = await Promise.all(sockets.map(({ over }) => over))
    expect(ends.map(({ code }) => code)).toEqual(ends.map(() => 1012))
    const moments = ends.map(({ reason }) => JSON.parse(reason).retryAfterMs as number)
    expect(new Set(moments).size).toBeGreaterThan(10)
    for (const moment of moments) {
      expect(moment).toBeGreaterThanOrEqual(0)
      expect(moment).toBeLessThanOrEqual(5_000)
    }
  })

  it('loses nothing: what was told before and after is there on the next process', async () => {
    const [first, second] = [await start(), await start()]
    const socket = await openSocket(first.url, 'rider-a')
    await append(database.pool, feedMessage('rider-a', 1))
    const stopped = first.stop()
    await append(database.pool, feedMessage('rider-a', 2))
    await socket.over
    const again = await openSocket(second.url, 'rider-a', { since: socket.seqs.at(-1) ?? 0 })
    await again.seq(2)
    expect([...socket.seqs, ...again.seqs]).toEqual([1, 2])
    await Promise.all([stopped, again.close()])
    await second.stop()
  })

  it('does not wait for a client that never answers its close', async () => {
    const app = await start()
    const socket = await openSocket(app.url, 'rider-b')
    socket.ws.pause()
    const startedMs = performance.now()
    await app.stop()
    expect(performance.now() - startedMs).toBeLessThan(10_000)
    socket.ws.terminate()
  })

  it('lets nobody in meanwhile', async () => {
    const app = await start()
    const holding = await openSocket(app.url, 'rider-c')
    holding.ws.pause()
    // A connection that is there already, as a proxy keeps it: new ones are not accepted any more.
    const stopped = app.stop()
    const late = await refusedUpgrade(socketUrl(app.url, 'rider-d')).catch((error: unknown) => error)
    if (late instanceof Error) expect(late.message).toMatch(/ECONNREFUSED|ECONNRESET|hang up/)
    else expect(late).toMatchObject({ status: 503, body: { code: 'overloaded' } })
    await stopped
    holding.ws.terminate()
  })
})
