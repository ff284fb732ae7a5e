/**
 * The active currencies of ISO 4217 (list one), by the number of digits after the point. Source: SIX, the
 * maintenance agency of ISO 4217. A gateway that counts otherwise (Stripe: ISK, UGX, MGA) says so in its adapter.
 */
const CODES_BY_EXPONENT: readonly (readonly [exponent: number, codes: string])[] = [
  [0, 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF'],
  [3, 'BHD IQD JOD KWD LYD OMR TND'],
  [4, 'CLF UYW'],
  [
    2,
    'AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE ' +
      'CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD ' +
      'HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP ' +
      'MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD ' +
      'SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS ' +
      'VED VES WST XCD XCG YER ZAR ZMW ZWG',
  ],
]

const EXPONENTS: ReadonlyMap<string, number> = new Map(
  CODES_BY_EXPONENT.flatMap(([exponent, codes]) => codes.split(' ').map((code) => [code, exponent] as const)),
)

/** Every currency that we know, upper case. */
export const CURRENCIES: readonly string[] = [...EXPONENTS.keys()]

/**
 * The largest amount in either direction, in minor units. It leaves room in BIGINT and in a JSON number, and a
 * fare above it is a mistake in any currency.
 */
export const MAX_AMOUNT_MINOR = 10n ** 15n

/** Longer than any amount within the bound, with room for padding zeros; it keeps BigInt away from megabytes of digits. */
const MAX_DECIMAL_CHARS = 40

const DECIMAL = /^-?\d+(?:\.\d+)?$/

/**
 * A JSON number with at most this many significant digits is the decimal that was written: every such decimal
 * survives the way through a double (IEEE 754, DBL_DIG).
 */
const MAX_EXACT_DIGITS = 15

/** Whether `value` is an active ISO 4217 code in upper case. `egp` is not one. */
export function isCurrency(value: unknown): value is string {
  return typeof value === 'string' && EXPONENTS.has(value)
}

/** The digits after the point of a currency's major unit: EGP 2, JPY 0, KWD 3; null for what is no currency. */
export function currencyExponent(currency: string): number | null {
  return EXPONENTS.get(currency) ?? null
}

/**
 * Reads a decimal amount of major units ("250.75") as minor units (25075n for EGP), without a float on the way.
 *
 * Returns null for an unknown currency, a sign other than a leading '-', an exponent, blanks, digits that the currency
 * does not have (unless they are zeros: "1.500" EGP is 150n) and amounts beyond `MAX_AMOUNT_MINOR`.
 */
export function decimalToMinor(text: string, currency: string): bigint | null {
  const exponent = currencyExponent(currency)
  if (exponent === null || text.length > MAX_DECIMAL_CHARS) return null
  if (!DECIMAL.test(text)) return null
  const [whole = '', fraction = ''] = text.split('.')
  if (fraction.length > exponent && /[^0]/.test(fraction.slice(exponent))) return null
  return withinBounds(BigInt(whole + fraction.slice(0, exponent).padEnd(exponent, '0')))
}

/**
 * Writes minor units as a decimal of major units, with all digits of the currency: 25075n EGP is "250.75".
 * Throws RangeError for a currency that `isCurrency` does not know.
 */
export function minorToDecimal(amountMinor: bigint, currency: string): string {
  const exponent = currencyExponent(currency)
  if (exponent === null) throw new RangeError('minorToDecimal: unknown currency')
  const sign = amountMinor < 0n ? '-' : ''
  const digits = (amountMinor < 0n ? -amountMinor : amountMinor).toString().padStart(exponent + 1, '0')
  if (exponent === 0) return sign + digits
  return `${sign}${digits.slice(0, -exponent)}.${digits.slice(-exponent)}`
}

/**
 * Reads an integer of units with `exponent` digits as minor units of `currency`, for a gateway that counts a currency
 * otherwise than ISO 4217. Returns null where that would need a fraction of a minor unit.
 */
export function rescaleToMinor(units: bigint, exponent: number, currency: string): bigint | null {
  const wanted = currencyExponent(currency)
  if (wanted === null) return null
  if (wanted >= exponent) return withinBounds(units * 10n ** BigInt(wanted - exponent))
  const divisor = 10n ** BigInt(exponent - wanted)
  return units % divisor === 0n ? withinBounds(units / divisor) : null
}

/** The decimal that a JSON number stood for, or null where the double may have lost digits of it. */
export function exactDecimal(value: number): string | null {
  const text = String(value)
  if (!DECIMAL.test(text)) return null
  return text.length <= MAX_EXACT_DIGITS || significantDigits(text) <= MAX_EXACT_DIGITS ? text : null
}

function significantDigits(decimal: string): number {
  return decimal.replace(/[-.]/g, '').replace(/^0+/, '').length
}

/** The amount itself if it lies within ±`MAX_AMOUNT_MINOR`, otherwise null. */
export function withinBounds(amountMinor: bigint): bigint | null {
  return amountMinor > MAX_AMOUNT_MINOR || amountMinor < -MAX_AMOUNT_MINOR ? null : amountMinor
}
