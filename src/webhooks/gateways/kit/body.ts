import { isUtf8 } from 'node:buffer'

export type JsonObject = Readonly<Record<string, unknown>>

/**
 * No id of a gateway, an event or a payment is longer than this. Real ones stay under 100 bytes, and the database
 * keeps 255.
 */
export const MAX_ID_BYTES = 255

/** So few UTF-16 units fit in any case, as none becomes more than three bytes: most ids need no counting. */
const SHORT_CHARS = 85

/**
 * Reads a JSON object from raw bytes. Null for invalid UTF-8 (decoding it leniently would fold different bytes into
 * one text), for a byte order mark, for what is not JSON, and for JSON that is not an object. Of a key that comes twice
 * the last value counts, which is also what an adapter verifies.
 */
export function parseObject(body: Buffer): JsonObject | null {
  if (!isUtf8(body)) return null
  try {
    const value: unknown = JSON.parse(body.toString('utf8'))
    return isObject(value) ? value : null
  } catch {
    return null
  }
}

/** Whether a JSON value is an object, and neither null nor an array. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * A text that may identify something: not empty, at most `MAX_ID_BYTES` bytes, and well-formed, because lone
 * surrogates of different texts become the same bytes in UTF-8.
 */
export function isIdentifier(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value !== '' &&
    value.length <= MAX_ID_BYTES &&
    value.isWellFormed() &&
    (value.length <= SHORT_CHARS || Buffer.byteLength(value) <= MAX_ID_BYTES)
  )
}

/** An id as text where the gateway may send a number; null for a number that a double cannot hold, and for the rest. */
export function identifierText(value: unknown): string | null {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? String(value) : null
  return isIdentifier(value) ? value : null
}

/**
 * A JSON value as a word of an event's id or type. Objects and lists are all one word: they may bear a `toString` that is none, at
 * which making a text of them throws.
 */
export function wordOf(value: unknown): string {
  return typeof value === 'object' && value !== null ? '[object]' : String(value)
}

/** A JSON integer as a bigint; null for fractions, for numbers beyond 2^53 and for everything that is no number. */
export function integerOf(value: unknown): bigint | null {
  return typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : null
}

/** Seconds since 1970 as a date; null for what is no such number, and for a date that cannot be stored. */
export function dateOfSeconds(value: unknown): Date | null {
  return typeof value === 'number' ? storableDate(value * 1000) : null
}

/** An ISO 8601 date and time with its zone; null for anything else. Without a zone nobody knows the moment. */
export function dateOfText(value: unknown): Date | null {
  if (typeof value !== 'string' || !ZONED.test(value)) return null
  return storableDate(Date.parse(value.charAt(DATE_CHARS) === ' ' ? value.replace(' ', 'T') : value))
}

/** `2026-01-01` */
const DATE_CHARS = 10

const ZONED = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)$/

const FIRST_MS = Date.UTC(1000, 0)
const END_MS = Date.UTC(10_000, 0)

/**
 * Milliseconds since 1970 as a date; null outside the years 1000 to 9999, which are all that DATETIME holds: a signed
 * event must not be refused by the database for an odd date.
 */
export function storableDate(ms: number): Date | null {
  return ms >= FIRST_MS && ms < END_MS ? new Date(ms) : null
}
