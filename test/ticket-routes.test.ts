import { afterEach, describe, expect, it } from 'vitest'
import { manualClock } from '../src/base/clock.ts'
import { redeemTicket } from '../src/realtime/door/tickets.ts'
import { readLimitField } from './support/limits.ts'
import { RawConnection } from './support/raw-http.ts'
import { openTicketDoor, type TicketDoor, type TicketDoorOptions } from './support/ticket-door.ts'
import { signToken } from './support/tokens.ts'

const CURRENT = 'c0ffee-jwt-5ecret-of-32-characters-or-more'
const PREVIOUS = 'an-0lder-jwt-5ecret-of-32-characters-or-more'
const PAGE = 'https://app.example.org'
const doors: TicketDoor[] = []

async function open(options: Partial<TicketDoorOptions> = {}): Promise<TicketDoor> {
  const door = await openTicketDoor({ secrets: [CURRENT, PREVIOUS], origins: [PAGE], ...options })
  doors.push(door)
  return door
}
afterEach(async () => {
  await Promise.all(doors.splice(0).map((door) => door.stop()))
})

const bearer = (claims: Readonly<Record<string, unknown>> = {}, secret = CURRENT) => ({
  authorization: `Bearer ${signToken({ secret, claims })}`,
})

describe('POST /realtime/tickets', () => {
  it('changes a token for a ticket that lets its user in', async () => {
    const door = await open()
    const answer = await door.ask(bearer({ sub: 'rider-7', user_type: 'customer' }))
    expect(answer.status).toBe(201)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    const { ticket, expiresAt, ...rest } = (await answer.json()) as Record<string, string>
    expect(rest).toEqual({})
    const leftMs = Date.parse(expiresAt ?? '') - Date.now()
    expect(leftMs).toBeGreaterThan(0)
    expect(leftMs).toBeLessThanOrEqual(30_000)
    expect(await redeemTicket(door.desk, ticket ?? '', undefined)).toMatchObject({
      kind: 'redeemed',
      user: { userId: 'rider-7', userType: 'customer' },
    })
    expect(await door.metrics('onceline_tickets_asked_total{')).toEqual([
      'onceline_tickets_asked_total{outcome="issued"} 1',
    ])
  })

  it('gives none that lives longer than the token', async () => {
    const door = await open({ clock: manualClock(1_796_000_000_000) })
    const exp = 1_796_000_010
    const answer = await door.ask(bearer({ exp }))
    expect(await answer.json()).toMatchObject({ expiresAt: new Date(exp * 1_000).toISOString() })
  })

  it('takes both secrets of a rotation, and tells which', async () => {
    const door = await open()
    for (const secret of [CURRENT, PREVIOUS, PREVIOUS])
      expect((await door.ask(bearer({}, secret))).status).toBe(201)
    expect(await door.metrics('onceline_token_secret_matched_total{')).toEqual([
      'onceline_token_secret_matched_total{secret="1"} 1',
      'onceline_token_secret_matched_total{secret="2"} 2',
    ])
  })

  it('waits for no body', async () => {
    const connection = await RawConnection.open(Number(new URL((await open()).url).port))
    const head = `POST /realtime/tickets HTTP/1.1\r\nhost: a\r\nauthorization: ${bearer().authorization}`
    connection.send(`${head}\r\ncontent-length: 999999\r\n\r\nx`)
    expect((await connection.answer()).status).toBe(201)
    connection.end()
  })

  it.each(['GET', 'PUT', 'DELETE', 'PATCH'])('is no %s', async (method) => {
    const answer = await (await open()).ask(bearer(), method)
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST, OPTIONS'])
  })
})

describe('without a right token', () => {
  it.each([
    {},
    { authorization: '' },
    { authorization: 'Bearer' },
    { authorization: 'Basic dTpw' },
    { authorization: 'Bearer a b' },
  ])('with %j nothing but a challenge', async (headers) => {
    const door = await open()
    const answer = await door.ask(headers as Record<string, string>)
    expect(answer.status).toBe(401)
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="onceline"')
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(await answer.json()).toMatchObject({ code: 'token_required' })
  })

  it.each([
    [{ exp: 1 }, 'expired'],
    [{ exp: undefined }, 'no_expiry'],
    [{ nbf: 9e9 }, 'not_yet_valid'],
    [{ sub: '' }, 'no_subject'],
    [{ user_id: 'another' }, 'subjects_differ'],
    [{ user_type: 'root' }, 'unknown_user_type'],
  ])('%j is refused, and said to be %s', async (claims, reason) => {
    const door = await open()
    const answer = await door.ask({ ...bearer(claims), 'x-request-id': 'trace-1' })
    expect(answer.status).toBe(401)
    expect(answer.headers.get('www-authenticate')).toMatch(
      /^Bearer realm="onceline", error="invalid_token", error_description="The token [^"\\]+\."$/,
    )
    expect(await answer.json()).toMatchObject({ code: 'token_refused', reason, requestId: 'trace-1' })
    expect(await door.metrics('onceline_tokens_checked_total{')).toEqual([
      `onceline_tokens_checked_total{verdict="${reason}"} 1`,
    ])
  })

  it('in the query it is none: addresses are written down', async () => {
    const door = await open()
    const { authorization } = bearer()
    const query = `?token=${authorization.slice(7)}&access_token=${authorization.slice(7)}`
    const answer = await fetch(`${door.url}/realtime/tickets${query}`, { method: 'POST' })
    expect(answer.status).toBe(401)
  })

  it('lines say why, a few of many, and never the token', async () => {
    const door = await open()
    const wrong = bearer({}, 'another-secret')
    for (let count = 0; count < 20; count += 1) await door.ask(wrong)
    expect(door.lines).toHaveLength(5)
    expect(JSON.parse(door.lines[0] ?? '')).toMatchObject({
      outcome: 'token_refused',
      reason: 'bad_signature',
      network: '127.0.0.1',
    })
    expect(door.lines.join()).not.toContain(wrong.authorization.slice(-43))
  })
})

describe('pages', () => {
  it('of an origin that is listed get tickets for themselves, and may read every answer', async () => {
    const door = await open()
    const answer = await door.ask({ ...bearer(), origin: PAGE })
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([201, PAGE])
    expect(answer.headers.get('vary')?.toLowerCase()).toContain('origin')
    expect(answer.headers.has('access-control-allow-credentials')).toBe(false)
    const { ticket } = (await answer.json()) as { ticket: string }
    expect(await redeemTicket(door.desk, ticket, PAGE)).toMatchObject({ kind: 'redeemed' })
    for (const headers of [{}, bearer({ exp: 1 })]) {
      const refusal = await door.ask({ ...headers, origin: PAGE })
      expect([refusal.status, refusal.headers.get('access-control-allow-origin')]).toEqual([401, PAGE])
      expect(refusal.headers.get('access-control-expose-headers')).toContain('WWW-Authenticate')
    }
  })

  it.each(['https://evil.example', 'null', 'http://app.example.org', `${PAGE}, https://evil.example`])(
    'of %s get none, whatever token they have',
    async (origin) => {
      const door = await open()
      const answer = await door.ask({ ...bearer(), origin })
      expect(answer.status).toBe(403)
      expect(answer.headers.has('access-control-allow-origin')).toBe(false)
      expect(await answer.json()).toMatchObject({ code: 'origin_refused' })
      expect((await door.ask({ origin }, 'OPTIONS')).status).toBe(403)
      expect(await door.metrics('onceline_tickets_asked_total{')).toEqual([
        'onceline_tickets_asked_total{outcome="origin_refused"} 2',
      ])
    },
  )

  it('ask beforehand, and are told what they may send', async () => {
    const door = await open({ rules: { auth: { points: 1, seconds: 600 } } })
    const preflight = {
      origin: PAGE,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization',
    }
    for (let count = 0; count < 3; count += 1) {
      const answer = await door.ask(preflight, 'OPTIONS')
      expect(answer.status).toBe(204)
      expect(answer.headers.get('access-control-allow-origin')).toBe(PAGE)
      expect(answer.headers.get('access-control-allow-methods')).toBe('POST')
      expect(answer.headers.get('access-control-allow-headers')).toContain('Authorization')
      expect(answer.headers.get('access-control-max-age')).toBe('600')
    }
    // What a browser asks by itself is counted nowhere.
    expect((await door.ask({ ...bearer(), origin: PAGE })).status).toBe(201)
  })

  it('of all origins where all are listed', async () => {
    const door = await open({ origins: ['*'] })
    const answer = await door.ask({ ...bearer(), origin: 'https://any.example' })
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([
      201,
      'https://any.example',
    ])
  })
})

describe('the limit', () => {
  const rules = { auth: { points: 2, seconds: 600 } }
  const trustedProxies = ['127.0.0.1']

  it('of an address comes before the token is looked at', async () => {
    const door = await open({ rules, trustedProxies })
    const ask = async (address: string, headers: Readonly<Record<string, string>>) =>
      door.ask({ ...headers, 'x-forwarded-for': address })
    const statuses = []
    for (const headers of [bearer({ exp: 1 }), {}, bearer({ exp: 1 }), bearer()])
      statuses.push((await ask('203.0.113.1', headers)).status)
    expect(statuses).toEqual([401, 401, 429, 429])
    expect(await door.metrics('onceline_tokens_checked_total{')).toEqual([
      'onceline_tokens_checked_total{verdict="expired"} 1',
    ])
    // Others are not meant: neither another address, nor one that the client itself put in front.
    expect((await ask('203.0.113.2', bearer())).status).toBe(201)
    expect((await ask('203.0.113.3, 203.0.113.1', bearer())).status).toBe(429)
  })

  it('of a user holds from every address, and says how he stands', async () => {
    const door = await open({ rules, trustedProxies })
    const ask = (last: number, sub: string) =>
      door.ask({ ...bearer({ sub }), 'x-forwarded-for': `203.0.113.${last}`, origin: PAGE })
    const answers = []
    for (const last of [1, 2, 3]) answers.push(await ask(last, 'driver-1'))
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 429])
    expect(answers.map(({ headers }) => readLimitField(headers.get('ratelimit')).auth?.r)).toEqual([1, 0, 0])
    for (const { headers } of answers) {
      expect(readLimitField(headers.get('ratelimit-policy'))).toEqual({ auth: { q: 2, w: 600 } })
      expect(headers.get('access-control-expose-headers')).toContain('RateLimit')
    }
    expect(Number(answers[2]?.headers.get('retry-after'))).toBeGreaterThan(500)
    expect(await answers[2]?.json()).toMatchObject({ code: 'rate_limited', 'violated-policies': ['auth'] })
    expect((await ask(4, 'driver-2')).status).toBe(201)
    expect(await door.metrics('onceline_tickets_asked_total{outcome="limited"}')).toEqual([
      'onceline_tickets_asked_total{outcome="limited"} 1',
    ])
  })

  it('of a refused token says how the address stands', async () => {
    const door = await open({ rules })
    const answer = await door.ask(bearer({ exp: 1 }))
    expect(readLimitField(answer.headers.get('ratelimit')).auth?.r).toBe(1)
  })

  it('of an address is none where a trusted proxy names nobody behind it', async () => {
    const door = await open({ rules, trustedProxies })
    const statuses = []
    for (const sub of ['a', 'b', 'c', 'd']) statuses.push((await door.ask(bearer({ sub }))).status)
    expect(statuses).toEqual([201, 201, 201, 201])
  })
})
