import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Pool } from '../db/pools.ts'
import { type Id, idToText } from '../src/base/ids.ts'
import { Ring } from '../src/outbox/ring.ts'
import { WEBHOOK_QUEUE } from '../src/webhooks/queue.ts'
import { type CliEnv, envOf, onceline, oncelineJson } from './support/cli.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { eventOf, look, processorOf, put, store } from './support/deliveries.ts'

/** Every process compiles its modules, on two cores that others use too. */
const TIMEOUT_MS = 60_000
let database: TestDatabase
let pool: Pool
let env: CliEnv

beforeAll(async () => {
  database = await testDatabase('cli')
  pool = database.pool
  env = envOf(database)
})

afterAll(() => database.drop())

describe('payments', { timeout: TIMEOUT_MS }, () => {
  it('are registered once, wake the webhook that came first, and show a balanced ledger', async () => {
    const id = await stored('kashier', 'R-1')
    await processorOf(pool).process([id])
    expect(await look(pool, id)).toMatchObject({ state: 'parked' })
    const heard = heardOnce()
    const created = await oncelineJson(env, 'payments', 'register', ...expected('R-1', '150.00'))
    expect(created).toMatchObject({ code: 0, json: { result: 'created', woken: [idToText(id)] } })
    expect((await heard.ids).map(idToText)).toEqual([idToText(id)])
    await heard.close()
    await processorOf(pool).process([id])

    const again = await oncelineJson(env, 'payments', 'register', ...expected('R-1', '150'))
    expect(again).toMatchObject({ code: 0, json: { result: 'existing', payment: { state: 'captured' } } })
    const other = await oncelineJson(env, 'payments', 'register', ...expected('R-1', '151.00'))
    expect(other).toMatchObject({ code: 5, json: { error: { code: 'payment_differs', exitCode: 5 } } })
    expect(other.json.error.message).toContain('amountMinor')

    const { json } = await oncelineJson(env, 'payments', 'show', '--gateway', 'kashier', '--ref', 'TRIP-R-1')
    expect(json).toMatchObject({
      payment: { state: 'captured', expectedMinor: 15_000, capturedMinor: 15_000, currency: 'EGP' },
      transitions: [{ kind: 'captured', to: 'captured', eventId: idToText(id) }],
      balanced: true,
      events: [{ id: idToText(id), state: 'processed', outcome: 'applied' }],
    })
    const total = json.ledger.reduce(
      (sum: number, entry: { amountMinor: number }) => sum + entry.amountMinor,
      0,
    )
    expect({ entries: json.ledger.length > 1, total }).toEqual({ entries: true, total: 0 })
    const text = (await onceline(env, 'payments', 'show', json.payment.id)).stdout.toString()
    expect(text).toContain('✔ balanced')
    expect(text).toContain('150.00 EGP')
    const list = await oncelineJson(env, 'payments', 'list', '--state', 'captured')
    expect(list.json).toMatchObject({ payments: [{ merchantRef: 'TRIP-R-1' }], next: null })
  })

  it("are given the gateway's reference, which then stands", async () => {
    await oncelineJson(env, 'payments', 'register', ...expected('A-1', '20.5'))
    const attach = (ref: string) => oncelineJson(env, 'payments', 'attach', 'TRIP-A-1', '--gateway-ref', ref)
    expect(await attach('88123')).toMatchObject({
      code: 0,
      json: { result: 'created', payment: { gatewayRef: '88123' } },
    })
    expect(await attach('88123')).toMatchObject({ code: 0, json: { result: 'existing' } })
    expect(await attach('88124')).toMatchObject({ code: 5, json: { error: { code: 'payment_differs' } } })
    const unknown = await oncelineJson(env, 'payments', 'attach', 'TRIP-0', '--gateway-ref', '1')
    expect(unknown).toMatchObject({ code: 1, json: { error: { code: 'not_found' } } })
  })
})

describe('events', { timeout: TIMEOUT_MS }, () => {
  it('that are dead are shown by a dry run, replayed, and then are no longer', async () => {
    const id = await stored('kashier', 'D-1')
    const applied = await stored('kashier', 'D-2')
    await put(pool, [id], { state: 'dead', reason: 'attempts_exhausted' })
    await put(pool, [applied], { state: 'processed', outcome: 'applied' })
    const filter = ['--status', 'dead', '--gateway', 'kashier', '--since', '2h']
    const dry = await oncelineJson(env, 'events', 'replay', ...filter, '--dry-run')
    expect(dry).toMatchObject({
      code: 0,
      json: { action: 'replay', dryRun: true, count: 1, ids: [idToText(id)] },
    })
    expect(await look(pool, id)).toMatchObject({ state: 'dead' })
    const real = await oncelineJson(env, 'events', 'replay', ...filter, '--actor', 'mona')
    expect(real).toEqual({ code: 0, json: { ...dry.json, dryRun: false } })
    expect(await look(pool, id)).toMatchObject({ state: 'received', approved: 0 })
    expect(await oncelineJson(env, 'events', 'replay', ...filter)).toMatchObject({
      code: 1,
      json: { count: 0 },
    })
    const refused = await oncelineJson(env, 'events', 'replay', idToText(applied))
    expect(refused).toMatchObject({
      code: 5,
      json: { count: 0, refused: [{ id: idToText(applied), code: 'applied' }] },
    })
  })

  it('that nobody signed far enough take effect after a release, in a new processor, once', async () => {
    const words = [...expected('U-1', '150.00', 'paymob'), '--gateway-ref', 'TRIP-U-1']
    await oncelineJson(env, 'payments', 'register', ...words)
    const id = await stored('paymob', 'U-1')
    expect((await onceline(env, 'events', 'release', idToText(id))).code).toBe(2)
    const released = await oncelineJson(
      env,
      'events',
      'release',
      idToText(id),
      '--reason',
      'seen there',
      '--actor',
      'mona',
    )
    expect(released).toMatchObject({ code: 0, json: { action: 'release', count: 1, refused: [] } })
    await processorOf(pool).process([id])
    const { json } = await oncelineJson(env, 'events', 'show', idToText(id))
    expect(json).toMatchObject({
      event: {
        state: 'processed',
        outcome: 'applied',
        approved: true,
        amountMinor: 15_000,
        gateway: 'paymob',
      },
      history: [
        { actor: 'mona', action: 'event.release', reason: 'seen there', details: { state: 'unconfirmed' } },
      ],
      conflicts: [],
    })
    expect(json.event).not.toHaveProperty('body')
    const again = await oncelineJson(env, 'events', 'discard', idToText(id), '--reason', 'no')
    expect(again).toMatchObject({ code: 5, json: { refused: [{ code: 'applied' }] } })
  })

  it('that say nothing of a payment are not released', async () => {
    const id = await stored('kashier', 'N-1')
    await put(pool, [id], { state: 'quarantined', reason: 'owner_mismatch', fact_kind: null })
    const refused = await oncelineJson(env, 'events', 'release', idToText(id), '--reason', 'seen there')
    expect(refused).toMatchObject({ code: 5, json: { count: 0, refused: [{ code: 'nothing_to_book' }] } })
    expect(await look(pool, id)).toMatchObject({ state: 'quarantined', approved: 0 })
  })

  it('that are discarded say by whom and why', async () => {
    const id = await stored('paymob', 'X-1')
    const missing = '019ab3c0-7d1e-7c55-9f01-2f6a5f0c9e11'
    const words = ['events', 'discard', idToText(id), missing, '--reason', 'a test of theirs']
    const { code, json } = await oncelineJson(env, ...words)
    expect({ code, json }).toMatchObject({
      code: 1,
      json: { count: 1, refused: [{ id: missing, code: 'not_found' }] },
    })
    const text = (await onceline(env, 'events', 'show', idToText(id))).stdout.toString()
    expect(text).toContain('discarded_by_operator')
    expect(text).toMatch(/event\.discard\s+a test of theirs/)
    expect((await onceline(env, 'events', 'show', missing)).code).toBe(1)
  })

  it('show their bytes as they came, and send no escape sequence of others to a terminal', async () => {
    const event = {
      ...eventOf('kashier', { operationRef: 'B-1' }),
      type: 'pay\u001b[2J',
      body: Buffer.from('{"a":"\u00e9\xff"}', 'latin1'),
    }
    const [id = event.id] = await store(pool, [event])
    const raw = await onceline(env, 'events', 'show', idToText(id), '--body')
    expect(raw.stdout.equals(event.body)).toBe(true)
    const { json } = await oncelineJson(env, 'events', 'show', idToText(id), '--body')
    expect(Buffer.from(json.bodyBase64, 'base64').equals(event.body)).toBe(true)
    for (const args of [['list'], ['show', idToText(id)]]) {
      const text = (await onceline(env, 'events', ...args)).stdout.toString()
      expect(text).toContain('pay\\u001b[2J')
      expect(text).not.toContain('\u001b')
    }
  })
})

describe('gateways', { timeout: TIMEOUT_MS }, () => {
  it('are paused and resumed, and a name that is none is refused', async () => {
    const pause = (name: string) =>
      oncelineJson(env, 'gateways', 'pause', name, '--reason', 'doubts', '--actor', 'omar')
    const wrong = await pause('kashir')
    expect(wrong).toMatchObject({ code: 2, json: { error: { code: 'usage' } } })
    expect(wrong.json.error.message).toContain('kashier/default')
    expect(await pause('kashier')).toMatchObject({
      code: 0,
      json: { gateway: 'kashier', account: 'default', paused: true },
    })
    const { json } = await oncelineJson(env, 'gateways', 'list')
    const line = json.gateways.find(({ gateway }: { gateway: string }) => gateway === 'kashier')
    expect(line).toMatchObject({ account: 'default', paused: { actor: 'omar', reason: 'doubts' } })
    expect((await onceline(env, 'gateways', 'resume', 'kashier')).code).toBe(0)
    const again = await oncelineJson(env, 'gateways', 'resume', 'kashier')
    expect(again).toMatchObject({ code: 1, json: { error: { code: 'not_found' } } })
  })
})

function expected(operationRef: string, amount: string, gateway = 'kashier'): string[] {
  const ref = `TRIP-${operationRef}`
  return ['--gateway', gateway, '--ref', ref, '--amount', amount, '--currency', 'EGP']
}

async function stored(gateway: 'kashier' | 'paymob', operationRef: string): Promise<Id> {
  const [id] = await store(pool, [eventOf(gateway, { operationRef })])
  if (!id) throw new Error('nothing was stored')
  return id
}

/** A service's ear: the ids of the first ring in this database. */
function heardOnce(): { ids: Promise<readonly Id[]>; close(): Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<readonly Id[]>()
  const ring = new Ring({
    redis: database.redis,
    name: WEBHOOK_QUEUE,
    installation: database.address.database,
    onError: () => undefined,
  })
  ring.answer(async (ids) => resolve(ids), 1)
  return { ids: promise, close: () => ring.close(5_000) }
}
