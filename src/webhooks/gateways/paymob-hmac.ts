import { createSecretKey, type KeyObject } from 'node:crypto'
import { isObject, type JsonObject } from './kit/body.ts'
import { hmacBytes } from './kit/signature.ts'

/** The twenty values in the order in which Paymob joins them ("HMAC calculation"). A dot leads into an inner object. */
const SIGNED_FIELDS = [
  'amount_cents',
  'created_at',
  'currency',
  'error_occured',
  'has_parent_transaction',
  'id',
  'integration_id',
  'is_3d_secure',
  'is_auth',
  'is_capture',
  'is_refunded',
  'is_standalone_payment',
  'is_voided',
  'order.id',
  'owner',
  'pending',
  'source_data.pan',
  'source_data.sub_type',
  'source_data.type',
  'success',
].map((name) => name.split('.'))

/** Those that are `true` or `false`, and nothing that only spells so. */
const FLAGS: ReadonlySet<string> = new Set([
  'error_occured',
  'has_parent_transaction',
  'is_3d_secure',
  'is_auth',
  'is_capture',
  'is_refunded',
  'is_standalone_payment',
  'is_voided',
  'pending',
  'success',
])

/** What Paymob signs of a transaction (the `obj` of the body); null where a signed field is no plain value. */
export function signedText(transaction: JsonObject): string | null {
  let text = ''
  for (const path of SIGNED_FIELDS) {
    const value = valueAt(transaction, path)
    const part = FLAGS.has(path[0] ?? '') ? flagText(value) : plainText(value)
    if (part === null) return null
    text += part
  }
  return text
}

/** The value at a path of names, own properties alone. */
export function valueAt(transaction: JsonObject, path: readonly string[]): unknown {
  let value: unknown = transaction
  for (const name of path) value = isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined
  return value
}

/**
 * A flag as Paymob joins it, so that the text can be read in one way: were `falsefalse` one, its neighbour could be `true`. Absent it
 * counts as `false`, as in Odoo's integration; the text `false`, which older samples have, is not true for anybody here either.
 */
function flagText(value: unknown): string | null {
  if (typeof value === 'boolean') return String(value)
  return value === undefined || value === 'false' ? 'false' : null
}

/** Another value as Paymob joins it. Null adds nothing, and absent counts as `false`. */
function plainText(value: unknown): string | null {
  switch (typeof value) {
    case 'string':
      return value.isWellFormed() ? value : null
    case 'number':
    case 'boolean':
      return String(value)
    case 'undefined':
      return 'false'
    default:
      return value === null ? '' : null
  }
}

export function hmacOf(text: string, key: KeyObject): Buffer {
  return hmacBytes('sha512', key, text)
}

/** Signs a transaction (the `obj` of the body) as Paymob does: lower-case hex. Throws where it cannot be signed. */
export function signPaymob(transaction: JsonObject, secret: string): string {
  const text = signedText(transaction)
  if (text === null) throw new RangeError('signPaymob: the transaction cannot be signed')
  return hmacOf(text, createSecretKey(secret, 'utf8')).toString('hex')
}
