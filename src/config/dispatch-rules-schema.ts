import { z } from 'zod'
import { isCurrency } from '../base/money.ts'
import { DISPATCH_POLICIES, type DispatchPolicy } from '../matching/trips/trip.ts'
import { DISPATCH_LIMITS, MAX_CATEGORIES, MAX_NEIGHBOURS, MAX_RADII, MAX_ZONES } from './dispatch-limits.ts'

/** As trips have them: ids of Laravel, or free words. */
const NAME = /^[\x21-\x7e]{1,36}$/
const [MIN_KM, MAX_KM] = DISPATCH_LIMITS.radiusKm

const settings = {
  policy: checked<DispatchPolicy>(
    (value) => (DISPATCH_POLICIES as readonly unknown[]).includes(value),
    `must be one of ${DISPATCH_POLICIES.join(', ')}`,
  ),
  searchRadiusKm: number(DISPATCH_LIMITS.radiusKm),
  searchRadiiKm: checked<readonly number[]>(
    isAscending,
    `must be 1 to ${MAX_RADII} ascending numbers from ${MIN_KM} to ${MAX_KM}`,
  ),
  maxDrivers: whole(DISPATCH_LIMITS.maxDrivers),
  matchTimeoutSeconds: whole(DISPATCH_LIMITS.matchTimeoutSeconds),
  noDriversSeconds: whole(DISPATCH_LIMITS.noDriversSeconds),
  offerSeconds: whole(DISPATCH_LIMITS.offerSeconds),
  biddingSeconds: whole(DISPATCH_LIMITS.biddingSeconds),
  windowMs: whole(DISPATCH_LIMITS.windowMs),
  retryMs: whole(DISPATCH_LIMITS.retryMs),
  weights: object({
    declines: number(DISPATCH_LIMITS.weight),
    idle: number(DISPATCH_LIMITS.weight),
    age: number(DISPATCH_LIMITS.weight),
    wait: number(DISPATCH_LIMITS.weight),
  }).partial(),
  route: object({
    roadFactor: number(DISPATCH_LIMITS.roadFactor),
    speedKmh: number(DISPATCH_LIMITS.speedKmh),
  }).partial(),
  cancellationFee: object({
    afterSeconds: whole(DISPATCH_LIMITS.feeAfterSeconds),
    amountMinor: whole(DISPATCH_LIMITS.feeMinor),
    currency: checked<string>(
      (value) => typeof value === 'string' && isCurrency(value),
      'must be an active ISO 4217 code in upper case',
    ),
  }).nullable(),
}

const ofZone = {
  ...settings,
  neighbours: checked<readonly string[]>(
    areNames,
    `must be at most ${MAX_NEIGHBOURS} different ids of zones, of 1 to 36 printable ASCII characters`,
  ),
}

/** What may stand in the rules file. Its messages say what is expected, and what is not known. */
export const RULES_FILE = object({
  defaults: object(settings).partial(),
  zones: named(
    object({ ...ofZone, categories: named(object(ofZone).partial(), MAX_CATEGORIES) }).partial(),
    MAX_ZONES,
  ),
}).partial()

export type RulesFile = z.output<typeof RULES_FILE>
/** The fields of one level: the defaults', a zone's or a category's. */
export type RulesLevel = z.output<ReturnType<typeof levelOf>>

function levelOf() {
  return object(ofZone).partial()
}

function object<const Shape extends z.ZodRawShape>(shape: Shape) {
  const known = Object.keys(shape).join(', ')
  return z.strictObject(shape, {
    error: ({ code }) =>
      code === 'unrecognized_keys' ? `is unknown; known are ${known}` : 'must be an object',
  })
}

/** An object of names: zones or categories. */
function named<Value extends z.ZodType>(value: Value, max: number) {
  const name = z.string().regex(NAME, 'is no name of 1 to 36 printable ASCII characters')
  return z
    .record(name, value, { error: 'must be an object' })
    .refine((entries) => Object.keys(entries).length <= max, `must have at most ${max} entries`)
}

function whole([min, max]: readonly [number, number]) {
  return checked<number>(
    (value) => Number.isInteger(value) && isWithin(value, min, max),
    `must be a whole number from ${min} to ${max}`,
  )
}

function number([min, max]: readonly [number, number]) {
  return checked<number>((value) => isWithin(value, min, max), `must be a number from ${min} to ${max}`)
}

function checked<T>(isRight: (value: unknown) => boolean, message: string) {
  return z.custom<T>(isRight, message)
}

function isWithin(value: unknown, min: number, max: number): boolean {
  return typeof value === 'number' && value >= min && value <= max
}

/** To the metre. */
function isAscending(value: unknown): boolean {
  if (!Array.isArray(value) || value.length < 1 || value.length > MAX_RADII) return false
  return value.every(
    (radius, index) =>
      isWithin(radius, MIN_KM, MAX_KM) &&
      (index === 0 || Math.round(radius * 1_000) > Math.round(value[index - 1] * 1_000)),
  )
}

function areNames(value: unknown): boolean {
  if (!Array.isArray(value) || value.length > MAX_NEIGHBOURS || new Set(value).size < value.length)
    return false
  return value.every((name) => typeof name === 'string' && NAME.test(name))
}
