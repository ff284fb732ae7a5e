import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { signatureOf, signingKeyOf } from '../src/laravel/callback-signature.ts'
import type { CallbackTempo } from '../src/laravel/callbacks.ts'
import { registerPayment } from '../src/payments/register.ts'
import { API_KEY, callbackTheatre, QUICK, WAIT } from './support/callbacks.ts'
import { fatesOf, messageRow } from './support/outbox.ts'
import { expected } from './support/processing.ts'

const theatre = callbackTheatre('callbacks')
const { open, untilFates } = theatre

describe('a callback', () => {
  it('tells Laravel of a payment within a moment, signed, with its id as the idempotency key', async () => {
    const { app, laravel } = await open({ pace: { intervalMs: 60_000, nextLookSeconds: 60 } })
    const payment = expected({ gateway: 'stripe', tripId: randomUUID() })
    await registerPayment(theatre.database.pool, payment, async () => undefined)
    const { merchantRef, tripId } = payment
    const requestId = `req-${randomUUID()}`
    const delivery = app.delivery('stripe', { merchantRef })
    expect((await app.post(delivery, { 'x-request-id': requestId })).status).toBe(200)
    await laravel.until(2)
    const [first, second] = laravel.received
    if (!first || !second) return expect.fail()
    expect([first.path, second.path]).toEqual([
      '/api/internal/events/payment.updated',
      '/api/internal/events/payment.completed',
    ])
    const { body, headers, text } = first
    expect(body).toMatchObject({
      event: 'payment.updated',
      orderingKey: tripId,
      data: { rideId: tripId, state: 'captured', amountMinor: 10_000, currency: 'EGP' },
    })
    expect(second.body.sequence).toBeGreaterThan(body.sequence)
    expect(headers).toMatchObject({
      'x-api-key': API_KEY,
      'idempotency-key': body.id,
      'x-trace-id': requestId,
      'content-type': 'application/json',
    })
    const signature = headers['onceline-signature'] ?? ''
    const t = Number(/^t=(\d+),v1=[0-9a-f]{64}$/.exec(signature)?.[1])
    expect(Math.abs(Date.now() / 1_000 - t)).toBeLessThan(30)
    expect(signature).toBe(signatureOf(signingKeyOf(API_KEY), text, t * 1_000))
    const fates = async () =>
      (await fatesOf(theatre.database.pool, tripId ?? '')).map((fate) => fate.split(' ')[1])
    await expect.poll(fates, WAIT).toEqual(['done', 'done'])
  })

  it('is done when Laravel has it already', async () => {
    const { laravel, add } = await opened()
    laravel.answer = () => ({ status: 409 })
    const [id] = await add('trip', 1)
    await untilFates('trip', ['1 done'])
    expect(await messageRow(theatre.database.pool, id as Buffer)).toMatchObject({
      attempts: 1,
      response_status: 409,
    })
  })

  it('that Laravel refuses is dead at once, says why, and holds nobody up', async () => {
    const { laravel, add } = await opened()
    const refusal = JSON.stringify({ message: `no such ride, key ${API_KEY}`, exception: 'private' })
    const headers = { 'content-type': 'application/json' }
    laravel.answer = ({ body }) =>
      body.data.n === 1 ? { status: 422, headers, body: refusal } : { status: 200 }
    const [id] = await add('trip', 2)
    await untilFates('trip', ['1 dead rejected', '2 done'])
    expect(await messageRow(theatre.database.pool, id as Buffer)).toMatchObject({
      attempts: 1,
      response_status: 422,
      last_error: 'answered 422: no such ride, key [redacted]',
    })
  })

  it('is not carried to where a redirection points', async () => {
    const { laravel, add } = await opened()
    laravel.answer = () => ({ status: 307, headers: { location: `${laravel.url}/elsewhere` } })
    const [id] = await add('trip', 1)
    await untilFates('trip', ['1 dead redirected'])
    expect(laravel.received.map(({ path }) => path)).toEqual(['/api/internal/events/payment.updated'])
    expect((await messageRow(theatre.database.pool, id as Buffer)).last_error).toContain('LARAVEL_API_URL')
  })

  it('is sent again after an error, the same to the byte, and the next of its key waits for it', async () => {
    const { laravel, add } = await opened()
    laravel.answer = () => ({ status: laravel.received.length <= 3 ? 500 : 200 })
    await add('trip', 2)
    await untilFates('trip', ['1 done', '2 done'])
    expect(laravel.numbers).toEqual([1, 1, 1, 1, 2])
    const first = laravel.received.slice(0, 4)
    expect(new Set(first.map(({ text, headers }) => text + headers['idempotency-key'])).size).toBe(1)
  })

  it('is not sent before Laravel wants it', async () => {
    const { laravel, add } = await opened()
    const soon = () => new Date(Date.now() + 90_000).toUTCString()
    laravel.answer = ({ body }) => ({
      status: 503,
      headers: { 'retry-after': body.data.n === 1 ? '120' : soon() },
    })
    const [one] = await add('a', 1, 1)
    const [two] = await add('b', 1, 2)
    const wait = async (id: Buffer | undefined) =>
      Number((await messageRow(theatre.database.pool, id as Buffer)).claimable_in)
    await expect.poll(async () => (await wait(one)) > 100 && (await wait(two)) > 70, WAIT).toBe(true)
    expect(await wait(one)).toBeLessThanOrEqual(120)
    expect(await wait(two)).toBeLessThanOrEqual(90)
  })

  it('that is not answered in time is sent again', async () => {
    const { laravel, add } = await opened({ requestTimeoutMs: 150, leaseSeconds: 60 })
    laravel.answer = () => (laravel.received.length === 1 ? 'silence' : { status: 200 })
    const [id] = await add('trip', 1)
    await untilFates('trip', ['1 done'])
    expect(laravel.numbers).toEqual([1, 1])
    expect((await messageRow(theatre.database.pool, id as Buffer)).last_error).toBeNull()
  })

  it('does not wait for the end of an answer that never ends', async () => {
    const { laravel, add } = await opened()
    laravel.answer = () => ({ status: 200, body: 'x'.repeat(5_000_000) })
    await add('trip', 1)
    await untilFates('trip', ['1 done'])
  })

  it('is done when Laravel said so and then broke off, or never came to the end of its words', async () => {
    const { laravel, add } = await opened({ requestTimeoutMs: 300, leaseSeconds: 60 })
    laravel.answer = ({ body }) => ({
      status: 200,
      body: '{"mess',
      ending: body.data.n === 1 ? 'never' : 'cut',
    })
    await add('trip', 2)
    await untilFates('trip', ['1 done', '2 done'])
    expect(laravel.numbers).toEqual([1, 2])
  })

  async function opened(tempo: Partial<CallbackTempo> = {}) {
    const stage = await open(tempo)
    return { laravel: stage.laravel, add: stage.add.bind(stage) }
  }
})

describe('callbacks', () => {
  it('are in flight in bounded numbers, and never two of one key', async () => {
    const stage = await open({}, { callbackConcurrency: 3 })
    const { laravel } = stage
    const open_ = new Map<string, number>()
    let overlaps = 0
    const three = Promise.withResolvers<void>()
    laravel.answer = async ({ body }) => {
      const count = (open_.get(body.orderingKey) ?? 0) + 1
      open_.set(body.orderingKey, count)
      if (count > 1) overlaps += 1
      if (laravel.received.length >= 3) three.resolve()
      await three.promise
      await new Promise((resolve) => setTimeout(resolve, 5))
      open_.set(body.orderingKey, count - 1)
      return { status: 200 }
    }
    const keys = Array.from({ length: 12 }, (_, index) => `trip-${index}`)
    await Promise.all(keys.map((key) => stage.add(key, 4)))
    await laravel.until(48)
    for (const key of keys) {
      await untilFates(key, ['1 done', '2 done', '3 done', '4 done'])
      const sent = laravel.received.filter(({ body }) => body.orderingKey === key)
      expect(sent.map(({ body }) => body.data.n)).toEqual([1, 2, 3, 4])
    }
    expect(overlaps).toBe(0)
    expect(laravel.mostAtOnce).toBe(3)
  })

  it('are delivered by the sweeper while Redis is away', async () => {
    const redis = { ...theatre.database.redis, port: 1 }
    const stage = await open({}, { redis })
    await stage.add('trip', 3)
    await untilFates('trip', ['1 done', '2 done', '3 done'])
    expect(stage.laravel.numbers).toEqual([1, 2, 3])
    expect(
      Number((await stage.app.metrics('onceline_callback_rings_failed_total'))[0]?.split(' ')[1]),
    ).toBeGreaterThan(0)
  })

  it('leave nothing secret in the log, at any level', async () => {
    const stage = await open(
      { requestTimeoutMs: 100, circuit: { ...QUICK.circuit, failures: 2 } },
      { logLevel: 'trace' },
    )
    const { laravel } = stage
    const echo = ({ headers, text }: { headers: object; text: string }) =>
      JSON.stringify({ message: JSON.stringify(headers) + text })
    const headers = { 'content-type': 'application/json' }
    laravel.answer = (callback) =>
      (
        [
          'silence',
          { status: 500, headers, body: echo(callback) },
          { status: 422, headers, body: echo(callback) },
        ] as const
      )[Math.min(laravel.received.length - 1, 2)] ?? 'silence'
    await stage.add('trip', 2)
    await untilFates('trip', ['1 dead rejected', '2 dead rejected'])
    await stage.app.stop()
    const text = stage.app.lines.join('')
    expect(text).toContain('callback is dead')
    expect(text).toContain('circuit is open')
    const signatures = laravel.received.map(
      ({ headers: h }) => h['onceline-signature']?.split('v1=')[1] ?? '',
    )
    for (const secret of [API_KEY, signingKeyOf(API_KEY).export().toString('hex'), ...signatures])
      expect([secret.length > 20, text.includes(secret)]).toEqual([true, false])
    expect(text).not.toContain('x-api-key')
  })
})
