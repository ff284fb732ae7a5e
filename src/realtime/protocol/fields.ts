import { z } from 'zod'
import { currencyExponent, isCurrency, MAX_AMOUNT_MINOR } from '../../base/money.ts'

// Every limit of what a client may send stands in its field's schema, and the message names what is expected, never what was sent.
// Of what is sent to clients the same schemas describe the kinds; nobody measures our own words on their way out.

/** trip_requests holds fares as decimal(23,3). */
const FARE_DIGITS = 3
const ADDRESS_CHARACTERS = 500
const REASON_CHARACTERS = 255
const METHOD_CHARACTERS = 64
const OTP_CHARACTERS = 16
/** The fastest thing on wheels, with room; more is a defect of the app. Metres a second. */
export const MAX_SPEED = 400
/** Farther off than this (metres) a place says nothing, and is no place. */
export const MAX_ACCURACY_METERS = 100_000
/** Degrees from north. */
export const MAX_HEADING = 360
/** The last moment that a Date can say. */
export const MAX_TIME_MS = 8.64e15

export const COMMAND_ID = /^[\x21-\x7e]{1,64}$/
export const EVENT_NAME = /^[\x21-\x7e]{1,64}$/

const ID = '1 to 36 visible ASCII characters'
export const id = z.string(ID).regex(/^[\x21-\x7e]{1,36}$/, ID)

/** An offer's id is our own. */
export const offerId = z.uuid('a uuid')

const SEQ = 'a whole number from 0 on'
export const seq = z.int(SEQ).min(0, SEQ)

/** Milliseconds since 1970 by the wall clock. */
const MOMENT = 'milliseconds since 1970'
export const momentMs = z.int(MOMENT).min(0, MOMENT).max(MAX_TIME_MS, MOMENT).describe(MOMENT)

export const time = z.iso.datetime().describe('ISO 8601, UTC')

export const latitude = between(-90, 90, 'degrees from -90 to 90')
export const longitude = between(-180, 180, 'degrees from -180 to 180')

/** Phones say that they do not know with null or a negative number; both are read as null. */
export const speed = knownOrNull(MAX_SPEED, `metres a second, at most ${MAX_SPEED}`)
export const heading = knownOrNull(MAX_HEADING, `degrees from north, at most ${MAX_HEADING}`)
export const accuracy = knownOrNull(MAX_ACCURACY_METERS, `metres, at most ${MAX_ACCURACY_METERS}`)

export const reason = words(REASON_CHARACTERS)
export const paymentMethod = words(METHOD_CHARACTERS)
export const otp = words(OTP_CHARACTERS)

const PLACE = 'an object with latitude and longitude'
export const place = z.strictObject(
  { latitude, longitude, address: words(ADDRESS_CHARACTERS).nullish() },
  PLACE,
)

/** An amount that a client says, none less than `least`. */
export function amountMinor(least: 0 | 1) {
  const expected = `a whole number of minor units from ${least} to ${MAX_AMOUNT_MINOR}`
  return z.int(expected).min(least, expected).max(Number(MAX_AMOUNT_MINOR), expected)
}

const CURRENCY = 'an active ISO 4217 code in upper case'
export const fareCurrency = z
  .string(CURRENCY)
  .regex(/^[A-Z]{3}$/, CURRENCY)
  .refine(isCurrency, CURRENCY)
  .refine(
    (code) => (currencyExponent(code) ?? 0) <= FARE_DIGITS,
    'a currency of at most three digits after the point',
  )

/** Well-formed, since half of a surrogate pair is stored by no database. */
export function words(limit: number) {
  const expected = `1 to ${limit} characters`
  return z
    .string(expected)
    .min(1, expected)
    .max(limit, expected)
    .refine((text) => text.isWellFormed(), 'well-formed text')
}

function between(least: number, most: number, expected: string) {
  return z.number(expected).min(least, expected).max(most, expected).describe(expected)
}

function knownOrNull(most: number, expected: string) {
  return z
    .number(expected)
    .min(-1, expected)
    .max(most, expected)
    .nullish()
    .transform((value) => (value === undefined || value === null || value < 0 ? null : value))
    .describe(`${expected}; null or negative: not known`)
}

// What clients are told.

export const shownId = z.string().max(36)
export const shownPlace = z.object({
  latitude: z.number(),
  longitude: z.number(),
  address: z.string().nullable(),
})
export const shownMinor = z.int().describe('in minor units of the currency')
export const shownCurrency = z.string().describe('ISO 4217')
