import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { propertyRuns } from '../../../test/support/property-runs.ts'
import { chooseProtocol, type HandshakeRequest, readHandshake } from './handshake.ts'

const TOKEN = 'aaa.bbb.ccc'
const TICKET = 'kd2XzPj0uE5mJrQyV1hT8sWcN4bA7fGoL9iR6eUxM3w'

interface Changes {
  readonly method?: string
  readonly url?: string
  readonly headers?: Readonly<Record<string, string | undefined>>
}

function request({ method = 'GET', url = `/?token=${TOKEN}`, headers = {} }: Changes = {}): HandshakeRequest {
  const usual = {
    host: '127.0.0.1',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  }
  return { method, url, headers: { ...usual, ...headers } }
}

/** The credential and the cursor in short, or the problem. */
function reading(changes: Changes): string {
  const answer = readHandshake(request(changes))
  if (answer.kind === 'refused') return answer.problem
  const { credential, since } = answer.handshake
  return `${credential.kind} ${credential.text} ${since}`
}

const protocol = (value: string): Changes => ({ url: '/', headers: { 'sec-websocket-protocol': value } })
const authorization = (value: string): Changes => ({ url: '/', headers: { authorization: value } })
const headers = (name: string, value: string | undefined): Changes => ({ headers: { [name]: value } })

describe('a handshake', () => {
  it.each([
    [{}, `token ${TOKEN} null`],
    [{ url: `/realtime?token=${TOKEN}` }, `token ${TOKEN} null`],
    [{ url: `/?ticket=${TICKET}` }, `ticket ${TICKET} null`],
    [authorization(`Bearer ${TOKEN}`), `token ${TOKEN} null`],
    [authorization(`bearer  ${TOKEN} `), `token ${TOKEN} null`],
    [protocol(`bearer.${TOKEN}`), `token ${TOKEN} null`],
    [protocol(`onceline.v1, bearer.${TOKEN}`), `token ${TOKEN} null`],
    [protocol(`onceline.v1,ticket.${TICKET}`), `ticket ${TICKET} null`],
    [protocol(`soap \t, ticket.${TICKET} ,mqtt`), `ticket ${TICKET} null`],
    [{ url: `/?since=0&token=${TOKEN}` }, `token ${TOKEN} 0`],
    [{ url: `/?token=${TOKEN}&since=999999999999999` }, `token ${TOKEN} 999999999999999`],
    [{ url: `/?token=${TOKEN}&EIO=4&transport=websocket` }, `token ${TOKEN} null`],
    [{ url: `/?token=%61aa.bbb.ccc` }, `token ${TOKEN} null`],
    [headers('upgrade', 'WebSocket'), `token ${TOKEN} null`],
  ] as const)('of %j is read', (changes, expected) => {
    expect(reading(changes)).toBe(expected)
  })

  it.each([
    ['unknown_path', { url: `/socket.io/?token=${TOKEN}` }],
    ['unknown_path', { url: `//?token=${TOKEN}` }],
    ['unknown_path', { url: `/realtime/?token=${TOKEN}` }],
    ['unknown_path', { url: `/REALTIME?token=${TOKEN}` }],
    ['unknown_path', { url: `/%72ealtime?token=${TOKEN}` }],
    ['unknown_path', { url: `/..?token=${TOKEN}` }],
    ['unknown_path', { url: `http://127.0.0.1/?token=${TOKEN}` }],
    ['unknown_path', { url: '*' }],
    ['unknown_path', { url: '' }],
    ['not_get', { method: 'POST' }],
    ['not_get', { method: 'HEAD' }],
    ['not_a_websocket', headers('upgrade', 'h2c')],
    ['not_a_websocket', headers('upgrade', 'websocket, h2c')],
    ['not_a_websocket', headers('upgrade', undefined)],
    ['no_host', headers('host', undefined)],
    ['bad_version', headers('sec-websocket-version', '8')],
    ['bad_version', headers('sec-websocket-version', '013')],
    ['bad_version', headers('sec-websocket-version', '13, 8')],
    ['bad_version', headers('sec-websocket-version', undefined)],
    ['bad_key', headers('sec-websocket-key', undefined)],
    ['bad_key', headers('sec-websocket-key', '')],
    ['bad_key', headers('sec-websocket-key', 'dGhlIHNhbXBsZSBub25jZQ')],
    ['bad_key', headers('sec-websocket-key', 'dGhlIHNhbXBsZSBub25jZXM=')],
    ['bad_key', headers('sec-websocket-key', 'dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ==')],
    ['credential_missing', { url: '/' }],
    ['credential_missing', { url: `/?Token=${TOKEN}` }],
    ['unknown_path', { url: `/#token=${TOKEN}` }],
    ['credential_missing', protocol('onceline.v1')],
    ['credential_missing', authorization(`Basic ${TOKEN}`)],
    ['credential_missing', authorization('Bearer')],
    ['credential_missing', authorization('Bearer a b')],
    ['several_credentials', { url: `/?token=${TOKEN}&token=${TOKEN}` }],
    ['several_credentials', { url: `/?token=${TOKEN}&ticket=${TICKET}` }],
    ['several_credentials', { headers: { authorization: `Bearer ${TOKEN}` } }],
    ['several_credentials', headers('sec-websocket-protocol', `bearer.${TOKEN}`)],
    ['several_credentials', protocol(`bearer.${TOKEN}, ticket.${TICKET}`)],
    ['bad_protocols', protocol('')],
    ['bad_protocols', protocol(',')],
    ['bad_protocols', protocol(`bearer.${TOKEN},`)],
    ['bad_protocols', protocol(`bearer.${TOKEN} onceline.v1`)],
    ['bad_protocols', protocol(`bearer.${TOKEN}, bearer.${TOKEN}`)],
    ['bad_protocols', protocol(`bearer.${TOKEN}, a, b, c, d, e, f, g, h`)],
    ['bad_protocols', protocol(`bearer.${TOKEN}\u00e9`)],
    ['bad_since', { url: `/?token=${TOKEN}&since=` }],
    ['bad_since', { url: `/?token=${TOKEN}&since=-1` }],
    ['bad_since', { url: `/?token=${TOKEN}&since=1.5` }],
    ['bad_since', { url: `/?token=${TOKEN}&since=1e3` }],
    ['bad_since', { url: `/?token=${TOKEN}&since=0x10` }],
    ['bad_since', { url: `/?token=${TOKEN}&since=%201` }],
    ['bad_since', { url: `/?token=${TOKEN}&since=NaN` }],
    ['bad_since', { url: `/?token=${TOKEN}&since=1000000000000000` }],
    ['bad_since', { url: `/?token=${TOKEN}&since=1&since=2` }],
    ['bad_since', { url: `/?token=${TOKEN}&since=\u0661` }],
  ] as const)('is refused as %s: %j', (problem, changes) => {
    expect(reading(changes)).toBe(problem)
  })

  it('gets a verdict, whatever it is', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc.constantFrom('websocket', '13', '%', '%ff', '%e2%82', `bearer.${TOKEN}`, `Bearer ${TOKEN}`),
    )
    const url = fc.oneof(
      text,
      fc.tuple(fc.constantFrom('/', '/realtime'), text).map(([path, query]) => `${path}?${query}`),
      fc
        .tuple(fc.constantFrom('token', 'ticket', 'since'), text)
        .map(([name, value]) => `/?${name}=${value}`),
    )
    const names = [
      'upgrade',
      'authorization',
      'sec-websocket-version',
      'sec-websocket-key',
      'sec-websocket-protocol',
    ]
    const some = fc.dictionary(fc.constantFrom(...names), text)
    fc.assert(
      fc.property(url, some, (url, headers) => {
        const answer = readHandshake(request({ url, headers }))
        if (answer.kind === 'refused') return
        const { since } = answer.handshake
        expect(since === null || (Number.isSafeInteger(since) && since >= 0)).toBe(true)
      }),
      propertyRuns(2_000),
    )
  })

  it('takes no time that grows faster than its length', () => {
    const long = 15_000
    const startedMs = performance.now()
    for (const value of [
      'a,'.repeat(long),
      `a${' '.repeat(long)}b`,
      `a${' ,'.repeat(long)}`,
      '\t'.repeat(long),
    ])
      expect(reading(protocol(value))).toBe('bad_protocols')
    for (const value of [
      `Bearer${' '.repeat(long)}`,
      `Bearer ${'a'.repeat(long)} b`,
      `Bearer ${' a'.repeat(long)}`,
    ])
      expect(reading(authorization(value))).toBe('credential_missing')
    // Some milliseconds; one that backtracks takes hours.
    expect(performance.now() - startedMs).toBeLessThan(10_000)
  })
})

describe('the protocol that is answered', () => {
  it.each([
    [['onceline.v1'], 'onceline.v1'],
    [[`bearer.${TOKEN}`, 'onceline.v1'], 'onceline.v1'],
    [['onceline.v1', `ticket.${TICKET}`], 'onceline.v1'],
    [['mqtt', `bearer.${TOKEN}`], `bearer.${TOKEN}`],
    [[`ticket.${TICKET}`], `ticket.${TICKET}`],
    [['mqtt', 'soap'], false],
    [['Onceline.V1'], false],
  ])('of %j', (offered, expected) => {
    expect(chooseProtocol(new Set(offered))).toBe(expected)
  })
})
