import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RowDataPacket } from '../../db/rows.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { JWT_SECRET, openSocket, type TestSocket } from '../support/socket.ts'
import { ServerNode } from './server-node.ts'

/** As in production, but for the grace: nobody waits half a minute here. */
const GRACE_MS = 4_000
const PROMISE_MS = 7_000
const DRIVERS = 40
const POLL_MS = 50
const TIMEOUT_MS = 60_000

let database: TestDatabase
const nodes: ServerNode[] = []
const sockets: TestSocket[] = []

beforeAll(async () => {
  database = await testDatabase('presence-kill')
  const realtime = {
    jwtSecrets: [JWT_SECRET],
    allowedOrigins: [],
    tempo: { presence: { graceMs: GRACE_MS } },
  }
  for (let index = 0; index < 2; index += 1) nodes.push(new ServerNode())
  const order = { database: database.address, redis: database.redis, secrets: {}, realtime }
  await Promise.all(nodes.map((node) => node.start(order)))
})

afterAll(async () => {
  for (const { ws } of sockets) ws.terminate()
  await Promise.all(nodes.map((node) => node.kill()))
  await database?.drop()
})

interface Seen {
  readonly state: string
  readonly fence: number
  /** On the database's clock, as everything here. */
  readonly changedAtMs: number
}

/** How every driver's session stands, and the moment. */
async function look(): Promise<{ nowMs: number; sessions: Map<string, Seen> }> {
  const [rows] = await database.pool.query<RowDataPacket[]>(
    'SELECT user_id, state, fence, changed_at, UTC_TIMESTAMP(3) AS now FROM driver_sessions',
  )
  const sessions = new Map(
    rows.map((row) => [
      row.user_id as string,
      { state: row.state, fence: Number(row.fence), changedAtMs: row.changed_at.getTime() },
    ]),
  )
  return { nowMs: rows[0]?.now.getTime() ?? 0, sessions }
}

async function connect(node: ServerNode | undefined, userId: string): Promise<void> {
  sockets.push(await openSocket(`http://127.0.0.1:${node?.port}`, userId, { userType: 'driver' }))
}

/** The state of each of these drivers, every time that one looks, until all are as wanted. */
async function until(
  userIds: readonly string[],
  wanted: string,
  watch: (sessions: ReadonlyMap<string, Seen>) => void,
): Promise<ReadonlyMap<string, Seen>> {
  for (;;) {
    const { sessions } = await look()
    watch(sessions)
    if (userIds.every((userId) => sessions.get(userId)?.state === wanted)) return sessions
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

describe('a process that is killed', () => {
  it('leaves its drivers disconnected within seven seconds and offline after the grace, and nobody who came back', {
    timeout: TIMEOUT_MS,
  }, async () => {
    const [first, second] = nodes
    const names = (kind: string) => Array.from({ length: DRIVERS }, (_, index) => `${kind}-${index}`)
    const [gone, back, elsewhere] = [names('gone'), names('back'), names('elsewhere')]
    await Promise.all([...gone, ...back].map((userId) => connect(first, userId)))
    await Promise.all(elsewhere.map((userId) => connect(second, userId)))
    const { nowMs: killedAtMs, sessions: before } = await look()
    expect([...before.values()].map(({ state }) => state)).toEqual([...before].map(() => 'connected'))
    await first?.kill()
    await Promise.all(back.map((userId) => connect(second, userId)))

    const stay = [...back, ...elsewhere]
    const watch = (sessions: ReadonlyMap<string, Seen>): void => {
      for (const userId of stay) expect(sessions.get(userId)?.state, userId).toBe('connected')
    }
    const disconnected = await until(gone, 'disconnected', watch)
    const offline = await until(gone, 'offline', watch)
    for (const userId of gone) {
      const sinceMs = disconnected.get(userId)?.changedAtMs ?? Number.POSITIVE_INFINITY
      expect(sinceMs - killedAtMs, userId).toBeLessThanOrEqual(PROMISE_MS)
      expect((offline.get(userId)?.changedAtMs ?? 0) - sinceMs, userId).toBeGreaterThanOrEqual(GRACE_MS)
    }
    // Nothing was said of those who stayed since they came.
    for (const userId of elsewhere) expect(offline.get(userId)).toEqual(before.get(userId))
    for (const userId of back) expect(offline.get(userId)?.fence).toBe((before.get(userId)?.fence ?? 0) + 1)
  })
})
