import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { openApp } from './support/app.ts'
import { Attacked } from './support/attacked.ts'
import { headOf, RawConnection } from './support/raw-http.ts'
import { outcomeOf, RawSocket, refusal, upgradeRequest } from './support/raw-socket.ts'
import { JWT_SECRET } from './support/socket.ts'
import { signToken } from './support/tokens.ts'

const PREVIOUS = 'an-0lder-jwt-5ecret-of-32-characters-or-more'
const PAGE = 'https://app.example.org'
const OPTIONS = { realtime: { jwtSecrets: [JWT_SECRET, PREVIOUS], allowedOrigins: [PAGE] } }
let attacked: Attacked

beforeAll(async () => {
  attacked = await Attacked.open('realtime-door', OPTIONS)
})

afterEach(() => attacked?.isWell())

afterAll(() => attacked?.close())

describe('the door lets in', () => {
  const token = signToken({ secret: JWT_SECRET, claims: { sub: 'rider-1', user_type: 'customer' } })
  const older = signToken({ secret: PREVIOUS, claims: { sub: 'rider-1', user_type: 'customer' } })

  it.each([
    ['a token in the query', `/?token=${token}`, [], null],
    ['a token at the other path', `/realtime?token=${token}`, [], null],
    ['a token in a header', '/', [`authorization: Bearer ${token}`], null],
    [
      'a token as a protocol, which is all there is to answer with',
      '/',
      [`sec-websocket-protocol: bearer.${token}`],
      `bearer.${token}`,
    ],
    [
      'a token beside the protocol',
      '/',
      [`sec-websocket-protocol: bearer.${token}, onceline.v1`],
      'onceline.v1',
    ],
    ['a token of the secret before', `/?token=${older}`, [], null],
    ['a page that is listed', `/?token=${token}`, [`origin: ${PAGE}`], null],
    [
      'a client that offers compression, and gets none',
      `/?token=${token}`,
      ['sec-websocket-extensions: permessage-deflate'],
      null,
    ],
  ] as const)('%s', async (_, target, lines, protocol) => {
    attacked.keepSecret(token)
    attacked.keepSecret(older)
    const raw = await RawSocket.open(attacked.app.port, target, lines)
    const answered = /^sec-websocket-protocol: (.*)\r$/im.exec(raw.head)?.[1] ?? null
    expect(answered).toBe(protocol)
    if (protocol?.startsWith('bearer') !== true) expect(raw.head).not.toContain(token)
    expect(raw.head).not.toMatch(/sec-websocket-extensions/i)
    raw.end()
  })

  it('whoever asked for something else before, on the same connection', async () => {
    const connection = await RawConnection.open(attacked.app.port)
    connection.send('GET /nothing HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n')
    expect((await connection.answer()).status).toBe(404)
    connection.send(upgradeRequest(`/?token=${attacked.token('rider-1')}`))
    expect((await connection.answer()).status).toBe(101)
    connection.end()
  })
})

describe('the door refuses', () => {
  const token = signToken({ secret: JWT_SECRET })

  it.each([
    ['401 token_required', '/', [], { 'www-authenticate': 'Bearer realm="onceline"' }],
    ['400 several_credentials', `/?token=${token}`, [`authorization: Bearer ${token}`], {}],
    ['400 several_credentials', `/?token=${token}&ticket=x`, [], {}],
    ['400 bad_since', `/?token=${token}&since=-1`, [], {}],
    ['400 bad_since', `/?token=${token}&since=1&since=1`, [], {}],
    ['404 unknown_path', `/socket.io/?token=${token}`, [], {}],
    ['404 unknown_path', `//evil.example/?token=${token}`, [], {}],
    [
      '426 bad_version',
      `/?token=${token}`,
      ['sec-websocket-version: 8'],
      { 'sec-websocket-version': '13', upgrade: 'websocket' },
    ],
    ['400 bad_key', `/?token=${token}`, ['sec-websocket-key: short'], {}],
    [
      '400 bad_key',
      `/?token=${token}`,
      ['sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==', 'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ=='],
      {},
    ],
    ['400 bad_protocols', '/', [`sec-websocket-protocol: bearer.${token},,`], {}],
    [
      '400 bad_protocols',
      '/',
      [`sec-websocket-protocol: bearer.${token}`, `sec-websocket-protocol: bearer.${token}`],
      {},
    ],
    ['403 origin_refused', `/?token=${token}`, ['origin: https://evil.example'], { vary: 'Origin' }],
    ['403 origin_refused', `/?token=${token}`, ['origin: null'], { vary: 'Origin' }],
    ['403 origin_refused', `/?token=${token}`, [`origin: ${PAGE}.evil.example`], { vary: 'Origin' }],
    ['403 origin_refused', `/?token=${token}`, ['origin: http://app.example.org'], { vary: 'Origin' }],
  ] as const)('with %s: %s %j', async (expected, target, lines, headers) => {
    attacked.keepSecret(token)
    const answer = await refusal(attacked.app.port, target, lines)
    expect(outcomeOf(answer)).toBe(expected)
    expect(answer.headers).toMatchObject({
      'content-type': 'application/problem+json',
      connection: 'close',
      ...headers,
    })
  })

  it('another method, and says which one', async () => {
    const connection = await RawConnection.open(attacked.app.port)
    connection.send(upgradeRequest(`/?token=${token}`).replace('GET', 'PUT'))
    const answer = await connection.answer()
    expect(outcomeOf(answer)).toBe('405 not_get')
    expect(answer.headers.allow).toBe('GET')
  })

  it.each([
    ['an address', `/?token=${'a'.repeat(20_000)}`, []],
    ['a header', '/', [`authorization: Bearer ${'a'.repeat(20_000)}`]],
    ['hundreds of headers', '/', Array.from({ length: 2_000 }, (_, n) => `x-header-${n}: x`)],
  ])('%s that is too long, before it is looked at', async (_, target, lines) => {
    expect((await refusal(attacked.app.port, target, lines)).status).toBe(431)
  })

  it('a request without a host', async () => {
    const connection = await RawConnection.open(attacked.app.port)
    connection.send(upgradeRequest(`/?token=${token}`).replace('host: 127.0.0.1\r\n', ''))
    const answer = await connection.answer()
    connection.end()
    expect(outcomeOf(answer)).toBe('400 no_host')
  })

  it('what is refused, whole, to whoever has sent more already', async () => {
    const connection = await RawConnection.open(attacked.app.port)
    connection.send(upgradeRequest('/?token=x'), Buffer.alloc(1_000, 0x81))
    expect(outcomeOf(await connection.answer())).toBe('401 token_refused')
    await connection.closed
  })
})

describe('whatever is no WebSocket', () => {
  it('is a request like any other: a webhook with Upgrade: h2c', async () => {
    const delivery = attacked.app.delivery('stripe', { merchantRef: 'with-h2c' })
    const upgrade = [
      'connection: Upgrade, HTTP2-Settings',
      'upgrade: h2c',
      'http2-settings: AAMAAABkAAQCAAAAAAIAAAAA',
    ]
    const connection = await RawConnection.open(attacked.app.port)
    connection.send(headOf(delivery, `content-length: ${delivery.body.length}`, upgrade), delivery.body)
    expect((await connection.answer()).status).toBe(200)
    connection.end()
  })

  it('is answered as one on the internal listener, where nobody opens WebSockets', async () => {
    const app = await openApp(attacked.database, {
      ...OPTIONS,
      working: false,
      internalApi: { isSeparate: true, allowedCidrs: null, trustedProxies: [] },
    })
    const port = await app.app.listenInternally(0, '127.0.0.1')
    const connection = await RawConnection.open(port)
    connection.send(upgradeRequest(`/?token=${attacked.token('rider-3')}`))
    expect(outcomeOf(await connection.answer())).toBe('404 not_found')
    connection.end()
    await app.stop()
  })
})
