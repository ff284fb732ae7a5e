import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openApp, type TestApp } from './support/app.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { HttpFront } from './support/http-front.ts'
import { callsInPhp, phpOrNotice } from './support/php-calls.ts'

const php = phpOrNotice("OncelineClient.php's notifications")

describe.skipIf(php === undefined)('notify() of OncelineClient.php', () => {
  let database: TestDatabase
  let app: TestApp
  let front: HttpFront

  beforeAll(async () => {
    database = await testDatabase('php-notify')
    app = await openApp(database, { working: false })
    front = await HttpFront.open(app.url)
  })

  afterAll(async () => {
    await front?.close()
    await app?.stop()
    await database?.drop()
  })

  async function notify(...args: readonly unknown[]) {
    const target = { url: front.url, apiKey: app.internalKey, options: {} }
    const [outcome] = await callsInPhp(php, [['notify', ...args]], target)
    return outcome
  }

  async function kept(userId: string): Promise<unknown[]> {
    const sql = 'SELECT event, data FROM feed_messages WHERE user_id = ? ORDER BY seq'
    const [rows] = await database.pool.query(sql, [userId])
    return (rows as { event: string; data: string }[]).map(({ event, data }) => [event, JSON.parse(data)])
  }

  it('keeps one message for each user, though the answer was lost', async () => {
    front.play({ kind: 'cut-after' })
    const outcome = await notify(['rider-1', 'rider-2'], 'promo:new', { code: 'عيد', percent: 10 }, true)
    expect(outcome).toEqual({ returned: { event: 'promo:new', durable: true, users: 2 } })
    expect(front.requests.map(({ status }) => status)).toEqual([202, 202])
    for (const user of ['rider-1', 'rider-2'])
      expect(await kept(user)).toEqual([['promo:new', { code: 'عيد', percent: 10 }]])
  })

  it('sends an object also where it has no members, and keeps nothing that is not durable', async () => {
    expect(await notify(['rider-3'], 'promo:over', [])).toEqual({
      returned: { event: 'promo:over', durable: false, users: 1 },
    })
    expect(await kept('rider-3')).toEqual([])
  })

  it('throws what Onceline alone may say', async () => {
    const outcome = await notify(['rider-4'], 'payment:completed', {})
    expect(outcome?.thrown).toMatchObject({ problemCode: 'invalid_request', status: 400 })
    expect(outcome?.thrown?.errors).toMatchObject([{ field: 'event' }])
  })
})
