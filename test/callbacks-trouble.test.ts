import { describe, expect, it } from 'vitest'
import { idToText } from '../src/base/ids.ts'
import type { CallbackTempo } from '../src/laravel/callbacks.ts'
import { CALLBACK_QUEUE } from '../src/laravel/queue.ts'
import { Ring } from '../src/outbox/ring.ts'
import { registerPayment } from '../src/payments/register.ts'
import { callbackTheatre, QUICK, WAIT } from './support/callbacks.ts'
import { addMessages, countMessages, fatesOf, makeDue, messageRow } from './support/outbox.ts'
import { expected } from './support/processing.ts'

const theatre = callbackTheatre('callbacks-trouble')
const { open, untilFates } = theatre

describe('the circuit', () => {
  it('opens for a dead Laravel without burning attempts, probes with one message, and closes', async () => {
    const circuit = { ...QUICK.circuit, failures: 4, openMs: 400, maxOpenMs: 400 }
    const { app, laravel, add } = await opened({ circuit, backoff: { baseMs: 20_000, capMs: 20_000 } })
    laravel.answer = () => ({ status: 503 })
    const keys = Array.from({ length: 40 }, (_, index) => `trip-${index}`)
    for (const key of keys) await add(key, 1)
    await expect
      .poll(() => app.metrics('onceline_callback_circuit_state'), WAIT)
      .toEqual(['onceline_callback_circuit_state 2'])
    // What was in flight beside the failures that opened it, and the probes since.
    const atOpening = laravel.received.length
    await laravel.until(atOpening + 2)
    expect(atOpening).toBeLessThan(30)
    const [rows] = await theatre.database.pool.query(
      "SELECT id FROM outbox WHERE attempts = 0 AND state = 'pending'",
    )
    expect((rows as unknown[]).length, 'most were not tried at all').toBeGreaterThan(5)
    laravel.answer = () => ({ status: 200 })
    await expect
      .poll(() => app.metrics('onceline_callback_circuit_state'), WAIT)
      .toEqual(['onceline_callback_circuit_state 0'])
    await theatre.database.pool.query(
      "UPDATE outbox SET claimable_at = NULL, next_at = UTC_TIMESTAMP(3) WHERE state = 'pending'",
    )
    for (const key of keys) await untilFates(key, ['1 done'])
  })

  it('lets what waited go at once when Laravel is back, although it was tried in vain again and again', async () => {
    const circuit = { ...QUICK.circuit, failures: 1, openMs: 30, maxOpenMs: 60 }
    const { laravel, add } = await opened({ circuit, backoff: { baseMs: 3_600_000, capMs: 3_600_000 } })
    laravel.answer = () => ({ status: 503 })
    await add('opens', 1)
    await laravel.until(1)
    const [id] = await add('waits', 2)
    await laravel.until(6)
    laravel.answer = () => ({ status: 200 })
    await untilFates('waits', ['1 done', '2 done'])
    expect(await messageRow(theatre.database.pool, id as Buffer)).toMatchObject({ attempts: 1 })
  })

  it('of one process takes nothing from the others', async () => {
    // A ring that is heard by who may not send is heard by nobody: the next look is far away.
    const pace = { intervalMs: 20, nextLookSeconds: 600 }
    const circuit = { ...QUICK.circuit, failures: 1, openMs: 600_000, maxOpenMs: 600_000 }
    const cutOff = await opened({ circuit, pace })
    await cutOff.laravel.goAway()
    await cutOff.add('opens', 1)
    await expect
      .poll(() => cutOff.app.metrics('onceline_callback_circuit_state'), WAIT)
      .toEqual(['onceline_callback_circuit_state 2'])
    const well = await opened({ pace })
    await untilFates('opens', ['1 done'])
    const keys = Array.from({ length: 60 }, (_, index) => `trip-${index}`)
    for (const key of keys) await well.add(key, 2)
    for (const key of keys) await untilFates(key, ['1 done', '2 done'])
    await cutOff.laravel.comeBack()
  })

  it('is not opened by one kind of callback that Laravel cannot take', async () => {
    const circuit = { ...QUICK.circuit, failures: 5, errorsAFailure: 10, openMs: 600_000, maxOpenMs: 600_000 }
    const { laravel, add } = await opened({ circuit, backoff: { baseMs: 600_000, capMs: 600_000 } })
    laravel.answer = ({ body }) => ({ status: body.orderingKey.startsWith('bad') ? 500 : 200 })
    for (let index = 0; index < 40; index += 1) await add(`bad-${index}`, 1)
    await laravel.until(40)
    await add('good', 2)
    await untilFates('good', ['1 done', '2 done'])
  })

  it('lets nobody ring while it is open: a dead Laravel must not fill Redis', async () => {
    const circuit = { ...QUICK.circuit, failures: 1, openMs: 600_000, maxOpenMs: 600_000 }
    const { app, laravel, add } = await opened({ circuit })
    laravel.answer = () => ({ status: 503 })
    await add('opens', 1)
    await expect
      .poll(() => app.metrics('onceline_callback_circuit_state'), WAIT)
      .toEqual(['onceline_callback_circuit_state 2'])
    const { pool, redis, address } = theatre.database
    // The ring of each is over when the next one is processed.
    for (let number = 1; number <= 4; number += 1) {
      const payment = expected({ gateway: 'stripe', tripId: null })
      await registerPayment(pool, payment, async () => undefined)
      await app.post(app.delivery('stripe', { merchantRef: payment.merchantRef }))
      await expect.poll(() => countMessages(pool, 'pending'), WAIT).toBe(1 + 2 * number)
    }
    const onError = () => undefined
    const ring = new Ring({ redis, name: CALLBACK_QUEUE, installation: address.database, onError })
    await expect.poll(() => ring.depth(), WAIT).not.toBeNull()
    expect(await ring.depth()).toBe(0)
    await ring.close(0)
  })
})

describe('a process that ends', () => {
  it('waits for the callbacks in flight and begins no more', async () => {
    // Without Redis the sweeper has both in hand, and the second waits for the first one's place.
    const redis = { ...theatre.database.redis, port: 1 }
    const { app, laravel } = await open({}, { callbackConcurrency: 1, redis })
    const answered = Promise.withResolvers<{ status: number }>()
    laravel.answer = () => answered.promise
    const ids = [
      ...(await addMessages(theatre.database.pool, 'a', 1)),
      ...(await addMessages(theatre.database.pool, 'b', 1)),
    ]
    await makeDue(theatre.database.pool, ...ids)
    await laravel.until(1)
    const stopped = app.app.stop(10_000)
    answered.resolve({ status: 200 })
    await stopped
    const fates = [
      ...(await fatesOf(theatre.database.pool, 'a')),
      ...(await fatesOf(theatre.database.pool, 'b')),
    ]
    expect(fates.sort()).toEqual(['1 done', '1 pending'])
    expect(laravel.received).toHaveLength(1)
  })

  it('gives back what Laravel does not answer, so that another sends it at once', async () => {
    const { app, laravel, add } = await opened()
    laravel.answer = () => 'silence'
    const [id] = await add('trip', 1)
    await laravel.until(1)
    await app.app.stop(4_000)
    expect(await messageRow(theatre.database.pool, id as Buffer)).toMatchObject({
      state: 'pending',
      attempts: 0,
      claimable_at: null,
    })
    const second = await open()
    await second.laravel.until(1)
    expect(second.laravel.received[0]?.body.id).toBe(idToText(id as Buffer))
  })
})

async function opened(tempo: Partial<CallbackTempo> = {}) {
  const stage = await open(tempo)
  return { app: stage.app, laravel: stage.laravel, add: stage.add.bind(stage) }
}
