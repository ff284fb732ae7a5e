import { createHash, createHmac } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RowDataPacket } from '../db/rows.ts'
import { openApp, type TestApp } from './support/app.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'

describe('gateways with wishes of their own, at the whole service', () => {
  let database: TestDatabase
  let app: TestApp

  beforeAll(async () => {
    database = await testDatabase('gateway-wishes')
    app = await openApp(database, { working: false })
  })
  afterAll(async () => {
    await app?.stop()
    await database?.drop()
  })

  it('Adyen reads [accepted]', async () => {
    const { path, headers, body } = app.delivery('adyen', { merchantRef: 'trip-of-adyen', currency: 'EUR' })
    const response = await fetch(app.url + path, { method: 'POST', headers, body: new Uint8Array(body) })
    expect([response.status, await response.text()]).toEqual([200, '[accepted]'])
    expect(response.headers.get('x-onceline-event-ids')).toMatch(/^[0-9a-f-]{36}$/)
  })

  it('GoCardless reads 498 for a wrong signature', async () => {
    const delivery = app.delivery('gocardless', {
      merchantRef: 'trip-of-gocardless',
      currency: 'GBP',
      kind: 'failed',
    })
    const forged = { ...delivery, headers: { ...delivery.headers, 'webhook-signature': '0'.repeat(64) } }
    expect(await app.post(forged)).toMatchObject({ status: 498, body: { code: 'signature_invalid' } })
    expect(await app.post(delivery)).toMatchObject({ status: 200 })
  })

  it('GoCardless sends 250 events at once: all are taken, the first with all that came, the others with their own part', async () => {
    const { path, body, headers } = app.delivery('gocardless', { merchantRef: 'many', currency: 'GBP' })
    const { events } = JSON.parse(body.toString())
    const metadata = { note: 'x'.repeat(1_000) }
    const many = Array.from({ length: 250 }, (_, index) => ({
      ...events[0],
      id: `EV-many-${index}`,
      metadata,
    }))
    const whole = Buffer.from(JSON.stringify({ events: many, meta: { webhook_id: 'WB1' } }))
    const signature = createHmac('sha256', app.secrets.gocardless ?? '')
      .update(whole)
      .digest('hex')
    const response = await fetch(app.url + path, {
      method: 'POST',
      headers: { ...headers, 'webhook-signature': signature },
      body: new Uint8Array(whole),
    })
    expect([response.status, await response.json()]).toMatchObject([200, { verdict: 'stored' }])
    const [rows] = await database.pool.query<RowDataPacket[]>(
      "SELECT event_id, body FROM webhook_events WHERE event_id LIKE 'EV-many-%' LIMIT 300",
    )
    expect(rows).toHaveLength(250)
    for (const { event_id, body: kept } of rows) {
      const index = Number(event_id.slice('EV-many-'.length))
      if (index === 0) expect(whole.equals(kept)).toBe(true)
      else expect(JSON.parse(kept)).toEqual({ events: [many[index]], meta: { webhook_id: 'WB1' } })
    }
  })

  it('Braintree asks for a signature of its challenge, and for nothing that could be of use elsewhere', async () => {
    const [publicKey = '', privateKey = ''] = app.secrets.braintree?.split(':') ?? []
    const challenge = '20f9f8ed05f77439fe955c977e4c8a53'
    const key = createHash('sha1').update(privateKey).digest()
    const answer = `${publicKey}|${createHmac('sha1', key).update(challenge).digest('hex')}`
    const ask = (query: string) => fetch(`${app.url}/webhooks/braintree?bt_challenge=${query}`)
    const response = await ask(challenge)
    expect([response.status, await response.text()]).toEqual([200, answer])
    expect((await ask('kind%3Dcheck')).status).toBe(400)
    expect((await fetch(`${app.url}/webhooks/stripe?bt_challenge=${challenge}`)).status).toBe(405)
  })
})
