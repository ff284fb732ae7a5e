import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openApp } from '../support/app.ts'
import { findChromium, openBrowser } from '../support/chromium.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { Service } from '../support/service.ts'

const program = findChromium()
if (program === undefined)
  console.error('\n!!! There is no Chromium here: the suite of the playground did not run.\n')

let database: TestDatabase
let service: Service
let browser: Browser
let url: string

beforeAll(async () => {
  if (program === undefined) return
  database = await testDatabase('playground')
  service = await Service.start(database.address, database.redis, { NODE_ENV: 'development' })
  url = `http://127.0.0.1:${service.port}`
  browser = await openBrowser(program)
})

afterAll(async () => {
  await browser?.close()
  service?.signal('SIGTERM')
  await service?.ended
  await database?.drop()
})

/** The events of the page's table, the oldest first. */
async function events(page: Page): Promise<string[]> {
  const rows = await page.locator('#frames tr').evaluateAll((all) => all.map((row) => row.textContent ?? ''))
  return rows.reverse().map((text) => /^(\d*)([a-z_:]+?)(?=\{)/.exec(text)?.slice(1).join(' ') ?? text)
}

async function seesRow(page: Page, event: string, count: number): Promise<void> {
  await expect.poll(() => page.locator(`tr[data-event="${event}"]`).count(), { timeout: 20_000 }).toBe(count)
}

describe.skipIf(program === undefined)('the playground, in a real browser', () => {
  it('shows a payment captured, and after a reconnection only what was missed', async () => {
    const page = await browser.newPage()
    const problems: string[] = []
    page.on('pageerror', (error) => problems.push(String(error)))
    page.on('console', (message) => message.type() === 'error' && problems.push(message.text()))
    await page.goto(`${url}/playground`)
    await page.click('#connect')
    await seesRow(page, 'ready', 1)
    await page.click('#capture')
    await seesRow(page, 'payment:completed', 1)
    await page.click('#disconnect')
    await expect.poll(() => page.textContent('#state')).not.toBe('open')
    await page.click('#capture')
    await expect.poll(() => captured(), { timeout: 20_000 }).toBe(2)
    await seesRow(page, 'payment:completed', 1)
    await page.click('#connect')
    await seesRow(page, 'payment:completed', 2)
    expect(await events(page)).toEqual([
      ' ready',
      '1 payment:updated',
      '2 payment:completed',
      ' ready',
      '3 payment:updated',
      '4 payment:completed',
    ])
    expect(problems).toEqual([])
    await page.close()
  })

  it('is served to this machine under its own name alone', async () => {
    const strangers = [{ host: 'evil.example' }, { 'x-forwarded-for': '192.0.2.1' }]
    for (const headers of strangers) expect((await fetchRaw('/playground', headers)).status).toBe(404)
    const asked = await fetch(`${url}/playground/token`, {
      method: 'POST',
      body: '{"userId":"a","userType":"driver"}',
    })
    expect(asked.status).toBe(400)
  })

  it('is not there where nobody asked for it', async () => {
    const app = await openApp(database, { realtime: { jwtSecrets: ['a-secret'], allowedOrigins: [] } })
    const paths = ['/playground', '/playground/page.js', '/playground/client/client.ts']
    for (const path of paths) expect((await fetch(app.url + path)).status).toBe(404)
    const asked = await fetch(`${app.url}/playground/token`, { method: 'POST' })
    expect(asked.status).toBe(404)
    await app.stop()
  })
})

/** How many payments are captured, as the database has it. */
async function captured(): Promise<number> {
  const [rows] = await database.pool.query('SELECT id FROM payments WHERE state = ?', ['captured'])
  return (rows as unknown[]).length
}

/** fetch() does not send a Host of one's own. */
async function fetchRaw(
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<{ status: number }> {
  const { request } = await import('node:http')
  return new Promise((resolve, reject) => {
    request(`${url}${path}`, { headers }, (response) => {
      response.resume()
      resolve({ status: response.statusCode ?? 0 })
    })
      .on('error', reject)
      .end()
  })
}
