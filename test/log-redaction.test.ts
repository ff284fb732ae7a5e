import { generateKeyPairSync } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { adapters } from '../src/webhooks/gateways/registry.ts'
import {
  buildDelivery,
  newSecret,
  type SampleDelivery,
  samples,
} from '../src/webhooks/gateways/samples/samples.ts'
import { openApp, type TestApp } from './support/app.ts'
import { countOf } from './support/books.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { signingWith } from './support/gateway-accounts.ts'
import { RawConnection } from './support/raw-http.ts'
import {
  beginningsOf,
  expectNoneOf,
  expectPayment,
  openersOf,
  saidBy,
  signaturesOf,
  specOf,
} from './support/redaction.ts'
import { contentOf, withMore } from './support/signed-content.ts'
import { askForTicket, signToken } from './support/tokens.ts'

const CARD = '4111111111111111'
const MARKER = 'MARKER-rider-phone-01001234567'

const GATEWAYS = [...adapters.keys()]
const HAVE_SECRETS = GATEWAYS.filter((gateway) => adapters.get(gateway)?.secretForm !== 'none')

let database: TestDatabase

beforeAll(async () => {
  database = await testDatabase('log-redaction')
})
afterAll(async () => {
  await database?.drop()
})

/** As its gateway signs it, with a card number and a text that must not be seen again. */
function withPersonalData(app: TestApp, gateway: string, operationRef: string): SampleDelivery {
  const secret = app.secrets[gateway] ?? ''
  const spec = { ...specOf(gateway, operationRef), nowMs: Date.now(), ...signingWith(gateway, secret) }
  const built = buildDelivery(gateway, spec)
  const body = withMore(contentOf(gateway, built, secret), { card: CARD, number: Number(CARD), note: MARKER })
  const signed = samples.get(gateway)?.sign(body, spec) ?? expect.fail('its gateway could not sign that')
  const path = `/webhooks/${gateway}${signed.query ? `?${signed.query}` : ''}`
  return {
    path,
    query: signed.query ?? '',
    headers: { ...built.headers, ...signed.headers },
    body: signed.body,
  }
}

class Sender {
  readonly signatures: string[] = []
  readonly answers: string[] = []
  readonly #app: TestApp

  constructor(app: TestApp) {
    this.#app = app
  }

  async send(gateway: string, delivery: SampleDelivery, more: Record<string, string> = {}): Promise<number> {
    this.signatures.push(...signaturesOf(gateway, delivery))
    const headers = {
      ...delivery.headers,
      'x-api-key': this.#app.internalKey,
      cookie: `s=${MARKER}`,
      ...more,
    }
    const body = new Uint8Array(delivery.body)
    const response = await fetch(this.#app.url + delivery.path, { method: 'POST', body, headers })
    // Whoever names his request reads that name again, and nobody else does.
    this.answers.push((await response.text()).replace(/"requestId":"[^"]*"/, ''))
    return response.status
  }
}

it('no secret, signature, key, card number or text of a body is in any line, answer, metric or stored error', async () => {
  const app = await openApp(database, { logLevel: 'trace', maxAttempts: 1 })
  const sender = new Sender(app)
  for (const gateway of GATEWAYS) await sendAllThatMayLeak(app, sender, gateway)
  await breakThings(app)
  const said = await saidBy(app, database.pool)
  await app.stop()

  for (const line of ['webhook acknowledged', 'webhook refused', 'event is dead'])
    expect(said).toContain(line)
  expect(said.split('webhook refused').length).toBeGreaterThan(GATEWAYS.length * 4)
  const openers = HAVE_SECRETS.flatMap((gateway) => openersOf(app.secrets[gateway]))
  expect(openers.length).toBeGreaterThan(HAVE_SECRETS.length)
  expect(sender.signatures.length).toBeGreaterThan(GATEWAYS.length * 5)
  const others = [app.internalKey, database.address.password, CARD, MARKER, ...sender.signatures]
  expectNoneOf([...openers, ...beginningsOf(openers), ...others], said)
  expectNoneOf([...openers, ...beginningsOf(openers), ...others], sender.answers.join('\n'))
})

async function sendAllThatMayLeak(app: TestApp, sender: Sender, gateway: string): Promise<void> {
  await expectPayment(database.pool, gateway)
  const genuine = app.delivery(gateway, specOf(gateway, '1000001'))
  expect([gateway, await sender.send(gateway, withPersonalData(app, gateway, '1000002'))]).toEqual([
    gateway,
    200,
  ])
  expect(await sender.send(gateway, genuine)).toBe(200)
  const forged = buildDelivery(gateway, {
    ...specOf(gateway, CARD),
    nowMs: Date.now(),
    ...forgersOwn(gateway),
  })
  const refusal = adapters.get(gateway)?.refusalStatus ?? 401
  expect([gateway, await sender.send(gateway, forged)]).toEqual([gateway, refusal])
  const changed = { ...genuine, body: Buffer.concat([genuine.body, Buffer.from(MARKER)]) }
  expect(await sender.send(gateway, changed)).toBeLessThan(499)
  for (const opener of openersOf(app.secrets[gateway])) await misplace(sender, gateway, genuine, opener)
}

/** What somebody may put into a URL or a header by mistake. */
async function misplace(
  sender: Sender,
  gateway: string,
  genuine: SampleDelivery,
  opener: string,
): Promise<void> {
  const inUrl = encodeURIComponent(opener)
  for (const path of [inUrl, `${inUrl}-and-more`, `${gateway}/${inUrl}`, `${gateway}/${inUrl}${inUrl}`, CARD])
    expect(await sender.send(gateway, { ...genuine, path: `/webhooks/${path}` })).toBe(404)
  await sender.send(gateway, { ...genuine, path: `/webhooks/${gateway}?secret=${inUrl}&hmac=${inUrl}` })
  for (const name of Object.keys(genuine.headers)) await sender.send(gateway, genuine, { [name]: opener })
  await sender.send(gateway, genuine, { 'x-request-id': opener.slice(0, 64) })
}

const FORGERS_KEY = generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey

/** Another's secret, or another's key. */
function forgersOwn(gateway: string) {
  return { ...signingWith(gateway, newSecret(gateway)), privateKey: FORGERS_KEY }
}

/** Events whose failure quotes their row, a body that breaks off, a host that is none. */
async function breakThings(app: TestApp): Promise<void> {
  await database.pool.query(
    `UPDATE webhook_events SET state = 'received', fact_kind = 'nonsense', merchant_ref = CONCAT('trip-', gateway),
       may_settle = 1, hold = NULL, next_at = UTC_TIMESTAMP(3)`,
  )
  const deaths = () => app.lines.filter((line) => line.includes('event is dead')).length
  await expect.poll(deaths, { timeout: 20_000 }).toBe(await countOf(database.pool, 'webhook_events'))
  const connection = await RawConnection.open(app.port)
  connection.send(`POST /webhooks/stripe HTTP/1.1\r\nhost: a\r\ncontent-length: 99\r\n\r\n${MARKER}`)
  connection.end()
}

it('no token, no ticket and no secret of theirs is in any line, wherever it was sent', async () => {
  const secret = 'c0ffee-jwt-5ecret-of-32-characters-or-more'
  const realtime = { jwtSecrets: [secret], allowedOrigins: [] }
  const app = await openApp(database, { logLevel: 'trace', working: false, realtime })
  const tokens = [
    signToken({ secret }),
    signToken({ secret: MARKER }),
    signToken({ secret, claims: { exp: 1 } }),
  ]
  const ask = (path: string, headers: Record<string, string> = {}) =>
    fetch(app.url + path, { method: 'POST', headers })
  const tickets: string[] = []
  for (const token of tokens) {
    const answer = await askForTicket(app.url, { authorization: `Bearer ${token}` })
    const { ticket } = (await answer.json()) as { ticket?: string }
    if (ticket !== undefined) tickets.push(ticket)
    await ask('/realtime/tickets', { authorization: token })
    await ask('/realtime/tickets', { authorization: `Bearer ${token}`, origin: `https://${token}.example` })
    await ask(`/realtime/tickets?token=${token}`, { 'sec-websocket-protocol': `bearer.${token}` })
    await ask(`/?token=${token}`, { 'x-request-id': token.slice(0, 64) })
    await ask(`/realtime/${token}`)
  }
  await ask(`/?ticket=${tickets[0]}`)
  await app.stop()
  const text = app.lines.join('')
  expect(app.lines.filter((line) => line.includes('a ticket was refused')).length).toBeGreaterThan(8)
  expect(tickets).toHaveLength(1)
  const parts = tokens.flatMap((token) => token.split('.').slice(1))
  for (const each of [secret, MARKER, ...tokens, ...parts, ...tickets])
    expect(text.includes(each), each).toBe(false)
})

it('a thousand forgeries write a sample of lines that says how many are missing', async () => {
  const app = await openApp(database, { working: false })
  const forged = buildDelivery('kashier', {
    kind: 'captured',
    merchantRef: 'trip-1',
    operationRef: 'TX-1',
    amountMinor: 1n,
    currency: 'EGP',
    nowMs: 0,
    secret: 'a forger has no secret',
  })
  const startedMs = performance.now()
  let refused = 0
  const forger = async (): Promise<void> => {
    for (let count = 0; count < 50; count += 1) if ((await app.post(forged)).status === 401) refused += 1
  }
  await Promise.all(Array.from({ length: 20 }, forger))
  const seconds = (performance.now() - startedMs) / 1_000
  expect(refused).toBe(1_000)
  expect(await app.metrics('onceline_webhook_deliveries_total{')).toEqual([
    'onceline_webhook_deliveries_total{gateway="kashier",verdict="signature_invalid"} 1000',
  ])
  const lines = app.lines.map((line) => JSON.parse(line)).filter((line) => line.msg === 'webhook refused')
  expect(lines.length).toBeGreaterThanOrEqual(100)
  // A burst of a hundred, then twenty a second.
  expect(lines.length).toBeLessThanOrEqual(100 + 20 * seconds + 1)
  const missing = lines.reduce((sum, line) => sum + line.suppressed, 0)
  expect(missing).toBeGreaterThan(0)
  expect(lines.length + missing).toBeLessThanOrEqual(1_000)
  await app.stop()
})
