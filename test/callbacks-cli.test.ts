import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Id, idToText, newId } from '../src/base/ids.ts'
import { CallbackStage } from './support/callbacks.ts'
import { type CliEnv, envOf, onceline, oncelineJson } from './support/cli.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { StandInLaravel } from './support/laravel.ts'
import { addMessages, fatesOf, messageRow } from './support/outbox.ts'

/** Every process compiles its modules, on two cores that others use too. */
const TIMEOUT_MS = 60_000
let database: TestDatabase
let env: CliEnv

beforeAll(async () => {
  database = await testDatabase('callbacks-cli')
  env = envOf(database)
})
afterAll(() => database?.drop())
beforeEach(() => database.pool.query('DELETE FROM outbox'))

async function bury(...ids: readonly Id[]): Promise<void> {
  await database.pool.query(
    `UPDATE outbox SET state = 'dead', reason = 'rejected', last_error = 'answered 422', response_status = 422, attempts = 1,
       next_at = NULL WHERE id IN (?)`,
    [ids],
  )
}

function two(ids: readonly Id[]): [Id, Id] {
  const [a, b] = ids
  return a && b ? [a, b] : expect.fail('two were wanted')
}

describe('onceline callbacks', { timeout: TIMEOUT_MS }, () => {
  it('lists the newest first, by state, key and page, and shows one with what it says', async () => {
    const [dead, pending] = two(await addMessages(database.pool, 'trip-1', 2))
    await addMessages(database.pool, 'trip-2', 1, 3)
    await bury(dead)
    const all = await oncelineJson(env, 'callbacks', 'list', '--limit', '2')
    expect(all.json.callbacks.map(({ orderingKey }: { orderingKey: string }) => orderingKey)).toEqual([
      'trip-2',
      'trip-1',
    ])
    expect(all.json.next).toBe(idToText(pending))
    const older = await oncelineJson(env, 'callbacks', 'list', '--after', all.json.next)
    expect(older.json).toMatchObject({ callbacks: [{ id: idToText(dead) }], next: null })
    const filtered = await oncelineJson(
      env,
      'callbacks',
      'list',
      '--status',
      'dead',
      '--key',
      'trip-1',
      '--since',
      '1h',
    )
    expect(filtered.json.callbacks).toEqual([
      expect.objectContaining({ id: idToText(dead), state: 'dead', reason: 'rejected', responseStatus: 422 }),
    ])
    const text = (await onceline(env, 'callbacks', 'show', idToText(dead))).stdout.toString()
    expect(text).toContain('answered 422')
    const body = await onceline(env, 'callbacks', 'show', idToText(dead), '--body')
    expect(JSON.parse(body.stdout.toString())).toEqual({ n: 1 })
    expect((await onceline(env, 'callbacks', 'show', idToText(newId()))).code).toBe(1)
  })

  it('replays dead letters into their old places, audited, and only those', async () => {
    const ids = await addMessages(database.pool, 'trip', 4)
    const [first, second] = two(ids)
    await bury(first, second)
    const dry = await oncelineJson(env, 'callbacks', 'replay', '--status', 'dead', '--dry-run')
    expect(dry.json).toMatchObject({ dryRun: true, count: 2 })
    expect(await fatesOf(database.pool, 'trip')).toEqual([
      '1 dead rejected',
      '2 dead rejected',
      '3 pending',
      '4 pending',
    ])
    const replayed = await oncelineJson(
      env,
      ...['callbacks', 'replay', '--status', 'dead', '--reason', 'route was missing', '--actor', 'mona'],
    )
    expect(replayed).toMatchObject({
      code: 0,
      json: { count: 2, ids: [first, second].map(idToText), refused: [] },
    })
    expect(await messageRow(database.pool, first)).toMatchObject({ attempts: 0, first_attempt_at: null })
    const { json } = await oncelineJson(env, 'callbacks', 'show', idToText(first))
    expect(json.history).toEqual([
      expect.objectContaining({ actor: 'mona', action: 'callback.replay', reason: 'route was missing' }),
    ])
    const stage = await CallbackStage.open(database)
    await stage.laravel.until(4)
    expect(stage.laravel.numbers).toEqual([1, 2, 3, 4])
    await stage.close()
    const again = await oncelineJson(env, 'callbacks', 'replay', idToText(first))
    expect(again).toMatchObject({ code: 5, json: { refused: [{ code: 'delivered' }] } })
    expect((await onceline(env, 'callbacks', 'replay')).code).toBe(2)
  })

  it('discards with a reason, wakes what waited behind, and leaves alone what is in flight', async () => {
    const [first, second] = two(await addMessages(database.pool, 'trip', 2))
    const [flying] = await addMessages(database.pool, 'other', 1)
    if (!flying) return expect.fail()
    await database.pool.query("UPDATE outbox SET state = 'sending' WHERE id = ?", [flying])
    await database.pool.query('UPDATE outbox SET next_at = next_at + INTERVAL 300 SECOND WHERE id = ?', [
      second,
    ])
    expect((await onceline(env, 'callbacks', 'discard', idToText(first))).code, 'a reason is needed').toBe(2)
    const done = await oncelineJson(
      env,
      ...['callbacks', 'discard', idToText(first), idToText(flying), '--reason', 'settled by hand'],
    )
    expect(done).toMatchObject({
      code: 5,
      json: {
        ids: [idToText(first)],
        refused: [{ id: idToText(flying), code: 'in_flight', state: 'sending' }],
      },
    })
    expect(await fatesOf(database.pool, 'trip')).toEqual(['1 discarded discarded_by_operator', '2 pending'])
    expect(Number((await messageRow(database.pool, second)).look_in)).toBeLessThanOrEqual(0)
    const { json } = await oncelineJson(env, 'callbacks', 'show', idToText(first))
    expect(json.history).toMatchObject([{ action: 'callback.discard', reason: 'settled by hand' }])
  })
})

describe('onceline doctor', { timeout: TIMEOUT_MS }, () => {
  it('says whether Laravel answers, what waits too long, and what is dead', async () => {
    const laravel = await StandInLaravel.open()
    const doctor = async (more: CliEnv = { LARAVEL_API_URL: laravel.url }) => {
      const { code, json } = await oncelineJson({ ...env, ...more }, 'doctor')
      const named = (name: string) =>
        json.checks.find((check: { name: string }) => check.name === name) ?? expect.fail(name)
      return { code, laravel: named('Laravel'), callbacks: named('callbacks'), dead: named('dead callbacks') }
    }
    const well = { status: 'ok' }
    expect(await doctor()).toMatchObject({ code: 0, laravel: well, callbacks: well, dead: well })
    expect(laravel.received, 'it is asked nothing').toEqual([])
    const [dead, old] = two(await addMessages(database.pool, 'trip', 2))
    await bury(dead)
    await database.pool.query(
      'UPDATE outbox SET created_at = created_at - INTERVAL 301 SECOND WHERE id = ?',
      [old],
    )
    await laravel.goAway()
    const ill = await doctor()
    expect(ill).toMatchObject({ code: 1, laravel: { status: 'wrong' }, dead: { status: 'warning' } })
    expect(ill.laravel.detail).toContain('ECONNREFUSED')
    expect(ill.callbacks).toMatchObject({
      status: 'wrong',
      detail: expect.stringMatching(/1 waiting, .* 30\d s/),
    })
    expect(await doctor({})).toMatchObject({
      code: 0,
      laravel: well,
      callbacks: { status: 'warning', detail: expect.stringContaining('LARAVEL_API_URL') },
    })
  })

  it('tells a Laravel that is unwell from one that is away', async () => {
    const server = createServer((_, response) => response.writeHead(503).end())
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const { code, json } = await oncelineJson({ ...env, LARAVEL_API_URL: url }, 'doctor')
    server.close()
    expect(code).toBe(0)
    expect(json.checks).toContainEqual(
      expect.objectContaining({ name: 'Laravel', status: 'warning', detail: `${url} answers with 503` }),
    )
  })
})
