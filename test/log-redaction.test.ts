import { afterAll, beforeAll, expect, it } from 'vitest'
import { registerPayment } from '../src/payments/register.ts'
import { buildDelivery, type SampleDelivery } from '../src/webhooks/gateways/samples/samples.ts'
import { wakeParked } from '../src/webhooks/park.ts'
import { openApp, type TestApp } from './support/app.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { expected } from './support/processing.ts'
import { RawConnection } from './support/raw-http.ts'
import { askForTicket, signToken } from './support/tokens.ts'

const CARD = '4111111111111111'
const MARKER = 'MARKER-rider-phone-01001234567'

/** Those whose bodies this suite knows how to turn. */
const GATEWAYS = ['kashier', 'paymob', 'standard-webhooks', 'stripe'] as const

let database: TestDatabase

beforeAll(async () => {
  database = await testDatabase('log-redaction')
})
afterAll(async () => {
  await database?.drop()
})

/** The body with a card number and a text that must not be seen again, unsigned where the gateway signs only fields. */
function withPersonalData(delivery: SampleDelivery): SampleDelivery {
  const body = { ...JSON.parse(delivery.body.toString()), card: CARD, number: Number(CARD), note: MARKER }
  return { ...delivery, body: Buffer.from(JSON.stringify(body)) }
}

function signatureOf({ headers, query }: SampleDelivery): string {
  const value =
    headers['stripe-signature'] ?? headers['x-kashier-signature'] ?? headers['webhook-signature'] ?? query
  return value.split('=').at(-1)?.split(',').at(-1) ?? ''
}

it('no secret, signature, key, card number or text of a body is in any line, at any level', async () => {
  const app = await openApp(database, { logLevel: 'trace', maxAttempts: 1 })
  const signatures: string[] = []
  const send = async (delivery: SampleDelivery, headers: Record<string, string> = {}): Promise<number> => {
    signatures.push(signatureOf(delivery))
    return (await app.post(delivery, { 'x-api-key': app.internalKey, cookie: `s=${MARKER}`, ...headers }))
      .status
  }
  for (const gateway of GATEWAYS) {
    const spec = { merchantRef: `trip-${gateway}`, amountMinor: 10_000n }
    await registerPayment(
      database.pool,
      expected({ gateway, merchantRef: spec.merchantRef }),
      async (keys) => void (await wakeParked(database.pool, keys)),
    )
    const genuine = app.delivery(gateway, spec)
    const isPartlySigned = gateway === 'kashier' || gateway === 'paymob'
    expect(await send(isPartlySigned ? withPersonalData(genuine) : genuine)).toBe(200)
    expect(await send({ ...genuine, body: Buffer.concat([genuine.body, Buffer.from(' ')]) })).toBeLessThan(
      402,
    )
    // Forged with another secret, and with one of ours where it must not be.
    const forged = withPersonalData(app.delivery(gateway, { ...spec, operationRef: CARD }))
    expect(await send({ ...forged, path: forged.path.replace(/hmac=.*/, `hmac=${'0'.repeat(128)}`) })).toBe(
      isPartlySigned && gateway === 'kashier' ? 200 : 401,
    )
    // What somebody may put into a URL by mistake.
    const inUrl = encodeURIComponent(app.secrets[gateway])
    for (const path of [
      inUrl,
      `${inUrl}-and-more`,
      `${gateway}/${inUrl}`,
      `${gateway}/${inUrl}${inUrl}`,
      CARD,
    ])
      expect(await send({ ...genuine, path: `/webhooks/${path}` })).toBe(404)
    expect(await send(genuine, { 'x-request-id': app.secrets[gateway].slice(0, 64) })).toBeLessThan(405)
  }
  await breakThings(app)
  await app.stop()

  const text = app.lines.join('')
  expect(app.lines.length).toBeGreaterThan(GATEWAYS.length * 4)
  expect(text).toContain('webhook acknowledged')
  expect(text).toContain('webhook refused')
  expect(text).toContain('event is dead')
  const forbidden = [
    ...GATEWAYS.map((gateway) => app.secrets[gateway]),
    ...GATEWAYS.map((gateway) => app.secrets[gateway].slice(0, 20)),
    app.internalKey,
    database.address.password,
    CARD,
    MARKER,
    ...signatures.filter((signature) => signature.length > 20),
  ]
  expect(signatures.filter((signature) => signature.length > 20).length).toBeGreaterThan(15)
  for (const each of forbidden) expect(text.includes(each), each).toBe(false)
})

/** An event whose failure quotes its row, a body that breaks off, a host that is none. */
async function breakThings(app: TestApp): Promise<void> {
  await database.pool.query(
    `UPDATE webhook_events SET state = 'received', fact_kind = 'nonsense', merchant_ref = 'trip-paymob', may_settle = 1,
       hold = NULL, next_at = UTC_TIMESTAMP(3)
     WHERE gateway = 'paymob'`,
  )
  await expect
    .poll(() => app.lines.some((line) => line.includes('event is dead')), { timeout: 10_000 })
    .toBe(true)
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
