import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { propertyRuns } from '../../test/support/property-runs.ts'
import { createLogger, type Log } from './log.ts'

const SECRETS = [
  's3cr3t-"quoted"\\slashed',
  'whsec_0123456789abcdef',
  'p@ss.w*rd+(1)',
  'whsec_0123456789abcdefLONGER',
]
const CARD = '4111111111111111'

function record(): { log: Log; text: () => string; last: () => Record<string, unknown> } {
  const lines: string[] = []
  const log = createLogger({
    level: 'trace',
    name: 'test',
    secrets: SECRETS,
    destination: { write: (line) => lines.push(line) },
  })
  return { log, text: () => lines.join(''), last: () => JSON.parse(lines.at(-1) ?? 'null') }
}

describe('createLogger', () => {
  it('writes one JSON object a line, with an ISO time and the level as a word', () => {
    const { log, text, last } = record()
    log.info({ eventId: 'e-1' }, 'event %s', 'processed')
    expect(text().endsWith('}\n')).toBe(true)
    expect(last()).toMatchObject({ level: 'info', name: 'test', eventId: 'e-1', msg: 'event processed' })
    expect(last().time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  })

  it('writes nothing below its level', () => {
    const lines: string[] = []
    createLogger({ level: 'warn', destination: { write: (line) => lines.push(line) } }).info('quiet')
    expect(lines).toEqual([])
  })
})

describe('redaction by key', () => {
  it.each([
    ['authorization'],
    ['X-API-Key'],
    ['x_api_key'],
    ['Cookie'],
    ['set-cookie'],
    ['Stripe-Signature'],
    ['x-kashier-signature'],
    ['hmac'],
    ['password'],
    ['DB_PASSWORD'],
    ['secret'],
    ['secrets'],
    ['accessToken'],
    ['body'],
    ['rawBody'],
    ['pan'],
    ['cardNumber'],
    ['card_number'],
    ['sql'],
    ['verif-hash'],
  ])('withholds %s at any depth, in bindings and in errors', (key) => {
    const { log, text } = record()
    log.info({ [key]: 'hush-1' })
    log.info({ a: [{ b: { c: { d: { [key]: ['hush-2', { e: 'hush-3' }] } } } }] })
    log.child({ request: { headers: { [key]: 'hush-4' } } }).info('child')
    log.error({ err: Object.assign(new Error('failed'), { [key]: 'hush-5' }) })
    expect(text()).not.toContain('hush')
    expect(text().match(/\[redacted\]/g)).toHaveLength(4)
  })

  it('withholds a card number that is a number, and keeps plain numbers and neighbours', () => {
    const { log, last } = record()
    log.info({ pan: 4111111111111111, secretIndex: 1, bodyBytes: 12, gateway: 'stripe', token: null })
    expect(last()).toMatchObject({
      pan: '[redacted]',
      secretIndex: 1,
      bodyBytes: 12,
      gateway: 'stripe',
      token: null,
    })
  })
})

describe('redaction by value', () => {
  it.each(SECRETS)('takes %s out of messages, stacks, nested values, keys and bindings', (secret) => {
    const { log, text } = record()
    log.info(`connecting with ${secret}!`)
    log.info({ deep: [{ er: `x${secret}y` }], [`key ${secret}`]: 1 })
    log.error(new Error(`refused ${secret}`, { cause: new Error(secret) }))
    log.child({ by: secret }).info('child')
    expect(text()).not.toContain(secret)
    expect(text()).not.toContain(JSON.stringify(secret).slice(1, -1))
    for (const line of text().trimEnd().split('\n')) expect(JSON.parse(line)).toBeTypeOf('object')
    expect(text().match(/\[redacted\]/g)?.length).toBeGreaterThanOrEqual(6)
  })

  it('replaces the longer of two secrets that begin alike, so that no tail is left', () => {
    const { log, last } = record()
    log.info('whsec_0123456789abcdefLONGER')
    expect(last().msg).toBe('[redacted]')
  })

  it('finds any secret in any text', () => {
    const anySecret = fc.string({ minLength: 6, maxLength: 40, unit: 'grapheme' })
    fc.assert(
      fc.property(anySecret, fc.string(), fc.string(), (secret, before, after) => {
        // A secret that is part of the fixed words of a line would be found there, not where it was put.
        fc.pre(!'"level":"info","time":"msg"pid[redacted]'.includes(secret) && !/^\s*$/.test(secret))
        const lines: string[] = []
        const destination = { write: (line: string) => lines.push(line) }
        createLogger({ level: 'info', secrets: [secret], destination }).info({ it: before + secret + after })
        expect(JSON.parse(lines[0] ?? '').it).not.toContain(secret)
      }),
      propertyRuns(200),
    )
  })

  it('leaves values under six characters alone', () => {
    const lines: string[] = []
    createLogger({ level: 'info', secrets: ['', 'root'], destination: { write: (l) => lines.push(l) } }).info(
      '/root/x',
    )
    expect(JSON.parse(lines[0] ?? '').msg).toBe('/root/x')
  })

  it('withholds bearer tokens, JSON Web Tokens and signatures in a URL', () => {
    const { log, last } = record()
    const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc_def-123'
    log.info({ a: 'Bearer abc.def', b: `got ${jwt}`, url: '/webhooks/paymob?x=1&hmac=00ff&y=2' })
    expect(last()).toMatchObject({
      a: 'Bearer [redacted]',
      b: 'got [redacted]',
      url: '/webhooks/paymob?x=1&hmac=[redacted]&y=2',
    })
  })

  it('withholds what opens a WebSocket, wherever it may stand', () => {
    const { log, last } = record()
    log.info({
      url: '/?since=41&ticket=abc-def_1',
      token: '/?token=no-token-at-all',
      'sec-websocket-protocol': 'onceline, bearer.abc-def_1.x.y, bearer.z',
      answer: { ticket: 'abc-def_1', ticketsLeft: 3 },
    })
    expect(last()).toMatchObject({
      url: '/?since=41&ticket=[redacted]',
      token: '[redacted]',
      'sec-websocket-protocol': 'onceline, bearer.[redacted], bearer.[redacted]',
      answer: { ticket: '[redacted]', ticketsLeft: 3 },
    })
  })
})

describe('card numbers', () => {
  it.each([
    ['4111111111111111', '411111…1111'],
    ['paid with 5555555555554444.', 'paid with 555555…4444.'],
    ['378282246310005', '378282…0005'],
    ['line\n6011111111111117\nline', 'line\n601111…1117\nline'],
    ['4111 1111 1111 1111', '411111…1111'],
    ['4111-1111-1111-1111', '411111…1111'],
    ['3782 822463 10005', '378282…0005'],
  ])('masks %j', (text, masked) => {
    const { log, last } = record()
    log.info({ note: text })
    expect(last().note).toBe(masked)
  })

  it.each([
    '4111111111111112',
    '41111111111111',
    'evt_4111111111111111a',
    'a4111111111111111',
    '01939e5c-1111-7111-8111-111111111111',
  ])('leaves %j alone', (text) => {
    const { log, last } = record()
    log.info({ note: text })
    expect(last().note).toBe(text)
  })

  it('masks a card number under any key when it is a number, and leaves times in milliseconds', () => {
    const { log, last } = record()
    // 1700000000004 passes Luhn, but a number of 13 digits is a time.
    log.info({ reference: Number(CARD), at: 1_700_000_000_004 })
    expect(last()).toMatchObject({ reference: '411111…1111', at: 1_700_000_000_004 })
  })

  it('masks every run of 13 to 19 digits that passes Luhn', () => {
    const anyCard = fc.stringMatching(/^\d{12,18}$/).map((digits) => digits + checkDigit(digits))
    fc.assert(
      fc.property(anyCard, fc.constantFrom('', ' ', '"', '\n', '(', '=', 'كرت'), (card, around) => {
        const { log, text } = record()
        log.info(`${around}${card}${around}`)
        expect(text()).not.toContain(card)
      }),
      propertyRuns(200),
    )
  })
})

function checkDigit(digits: string): string {
  const sum = [...digits].reverse().reduce((total, digit, place) => {
    const weighted = place % 2 === 0 ? Number(digit) * 2 : Number(digit)
    return total + (weighted > 9 ? weighted - 9 : weighted)
  }, 0)
  return String((10 - (sum % 10)) % 10)
}
