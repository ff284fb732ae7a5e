import { currencyExponent, decimalToMinor, exactDecimal, rescaleToMinor } from '../../../base/money.ts'
import { integerOf } from './body.ts'

/** Where a gateway counts a currency otherwise than ISO 4217: code → digits after the point. */
export type Exponents = ReadonlyMap<string, number>

const ISO_4217: Exponents = new Map()

/**
 * A JSON integer of the gateway's smallest units as minor units by ISO 4217. Null for anything else, for a currency that is
 * none, and where it would need a fraction of a minor unit.
 */
export function minorUnits(
  value: unknown,
  currency: unknown,
  exponents: Exponents = ISO_4217,
): bigint | null {
  const units = integerOf(value)
  const exponent =
    typeof currency === 'string' ? (exponents.get(currency) ?? currencyExponent(currency)) : null
  if (typeof currency !== 'string' || exponent === null || units === null) return null
  return rescaleToMinor(units, exponent, currency)
}

/** The integer that a gateway with these exponents writes for minor units by ISO 4217. Throws RangeError where it cannot. */
export function gatewayUnits(amountMinor: bigint, currency: string, exponents: Exponents): number {
  const difference = (exponents.get(currency) ?? 0) - (currencyExponent(currency) ?? 0)
  if (!exponents.has(currency) || difference === 0) return Number(amountMinor)
  const factor = 10n ** BigInt(Math.abs(difference))
  if (difference > 0) return Number(amountMinor * factor)
  if (amountMinor % factor !== 0n) throw new RangeError(`the gateway has no unit so small in ${currency}`)
  return Number(amountMinor / factor)
}

/** As minorUnits, for gateways that write their integers as text. */
export function minorUnitsOfText(
  value: unknown,
  currency: unknown,
  exponents: Exponents = ISO_4217,
): bigint | null {
  const isDigits = typeof value === 'string' && /^-?\d{1,15}$/.test(value)
  return isDigits ? minorUnits(Number(value), currency, exponents) : null
}

/** A decimal of major units, a JSON number or text, as minor units, without a float on the way; null where that is not exact. */
export function majorUnits(value: unknown, currency: unknown): bigint | null {
  if (typeof currency !== 'string') return null
  const text = typeof value === 'number' ? exactDecimal(value) : value
  return typeof text === 'string' ? decimalToMinor(text, currency) : null
}
