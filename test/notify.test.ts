import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { RowDataPacket } from '../db/rows.ts'
import { NOTIFICATION_LIMITS } from '../src/laravel/notification.ts'
import { NOTIFIED } from '../src/laravel/notify-schemas.ts'
import { openApp, type TestApp } from './support/app.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { feedOf } from './support/feed.ts'
import { type Listener, listenFor } from './support/listeners.ts'
import { openOwnRedis } from './support/own-redis.ts'

let database: TestDatabase
let app: TestApp
let listener: Listener | null = null

beforeAll(async () => {
  database = await testDatabase('notify')
  app = await openApp(database)
})
afterEach(() => {
  listener?.close()
  listener = null
})
afterAll(async () => {
  await app?.stop()
  await database?.drop()
})

async function notify(body: unknown, key: string | null = randomUUID(), at = app) {
  const response = await fetch(`${at.url}/internal/notify`, {
    method: 'POST',
    headers: {
      'x-api-key': at.internalKey,
      'content-type': 'application/json',
      ...(key === null ? {} : { 'idempotency-key': key }),
    },
    body: JSON.stringify(body),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, json: JSON.parse(text) }
}

const told = (userIds: readonly string[], more: Readonly<Record<string, unknown>> = {}) => ({
  userIds,
  event: 'promo:new',
  data: { n: 7 },
  ...more,
})

describe('POST /internal/notify', () => {
  it('durable: keeps the message in every feed and tells each user once, with its number', async () => {
    const users = [randomUUID(), randomUUID()] as const
    listener = await listenFor(database, users)
    const { status, json } = await notify(told(users, { durable: true }))
    expect(status).toBe(202)
    expect(NOTIFIED.strict().parse(json)).toEqual({ event: 'promo:new', durable: true, users: 2 })
    for (const userId of users) {
      expect(await feedOf(database.pool, userId)).toEqual([[1, 7]])
      await expect
        .poll(() => listener?.heard(userId))
        .toEqual([{ event: 'promo:new', seq: 1, data: { n: 7 } }])
    }
  })

  it('not durable: tells who listens, and keeps nothing', async () => {
    const userId = randomUUID()
    listener = await listenFor(database, [userId])
    const { status, json } = await notify(told([userId]))
    expect([status, json]).toEqual([202, { event: 'promo:new', durable: false, users: 1 }])
    await expect.poll(() => listener?.heard(userId)).toEqual([{ event: 'promo:new', data: { n: 7 } }])
    expect(await feedOf(database.pool, userId)).toEqual([])
  })

  it.each([true, false])('durable %s: takes effect once per key, however often it comes', async (durable) => {
    const userId = randomUUID()
    listener = await listenFor(database, [userId])
    const key = randomUUID()
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => notify(told([userId], { durable }), key)),
    )
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1)
    expect(answers.filter(({ headers }) => headers.has('idempotent-replayed'))).toHaveLength(7)
    const other = await notify(told([userId], { durable, data: { n: 8 } }), key)
    expect([other.status, other.json.code]).toEqual([422, 'idempotency_mismatch'])
    // What comes after it on the same channel shows that no second one was on its way.
    await notify(told([userId], { event: 'promo:last' }))
    await expect.poll(() => listener?.heard(userId).map(({ event }) => event)).toContain('promo:last')
    expect(listener.heard(userId).map(({ event }) => event)).toEqual(['promo:new', 'promo:last'])
  })

  it('takes a thousand users', async () => {
    const users = Array.from({ length: NOTIFICATION_LIMITS.users }, () => randomUUID())
    const data = { n: 1, text: 'x'.repeat(NOTIFICATION_LIMITS.dataBytes - 19) }
    expect((await notify(told(users, { durable: true, data }))).json).toMatchObject({ users: 1_000 })
    const [[row]] = await database.pool.query<RowDataPacket[]>(
      'SELECT COUNT(*) AS count FROM feed_messages WHERE user_id IN (?)',
      [users],
    )
    expect(Number(row?.count)).toBe(1_000)
  })

  it.each([
    ['no user', { userIds: [] }, 'userIds'],
    ['a user twice', { userIds: ['u', 'u'] }, 'userIds'],
    ['too many users', { userIds: Array.from({ length: 1_001 }, (_, n) => `u${n}`) }, 'userIds'],
    ['what is no id', { userIds: ['u', 'a b'] }, 'userIds.1'],
    ['too much data', { data: { text: 'x'.repeat(NOTIFICATION_LIMITS.dataBytes) } }, 'data'],
    ['data that is no object', { data: [1] }, 'data'],
    ['an unknown field', { loud: true }, 'loud'],
    ['a name of no form', { event: 'Promo New' }, 'event'],
    ['a name that is too long', { event: 'a'.repeat(65) }, 'event'],
    ['what only Onceline says of money', { event: 'payment:completed' }, 'event'],
    ['what only Onceline says of trips', { event: 'ride:completed' }, 'event'],
    ['an offer', { event: 'bid:new' }, 'event'],
    ['a position', { event: 'driver:location:update' }, 'event'],
    ['a word of the protocol', { event: 'ready' }, 'event'],
    ['a frame of the feed', { event: 'feed:reset' }, 'event'],
  ])('refuses %s, and the key stays free', async (_, more, field) => {
    const key = randomUUID()
    const { status, json } = await notify(told(['u'], more), key)
    expect([status, json.code, json.errors?.[0]?.field]).toEqual([400, 'invalid_request', field])
    expect((await notify(told([randomUUID()]), key)).status).toBe(202)
  })

  it.each(['paymentish:new', 'lost_item:updated', 'safety_alert:new', 'rides:weekly'])(
    'lets %s pass',
    async (event) => {
      expect((await notify(told([randomUUID()], { event }))).status).toBe(202)
    },
  )

  it('needs a key', async () => {
    expect((await notify(told(['u']), null)).json.code).toBe('idempotency_key_missing')
  })

  it('is answered while Redis is away, and loses nothing that is durable', async () => {
    const redis = await openOwnRedis('notify')
    const alone = await openApp({ ...database, redis: redis.address }, { working: false })
    try {
      await redis.kill()
      const userId = randomUUID()
      expect((await notify(told([userId], { durable: true }), randomUUID(), alone)).status).toBe(202)
      expect((await notify(told([userId]), randomUUID(), alone)).status).toBe(202)
      expect(await feedOf(database.pool, userId)).toEqual([[1, 7]])
    } finally {
      await alone.stop()
      await redis.remove()
    }
  })
})
