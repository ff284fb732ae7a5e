import { z } from 'zod'
import { currencyExponent, decimalToMinor, isCurrency, withinBounds } from '../base/money.ts'

// The present publisher is PHP: ids and numbers come as strings or as numbers, and what is not there comes as null, as '' or not at all.

/** Laravel's ids: uuids, or numbers of old tables. */
export const id = z
  .union([z.string(), z.int().nonnegative()])
  .transform(String)
  .refine((text) => /^[\x21-\x7e]{1,36}$/.test(text), 'must be 1 to 36 printable ASCII characters')

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** A trip's uuid as Laravel's tables have it, in lower case. */
export const rideId = id.transform((text) => (UUID.test(text) ? text.toLowerCase() : text))

/** Null where it is not there or empty. */
export function maybe<T>(schema: z.ZodType<T>) {
  return z
    .preprocess((value) => (value === '' ? null : value), schema.nullish())
    .transform((value) => value ?? null)
}

/** As it was written, for keys. Of another form than a text or a number it does not count as there. */
export const stamp = z
  .union([z.string().min(1).max(64), z.number()])
  .transform(String)
  .nullish()
  .catch(null)
  .transform((value) => value ?? null)

/** For logs and for Laravel's own: plain, or as good as absent. */
export const traceId = z
  .string()
  .regex(/^[\x21-\x7e]{1,64}$/)
  .nullish()
  .catch(null)
  .transform((value) => value ?? null)

/** At most so many characters; more is cut off. */
export function text(characters: number) {
  return z.string().transform((value) => value.slice(0, characters).toWellFormed())
}

/** Seven digits after the point are a centimetre. */
const DEGREE_DIGITS = 7

export function degrees(limit: number) {
  return z
    .union([z.number(), z.string().regex(/^-?\d{1,3}(\.\d{1,20})?$/)])
    .transform((value) => Number(Number(value).toFixed(DEGREE_DIGITS)))
    .refine((value) => Math.abs(value) <= limit, `must be degrees from -${limit} to ${limit}`)
}

/** A decimal of major units, as text: `120.500`. */
export const decimal = z
  .union([z.string(), z.number()])
  .transform(String)
  .refine((value) => /^\d{1,20}(\.\d{1,30})?$/.test(value), 'must be a decimal number that is not negative')

/** trip_requests holds fares as decimal(23,3). */
const FARE_DIGITS = 3

export const currency = z
  .string()
  .transform((value) => value.toUpperCase())
  .refine(isCurrency, 'must be an active ISO 4217 code')
  .refine(
    (code) => (currencyExponent(code) ?? 0) <= FARE_DIGITS,
    'must have three digits after the point at most',
  )

/**
 * Major units as minor units, rounded half up: Laravel computes fares with more digits than its currency has. Null beyond
 * what an amount may be.
 */
export function roundedMinor(major: string, code: string): bigint | null {
  const exponent = currencyExponent(code)
  if (exponent === null) return null
  const [whole = '', fraction = ''] = major.split('.')
  const kept = BigInt(whole + fraction.slice(0, exponent).padEnd(exponent, '0'))
  return withinBounds((fraction[exponent] ?? '0') >= '5' ? kept + 1n : kept)
}

/** Major units as minor units, only where nothing is lost: money that was paid is not rounded. */
export function exactMinor(major: string, code: string): bigint | null {
  return decimalToMinor(major, code)
}
