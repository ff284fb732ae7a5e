import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  CURRENCIES,
  currencyExponent,
  decimalToMinor,
  exactDecimal,
  isCurrency,
  MAX_AMOUNT_MINOR,
  minorToDecimal,
  rescaleToMinor,
} from './money.ts'

const anyCurrency = fc.constantFrom(...CURRENCIES)
const anyAmount = fc.bigInt({ min: -MAX_AMOUNT_MINOR, max: MAX_AMOUNT_MINOR })

describe('decimalToMinor', () => {
  it.each([
    ['1', 'EGP', 100n],
    ['250.75', 'EGP', 25075n],
    ['0.1', 'EGP', 10n],
    ['-3.10', 'EGP', -310n],
    ['-0', 'EGP', 0n],
    ['1.5', 'KWD', 1500n],
    ['1.500', 'KWD', 1500n],
    ['1.5000', 'EGP', 150n],
    ['500', 'JPY', 500n],
    ['500.00', 'JPY', 500n],
    ['1.2345', 'CLF', 12345n],
    ['10000000000000.00', 'EGP', MAX_AMOUNT_MINOR],
    ['90071992547.40993', 'EGP', null],
    ['10000000000000.01', 'EGP', null],
    ['1.005', 'EGP', null],
    ['1.5', 'JPY', null],
    ['1.0001', 'KWD', null],
  ])('reads %s %s as %s', (text, currency, amount) => {
    expect(decimalToMinor(text, currency)).toBe(amount)
  })

  it.each([
    '',
    '.',
    '1.',
    '.5',
    '+1',
    '1e3',
    '1,000',
    ' 1',
    '1 ',
    '1\n',
    '0x10',
    '١',
    '--1',
    'NaN',
    'Infinity',
  ])('refuses %j', (text) => {
    expect(decimalToMinor(text, 'EGP')).toBeNull()
  })

  it('refuses what is no ISO 4217 code, and prototype keys', () => {
    for (const currency of ['egp', 'XXX', '', 'EGP ', '__proto__', 'constructor', 'toString']) {
      expect(decimalToMinor('1', currency)).toBeNull()
      expect(isCurrency(currency)).toBe(false)
      expect(currencyExponent(currency)).toBeNull()
    }
  })

  it('refuses a megabyte of digits at once', () => {
    expect(decimalToMinor('9'.repeat(1_000_000), 'EGP')).toBeNull()
  })

  it('reads back whatever minorToDecimal wrote, padding zeros or none', () => {
    fc.assert(
      fc.property(anyAmount, anyCurrency, fc.nat(6), (amount, currency, zeros) => {
        const text = minorToDecimal(amount, currency)
        expect(decimalToMinor(text, currency)).toBe(amount)
        const padded = (text.includes('.') ? text : `${text}.0`) + '0'.repeat(zeros)
        expect(decimalToMinor(padded, currency)).toBe(amount)
      }),
      { numRuns: 1_000 },
    )
  })

  it('never rounds: one more digit than the currency has is refused unless it is a zero', () => {
    fc.assert(
      fc.property(anyAmount, anyCurrency, fc.integer({ min: 1, max: 9 }), (amount, currency, digit) => {
        const text = minorToDecimal(amount, currency)
        const longer = text.includes('.') ? `${text}${digit}` : `${text}.${digit}`
        expect(decimalToMinor(longer, currency)).toBeNull()
      }),
    )
  })

  it('answers any text without throwing', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), (text, currency) => {
        const amount = decimalToMinor(text, currency)
        expect(amount === null || typeof amount === 'bigint').toBe(true)
      }),
    )
  })
})

describe('minorToDecimal', () => {
  it.each([
    [5n, 'EGP', '0.05'],
    [-5n, 'KWD', '-0.005'],
    [0n, 'USD', '0.00'],
    [1234n, 'JPY', '1234'],
  ])('writes %s %s as %s', (amount, currency, text) => {
    expect(minorToDecimal(amount, currency)).toBe(text)
  })

  it('throws for a currency nobody knows', () => {
    expect(() => minorToDecimal(1n, 'XXX')).toThrow(RangeError)
  })
})

describe('rescaleToMinor', () => {
  it.each([
    [500n, 2, 'ISK', 5n],
    [501n, 2, 'ISK', null],
    [7n, 0, 'MGA', 700n],
    [100n, 2, 'EGP', 100n],
    [MAX_AMOUNT_MINOR, 0, 'MGA', null],
    [1n, 2, 'XXX', null],
  ])('reads %s units with %s digits of %s as %s', (units, exponent, currency, amount) => {
    expect(rescaleToMinor(units, exponent, currency)).toBe(amount)
  })
})

describe('exactDecimal', () => {
  it.each([
    [1, '1'],
    [250.75, '250.75'],
    [0.000001, '0.000001'],
    [123456789012.345, '123456789012.345'],
    [1234567890123456, null],
    [0.1 + 0.2, null],
    [1e21, null],
    [1e-7, null],
    [Number.NaN, null],
    [Number.POSITIVE_INFINITY, null],
  ])('gives %s as %s', (value, text) => {
    expect(exactDecimal(value)).toBe(text)
  })

  it('gives back every amount that a JSON number can carry exactly', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 13n }), (amount) => {
        const text = minorToDecimal(amount, 'EGP')
        expect(decimalToMinor(exactDecimal(JSON.parse(text)) ?? '', 'EGP')).toBe(amount)
      }),
    )
  })
})
