import { z } from 'zod'
import { isCurrency, MAX_AMOUNT_MINOR } from '../base/money.ts'

/** An id of Laravel's: a uuid, or whatever its tables hold. */
export const foreignId = z.string().regex(/^[\x21-\x7e]{1,36}$/, '1 to 36 printable ASCII characters')

/** An amount in minor units, none less than `least`. */
export function amountMinor(least: 0 | 1) {
  return z.int().min(least).max(Number(MAX_AMOUNT_MINOR))
}

export const currencyCode = z
  .string()
  .regex(/^[A-Z]{3}$/, 'an ISO 4217 code in upper case')
  .refine(isCurrency, 'no active ISO 4217 code')
  .describe('ISO 4217')

export const time = z.iso.datetime()
export const minor = z.int()
