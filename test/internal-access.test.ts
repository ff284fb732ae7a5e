import { afterEach, describe, expect, it } from 'vitest'
import { type InternalDoor, type InternalDoorOptions, openInternalDoor } from './support/internal-door.ts'
import { readLimitField } from './support/limits.ts'

const CURRENT = 'current-key-Zq81vTn0aW'
const PREVIOUS = 'previous-key-Lk27xRb5cD'
const KEYS = [CURRENT, PREVIOUS]
const WRONG = 'wrong-key-Hh31pQs9eF'
const doors: InternalDoor[] = []

async function open(options: Partial<InternalDoorOptions> = {}): Promise<InternalDoor> {
  const door = await openInternalDoor({ keys: KEYS, ...options })
  doors.push(door)
  return door
}
afterEach(async () => {
  for (const door of doors.splice(0)) await door.close()
})

/** Everything that an outsider can tell two answers apart by, but for what is never the same. */
async function face(response: Response): Promise<unknown> {
  const { requestId, ...body } = (await response.json()) as Record<string, unknown>
  expect(requestId).toMatch(/./)
  const headers = [...response.headers].filter(([name]) => !['date', 'keep-alive'].includes(name))
  return { status: response.status, headers, body: { ...body } }
}

describe('the key', () => {
  it('lets in, the current one and the previous one, and names the caller without itself', async () => {
    const door = await open()
    for (const [index, key] of KEYS.entries()) {
      const response = await door.ask('/internal/whoami', { 'x-api-key': key })
      expect(response.status).toBe(200)
      expect(await response.json()).toEqual({ caller: `key-${index + 1}` })
    }
    expect(await door.metrics('onceline_internal_key_matched_total{')).toEqual([
      'onceline_internal_key_matched_total{key="1"} 1',
      'onceline_internal_key_matched_total{key="2"} 1',
    ])
  })

  it('is asked for where there is none', async () => {
    const response = await (await open()).ask('/internal/whoami')
    expect(response.status).toBe(401)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(response.headers.get('www-authenticate')).toMatch(/^ApiKey /)
    expect(await response.json()).toMatchObject({
      type: 'urn:onceline:problem:api_key_required',
      code: 'api_key_required',
      status: 401,
    })
  })

  it.each([WRONG, `${CURRENT}x`, CURRENT.slice(1), `${CURRENT}, ${PREVIOUS}`, CURRENT.toUpperCase()])(
    'that is wrong is refused: %s',
    async (key) => {
      const response = await (await open()).ask('/internal/whoami', { 'x-api-key': key })
      expect(response.status).toBe(403)
      expect(await response.json()).toMatchObject({ code: 'access_refused' })
    },
  )

  it('lets nobody in where there is none to have', async () => {
    const door = await open({ keys: [] })
    for (const key of ['', 'undefined', CURRENT])
      expect((await door.ask('/internal/whoami', { 'x-api-key': key })).status).toBeGreaterThan(400)
  })

  it('is needed for paths too that lead nowhere, so that nobody can look around', async () => {
    const door = await open()
    expect((await door.ask('/internal/nowhere')).status).toBe(401)
    expect((await door.ask('/internal/nowhere', { 'x-api-key': CURRENT })).status).toBe(404)
  })
})

describe('the address', () => {
  const elsewhere = { allowed: ['10.0.0.0/8', '::1'] }

  it('must be one of those that are listed', async () => {
    const refused = await (await open(elsewhere)).ask('/internal/whoami', { 'x-api-key': CURRENT })
    expect(refused.status).toBe(403)
    const here = await open({ allowed: ['127.0.0.0/8'] })
    expect((await here.ask('/internal/whoami', { 'x-api-key': CURRENT })).status).toBe(200)
  })

  it('that is wrong cannot be told from a key that is wrong, nor from both', async () => {
    const strict = await open(elsewhere)
    const lax = await open()
    const [wrongAddress, wrongBoth, wrongKey] = [
      await strict.ask('/internal/whoami', { 'x-api-key': CURRENT }),
      await strict.ask('/internal/whoami', { 'x-api-key': WRONG }),
      await lax.ask('/internal/whoami', { 'x-api-key': WRONG }),
    ]
    const seen = await face(wrongAddress)
    expect(await face(wrongBoth)).toEqual(seen)
    expect(await face(wrongKey)).toEqual(seen)
    expect(await face(await strict.ask('/internal/whoami'))).toEqual(
      await face(await lax.ask('/internal/whoami')),
    )
  })

  it('is not believed from a header of anybody', async () => {
    const door = await open(elsewhere)
    const headers = { 'x-api-key': CURRENT, 'x-forwarded-for': '10.0.0.1', forwarded: 'for=10.0.0.1' }
    expect((await door.ask('/internal/whoami', headers)).status).toBe(403)
  })

  it('is what a trusted proxy says that it is', async () => {
    const door = await open({ ...elsewhere, trustedProxies: ['127.0.0.1'] })
    const ask = async (forwardedFor: string): Promise<number> =>
      (await door.ask('/internal/whoami', { 'x-api-key': CURRENT, 'x-forwarded-for': forwardedFor })).status
    expect(await ask('10.0.0.1')).toBe(200)
    expect(await ask('::ffff:10.0.0.1')).toBe(200)
    expect(await ask('203.0.113.9')).toBe(403)
    expect(await ask('10.0.0.1, 203.0.113.9')).toBe(403)
    expect(await ask('203.0.113.9, 10.0.0.1')).toBe(200)
  })
})

describe('the limit of a caller', () => {
  const rules = { 'internal-api': { points: 2, seconds: 600 } }

  it('is told with every answer, also with those that failed, and holds for each key by itself', async () => {
    const door = await open({ rules })
    const first = await door.ask('/internal/broken', { 'x-api-key': CURRENT })
    const second = await door.ask('/internal/nowhere', { 'x-api-key': CURRENT })
    expect([first.status, second.status]).toEqual([500, 404])
    for (const [answer, left] of [
      [first, 1],
      [second, 0],
    ] as const) {
      expect(readLimitField(answer.headers.get('ratelimit-policy'))).toEqual({
        'internal-api': { q: 2, w: 600 },
      })
      const { r, t } = readLimitField(answer.headers.get('ratelimit'))['internal-api'] ?? {}
      expect(r).toBe(left)
      expect(t).toBeGreaterThan(590)
      expect(t).toBeLessThanOrEqual(600)
    }
    expect((await door.ask('/internal/whoami', { 'x-api-key': CURRENT })).status).toBe(429)
    expect((await door.ask('/internal/whoami', { 'x-api-key': PREVIOUS })).status).toBe(200)
  })

  it('ends in a problem that says when to come again', async () => {
    const door = await open({ rules })
    for (let count = 0; count < 2; count += 1) await door.ask('/internal/whoami', { 'x-api-key': CURRENT })
    const response = await door.ask('/internal/whoami', { 'x-api-key': CURRENT, 'x-request-id': 'trace-1' })
    expect(response.status).toBe(429)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(await response.json()).toMatchObject({
      type: 'urn:onceline:problem:rate_limited',
      title: 'Too Many Requests',
      status: 429,
      code: 'rate_limited',
      requestId: 'trace-1',
      'violated-policies': ['internal-api'],
    })
    const { r, t } = readLimitField(response.headers.get('ratelimit'))['internal-api'] ?? {}
    const retryAfter = response.headers.get('retry-after')
    expect(retryAfter).toMatch(/^\d+$/)
    expect(r).toBe(0)
    // The draft: Retry-After is not before the window's end.
    expect(Number(retryAfter)).toBeGreaterThanOrEqual(t ?? Number.NaN)
    expect(Number(retryAfter)).toBeLessThanOrEqual(600)
    expect(readLimitField(response.headers.get('ratelimit-policy'))).toEqual({
      'internal-api': { q: 2, w: 600 },
    })
  })

  it('stands beside a route’s own, in the same fields', async () => {
    const door = await open({ rules: { ...rules, 'trip-create': { points: 1, seconds: 60 } } })
    const policies = { 'internal-api': { q: 2, w: 600 }, 'trip-create': { q: 1, w: 60 } }
    for (const status of [200, 429]) {
      const answer = await door.ask('/internal/trips', { 'x-api-key': CURRENT })
      expect(answer.status).toBe(status)
      expect(readLimitField(answer.headers.get('ratelimit-policy'))).toEqual(policies)
      expect(Object.keys(readLimitField(answer.headers.get('ratelimit'))).sort()).toEqual(
        Object.keys(policies),
      )
      if (status === 429) expect(await answer.json()).toMatchObject({ 'violated-policies': ['trip-create'] })
    }
  })

  it('leaves no trace where it is off', async () => {
    const answer = await (await open()).ask('/internal/whoami', { 'x-api-key': CURRENT })
    expect(answer.headers.has('ratelimit')).toBe(false)
    expect(answer.headers.has('ratelimit-policy')).toBe(false)
  })
})

describe('failed attempts', () => {
  const options = { rules: { auth: { points: 2, seconds: 600 } }, trustedProxies: ['127.0.0.1'] }
  const from = (address: string, key?: string) => ({
    'x-forwarded-for': address,
    ...(key === undefined ? {} : { 'x-api-key': key }),
  })

  it('are limited for each address, and those with the right key are not', async () => {
    const door = await open(options)
    const ask = async (address: string, key?: string): Promise<number> =>
      (await door.ask('/internal/whoami', from(address, key))).status
    expect(await ask('203.0.113.1', WRONG)).toBe(403)
    expect(await ask('203.0.113.1')).toBe(401)
    expect(await ask('203.0.113.1', WRONG)).toBe(429)
    expect(await ask('203.0.113.1')).toBe(429)
    expect(await ask('203.0.113.2', WRONG)).toBe(403)
    expect(await ask('203.0.113.1', CURRENT)).toBe(200)
    expect(await door.metrics('onceline_internal_access_total{')).toEqual([
      'onceline_internal_access_total{verdict="key_wrong"} 3',
      'onceline_internal_access_total{verdict="key_missing"} 2',
      'onceline_internal_access_total{verdict="allowed"} 1',
    ])
  })

  it('count for a whole /64 of IPv6', async () => {
    const door = await open(options)
    const statuses = []
    const neighbours = ['2001:db8:0:7::1', '2001:db8:0:7::aaaa:1', '2001:db8:0:7:ffff:ffff:ffff:ffff']
    for (const address of [...neighbours, '2001:db8:0:8::1'])
      statuses.push((await door.ask('/internal/whoami', from(address))).status)
    expect(statuses).toEqual([401, 401, 429, 401])
  })

  it('are logged, a few of many, with the address and the reason and without any key', async () => {
    const door = await open({ trustedProxies: ['127.0.0.1'], allowed: ['10.0.0.0/8'] })
    await door.ask('/internal/whoami', from('203.0.113.1', WRONG))
    await door.ask('/internal/whoami', from('203.0.113.1', CURRENT))
    for (let count = 0; count < 20; count += 1)
      await door.ask('/internal/whoami', from('203.0.113.1', PREVIOUS))
    const lines = door.lines.map((line) => JSON.parse(line))
    expect(lines.map(({ reason, address }) => [reason, address])).toEqual([
      ['key_wrong', '203.0.113.1'],
      ['address_refused', '203.0.113.1'],
      ['address_refused', '203.0.113.1'],
    ])
    for (const key of [...KEYS, WRONG]) expect(door.lines.join()).not.toContain(key)
  })
})
