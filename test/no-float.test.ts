import { globSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

/**
 * No amount is a float anywhere between a gateway's bytes and our books: in these files nothing makes a number of a text, rounds,
 * or calculates with `*`, `/`, `%` and `**`, but for the lines below. Samples are left out: they stand for the gateways, which
 * write JSON numbers. Sums of amounts are of bigints, which the type checker keeps from mixing with numbers.
 */
const FILES = globSync(['src/base/money.ts', 'src/payments/*.ts', 'src/webhooks/gateways/**/*.ts'], {
  cwd: new URL('..', import.meta.url),
  exclude: ['**/*.test.ts', 'src/webhooks/gateways/samples/**'],
})

const CALCULATES =
  /parseFloat|parseInt|toFixed|toPrecision|Number\(|Math\.|\*\*|(?<=[\w)\]]) [*/%] (?=[\w(])|(?<=\w )[*/%]= |\+(?=text\b|value\b)/

const BIGINT = 'all of it is bigint'
const EXACT = 'within ±10^15, a bigint becomes a JSON number exactly, on its way out'
const TIME = 'a time, not an amount'
const COUNT = 'a count or a length'

/** Part of a line → why it may stand. */
const ALLOWED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'src/base/money.ts': {
    'MAX_AMOUNT_MINOR = 10n ** 15n': BIGINT,
    'units * 10n ** BigInt(wanted - exponent)': BIGINT,
    '10n ** BigInt(exponent - wanted)': BIGINT,
    'units % divisor === 0n ? withinBounds(units / divisor)': BIGINT,
  },
  'src/payments/announcement.ts': { 'amountMinor: Number(move.fact.amountMinor': EXACT },
  'src/payments/json.ts': {
    'expectedMinor: Number(payment.expectedMinor)': EXACT,
    'capturedMinor: Number(payment.capturedMinor)': EXACT,
    'amountMinor: Number(amountMinor)': EXACT,
    'amountMinor === null ? null : Number(amountMinor)': EXACT,
  },
  'src/payments/payment-list.ts': { 'version: Number(row.version)': COUNT },
  'src/payments/recent-payments.ts': { 'Number(isCaptured(row.state) ? row.captured_minor': EXACT },
  'src/payments/store.ts': { 'version: Number(row.version)': COUNT },
  'src/webhooks/gateways/active-secrets.ts': { 'untilMs: Math.min(': TIME },
  'src/webhooks/gateways/case.ts': {
    'one.now * 1_000': TIME,
    'Number(fact.amountMinor)': EXACT,
    'index % 2 === 0': COUNT,
  },
  'src/webhooks/gateways/cashfree.ts': { 'const seconds = Number(': TIME },
  'src/webhooks/gateways/confirmers/newest.ts': { 'Number(stretch) + 1) * HINT_SECONDS': TIME },
  'src/webhooks/gateways/confirmers/paypal.ts': { 'untilMs: askedMs + seconds * 1_000': TIME },
  'src/webhooks/gateways/kit/amount.ts': {
    'difference === 0) return Number(amountMinor)': EXACT,
    'const factor = 10n ** BigInt(Math.abs(difference))': BIGINT,
    'return Number(amountMinor * factor)': EXACT,
    'amountMinor % factor !== 0n': BIGINT,
    'return Number(amountMinor / factor)': EXACT,
    'isDigits ? minorUnits(Number(value)':
      'at most 15 digits, which a double holds exactly; it is an integer',
  },
  'src/webhooks/gateways/kit/body.ts': { 'storableDate(value * 1000)': TIME },
  'src/webhooks/gateways/kit/clock.ts': { 'Math.abs(Math.floor(nowMs / 1000)': TIME },
  'src/webhooks/gateways/kit/hint.ts': { 'Math.floor(nowMs / (HINT_SECONDS * 1_000))': TIME },
  'src/webhooks/gateways/kit/raw-hmac.ts': { 'HASH_BYTES[hash] * 2': COUNT },
  'src/webhooks/gateways/hyperpay.ts': { 'bytes.length * HEX_DIGITS': COUNT },
  'src/webhooks/gateways/kit/signature.ts': { 'text.length === bytes * 2': COUNT },
  'src/webhooks/gateways/listers/stripe.ts': {
    'MAX_PAGES * PAGE_LIMIT': COUNT,
    'Math.floor(from.getTime() / 1_000)': TIME,
    'Math.ceil(until.getTime() / 1_000)': TIME,
  },
  'src/webhooks/gateways/mercadopago.ts': {
    'const signedMs = Number(parts.ts) *': TIME,
    'Math.floor(signedMs / 1_000)': TIME,
  },
  'src/webhooks/gateways/settings.ts': { 'index: Number(match[1]) - 1': COUNT },
  'src/webhooks/gateways/standard-webhooks.ts': { 'isFresh(Number(timestamp)': TIME },
  'src/webhooks/gateways/stripe.ts': { 'TIMESTAMP.test(digits) ? Number(digits)': TIME },
}

/** Lines that calculate, without comments and regular expressions. */
function calculating(file: string): readonly string[] {
  const text = readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => !/^(?:\/\/|\/?\*)/.test(line))
    .filter((line) => CALCULATES.test(line.replace(/\/(?:\\.|\[(?:\\.|[^\]])*\]|[^/\\ ])+\/[a-z]*/g, '')))
}

describe('no float on the way of money', () => {
  it('looks at the files that it means to', () => {
    expect(FILES.length).toBeGreaterThan(80)
    expect(FILES).toEqual(expect.arrayContaining([...Object.keys(ALLOWED)]))
  })

  it.each(FILES)('%s', (file) => {
    const allowed = Object.keys(ALLOWED[file] ?? {})
    const lines = calculating(file)
    expect(lines.filter((line) => !allowed.some((part) => line.includes(part)))).toEqual([])
    expect(allowed.filter((part) => !lines.some((line) => line.includes(part)))).toEqual([])
  })

  it.each([
    'const amountMinor = BigInt(Math.round(data.amount * 100))',
    'const amount = parseFloat(text)',
    'const amount = Number(text)',
    'return (amount / 100).toFixed(2)',
    'const cents = value * 100',
    'total *= 100',
    'const cents = amount % 100',
  ])('would see %s', (line) => {
    expect(line).toMatch(CALCULATES)
  })
})
