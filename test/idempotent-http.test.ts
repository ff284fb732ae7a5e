import { randomUUID } from 'node:crypto'
import type { HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import { beforeEach, describe, expect, it } from 'vitest'
import { openDatabase } from '../db/pools.ts'
import { effectsAt, onceRoutes } from './support/once-app.ts'
import { useOnceServer } from './support/once-server.ts'
import { TcpProxy } from './support/tcp-proxy.ts'

const served = useOnceServer('idempotent-http')
let place: string

beforeEach(() => {
  place = randomUUID()
})

interface Sent {
  readonly key?: string | undefined
  readonly body?: string
  readonly to?: string
  readonly caller?: string
  readonly headers?: Record<string, string>
}

interface Got {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

const ORDER = JSON.stringify({ content: 'a' })

async function post({ key, body = ORDER, to, caller = place, headers = {} }: Sent): Promise<Got> {
  const response = await fetch(served.url + (to ?? `/effects/${place}`), {
    method: 'POST',
    body,
    headers: { 'x-caller': caller, ...(key === undefined ? {} : { 'idempotency-key': key }), ...headers },
  })
  return { status: response.status, headers: response.headers, text: await response.text() }
}

function expectProblem(got: Got, status: number, code: string): void {
  expect(got.status).toBe(status)
  expect(got.headers.get('content-type')).toBe('application/problem+json')
  expect(JSON.parse(got.text)).toMatchObject({ status, code, type: `urn:onceline:problem:${code}` })
  expect(JSON.parse(got.text).requestId).toMatch(/^[\w-]{10,}$/)
}

describe('the first request and its repeats', () => {
  it('get one answer, byte for byte, with the headers that are kept', async () => {
    const first = await post({ key: 'k' })
    const again = await post({ key: 'k', headers: { 'x-request-id': 'second-request' } })
    expect(first.status).toBe(201)
    expect(again.status).toBe(201)
    expect(again.text).toBe(first.text)
    for (const name of ['content-type', 'location'])
      expect(again.headers.get(name)).toBe(first.headers.get(name))
    expect(first.headers.get('location')).toBe(`/effects/${place}`)
    expect(first.headers.get('idempotent-replayed')).toBeNull()
    expect(again.headers.get('idempotent-replayed')).toBe('true')
    expect(again.headers.get('x-request-id')).toBe('second-request')
    expect([first.headers.get('set-cookie'), again.headers.get('set-cookie')]).toEqual([null, null])
    expect(await effectsAt(served.database.pool, place)).toEqual(['a'])
  })

  it('may write the key quoted or bare, and the same JSON in any way', async () => {
    const first = await post({ key: '"k-1"', body: '{"content":"a","end":"created"}' })
    const again = await post({ key: 'k-1', body: ' { "end" : "created", "content" : "\\u0061" }' })
    expect(again.text).toBe(first.text)
    expect(again.headers.get('idempotent-replayed')).toBe('true')
  })

  it('also share an answer that declines', async () => {
    const body = JSON.stringify({ content: 'a', end: 'declined' })
    const [first, again] = [await post({ key: 'k', body }), await post({ key: 'k', body })]
    expect([first.status, again.status]).toEqual([402, 402])
    expect(again.text).toBe(first.text)
    expect(again.headers.get('idempotent-replayed')).toBe('true')
  })
})

describe('a key means another request', () => {
  it('for another caller, and for another route', async () => {
    const answers = [
      await post({ key: 'k' }),
      await post({ key: 'k', caller: 'other' }),
      await post({ key: 'k', to: `/loose/${place}` }),
    ]
    expect(answers.map(({ headers }) => headers.get('idempotent-replayed'))).toEqual([null, null, null])
    expect(await effectsAt(served.database.pool, place)).toEqual(['a', 'a', 'a'])
  })
})

describe('refused with a problem, and nothing done', () => {
  it('400 where a key is required and missing', async () => {
    expectProblem(await post({}), 400, 'idempotency_key_missing')
    expect(await effectsAt(served.database.pool, place)).toEqual([])
  })

  it.each(['', ' ', 'a b', '"open', 'k'.repeat(256), 'a, b'])('400 for the key "%s"', async (key) => {
    expectProblem(await post({ key }), 400, 'idempotency_key_invalid')
    expectProblem(await post({ key, to: `/loose/${place}` }), 400, 'idempotency_key_invalid')
    expect(await effectsAt(served.database.pool, place)).toEqual([])
  })

  it('400 for a body that is no JSON, 413 for one that is too long, announced or not', async () => {
    expectProblem(await post({ key: 'k', body: '{content:1}' }), 400, 'malformed_body')
    expectProblem(await post({ key: 'k', body: '['.repeat(200_000) }), 400, 'malformed_body')
    const long = JSON.stringify({ content: 'x'.repeat(256 * 1024) })
    expectProblem(await post({ key: 'k', body: long }), 413, 'body_too_large')
    const stream = new Blob([long]).stream()
    const init = {
      method: 'POST',
      body: stream,
      duplex: 'half',
      headers: { 'idempotency-key': 'k' },
    } as const
    const response = await fetch(`${served.url}/effects/${place}`, init as RequestInit)
    expect(response.status).toBe(413)
    expect(await effectsAt(served.database.pool, place)).toEqual([])
  })

  it('422 for other content, another query and another path under the template', async () => {
    await post({ key: 'k' })
    const others: Sent[] = [
      { body: JSON.stringify({ content: 'b' }) },
      { body: JSON.stringify({ content: 'a', more: 1 }) },
      { to: `/effects/${place}?dry=1` },
      { to: `/effects/${place}-other` },
    ]
    for (const sent of others) expectProblem(await post({ key: 'k', ...sent }), 422, 'idempotency_mismatch')
    expect(await effectsAt(served.database.pool, place)).toEqual(['a'])
    expect(await effectsAt(served.database.pool, `${place}-other`)).toEqual([])
  })

  it('409 with Retry-After while the first is not finished elsewhere', async () => {
    const holder = await served.database.pool.getConnection()
    await holder.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ')
    await holder.query('START TRANSACTION')
    await holder.query(
      'SELECT id FROM idempotency_keys FORCE INDEX (one_record_per_key) WHERE record_key >= 0x00 FOR UPDATE',
    )
    const waiting = await post({ key: 'k' })
    expectProblem(waiting, 409, 'idempotency_in_flight')
    expect(Number(waiting.headers.get('retry-after'))).toBeGreaterThan(0)
    await holder.query('ROLLBACK')
    holder.release()
    expect((await post({ key: 'k' })).status).toBe(201)
  })

  it('410 when it was done and its answer is gone', async () => {
    await post({ key: 'k' })
    await served.database.pool.query("UPDATE idempotency_keys SET state = 'pruned'")
    expectProblem(await post({ key: 'k' }), 410, 'key_expired')
    expectProblem(await post({ key: 'k', body: '{"content":"b"}' }), 422, 'idempotency_mismatch')
    expect(await effectsAt(served.database.pool, place)).toEqual(['a'])
  })
})

describe('what leaves the key free', () => {
  it('is an answer that refuses, and a defect', async () => {
    const invalid = await post({ key: 'k', body: JSON.stringify({ content: 'a', end: 'invalid' }) })
    expect(invalid.status).toBe(422)
    expect(JSON.parse(invalid.text)).toMatchObject({ end: 'invalid' })
    const broken = await post({ key: 'k', body: JSON.stringify({ content: 'a', end: 'broken' }) })
    expectProblem(broken, 500, 'internal_error')
    expect((await post({ key: 'k' })).status).toBe(201)
    expect(await effectsAt(served.database.pool, place)).toEqual(['a'])
  })
})

it('without a key, where none is required, each request is a new one', async () => {
  const answers = [await post({ to: `/loose/${place}` }), await post({ to: `/loose/${place}` })]
  expect(answers.map(({ status }) => status)).toEqual([201, 201])
  expect(answers[0]?.text).not.toBe(answers[1]?.text)
  expect(await effectsAt(served.database.pool, place)).toEqual(['a', 'a'])
})

it('503 with Retry-After while the database is away, and the answer when it is back', async () => {
  const proxy = await TcpProxy.open(served.database.address)
  const away = openDatabase({ ...served.database.address, host: '127.0.0.1', port: proxy.port }, 1)
  const app = new Hono<{ Bindings: HttpBindings }>().route('/', onceRoutes(away.commands))
  const send = (): Promise<Response> =>
    Promise.resolve(
      app.request(`/effects/${place}`, { method: 'POST', body: ORDER, headers: { 'idempotency-key': 'k' } }),
    )
  await proxy.refuse()
  const refused = await send()
  expect(refused.status).toBe(503)
  expect(refused.headers.get('retry-after')).toBe('2')
  expect(await refused.json()).toMatchObject({ code: 'database_unavailable' })
  await proxy.accept()
  expect((await send()).status).toBe(201)
  expect(await effectsAt(served.database.pool, place)).toEqual(['a'])
  await away.close()
  await proxy.close()
})
