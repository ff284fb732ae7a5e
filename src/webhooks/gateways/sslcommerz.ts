import type { Delivery, GatewayAccount, GatewayAdapter, GatewayEvent, Received } from './adapter.ts'
import { sslcommerzConfirmer } from './confirmers/sslcommerz.ts'
import { dateOfText, isIdentifier } from './kit/body.ts'
import { parseForm } from './kit/form.ts'
import { decodeHex, digestBytes, findSecret, sameBytes } from './kit/signature.ts'
import { accepted, refused } from './kit/verdict.ts'
import { listOf } from './settings.ts'
import { kindOf, readFact, type SslcommerzFields } from './sslcommerz-facts.ts'

const MD5_BYTES = 16

/** What `verify_key` must name, whatever else it does; `val_id` only where money came: what failed has none. */
const REQUIRED_KEYS = ['amount', 'currency', 'status', 'tran_id'] as const

/**
 * SSLCommerz, https://developer.sslcommerz.com/doc/v4: an IPN is a form that says itself, in `verify_key`, which of its fields
 * `verify_sign` covers. MD5 of a text to which a hash of the password is added is no MAC to build upon, so the validation API
 * is asked before anything moves.
 */
export const sslcommerz: GatewayAdapter = {
  name: 'sslcommerz',
  about: {
    title: 'SSLCommerz',
    source: 'https://developer.sslcommerz.com/doc/v4',
    signature:
      'MD5 hex over the fields that `verify_key` names and the MD5 of the store password, sorted, in `verify_sign`',
    eventId: '`val_id`; where there is none, `tran_id`, `status` and `bank_tran_id`',
  },
  tier: 'B',
  confirmFirst: true,
  secretForm: 'text',
  settings: [
    {
      name: 'REQUIRED_KEYS',
      meaning: `fields that \`verify_key\` must name beside ${REQUIRED_KEYS.map((key) => `\`${key}\``).join(', ')} and, where money came, \`val_id\`; comma-separated`,
      problem: (value) =>
        listOf(value).every((key) => FIELD_NAME.test(key)) ? null : 'must be names of fields',
    },
    { name: 'STORE_ID', meaning: 'the store id', needed: 'confirm' },
    { name: 'STORE_PASSWORD', meaning: 'the store password', needed: 'confirm' },
  ],
  confirm: sslcommerzConfirmer,
  receive,
}

const FIELD_NAME = /^\w+$/

/** The store password hashes itself into the text under this name. */
const PASSWORD_KEY = 'store_passwd'

function receive(delivery: Delivery, account: GatewayAccount): Received {
  const form = parseForm(delivery.body)
  if (form === null) return refused('malformed_body', 'the body is not a form with each field once')
  const sign = form.get('verify_sign') ?? ''
  if (sign === '') return refused('signature_missing', 'no verify_sign in the form')
  const given = decodeHex(sign, MD5_BYTES)
  if (given === null) return refused('signature_invalid', 'verify_sign is not 32 hex digits')
  const signed = signedFields(form)
  if (signed === null) return refused('signature_invalid', 'verify_key is missing or names a field twice')
  if (!coversEnough(signed, account)) {
    return refused('signature_invalid', 'verify_key leaves out a field that decides')
  }
  const secretIndex = findSecret(account, (_, secret) => sameBytes(hashOf(signed, secret), given))
  if (secretIndex < 0) return refused('signature_invalid', 'verify_sign matches no active secret')
  const signature = given.toString('hex')
  return accepted(secretIndex, signature, readEvent(signed, signature))
}

/** The fields that the delivery says are signed, a missing one as empty; nothing else is ever read. */
function signedFields(form: SslcommerzFields): SslcommerzFields | null {
  const names = form.get('verify_key')?.split(',') ?? []
  if (names.length === 0 || names.includes(PASSWORD_KEY) || new Set(names).size !== names.length) return null
  return new Map(names.map((name) => [name, form.get(name) ?? '']))
}

/** Whoever writes the body chooses what is signed: a `verify_key` of `store_id` alone would leave every amount open. */
function coversEnough(signed: SslcommerzFields, account: GatewayAccount): boolean {
  const more = listOf(account.settings.REQUIRED_KEYS).filter((key) => key !== 'val_id')
  const wanted = [...REQUIRED_KEYS, ...(cameThrough(signed) ? ['val_id'] : []), ...more]
  return wanted.every((key) => signed.has(key))
}

function cameThrough(signed: SslcommerzFields): boolean {
  return kindOf(signed) === 'captured'
}

function hashOf(signed: SslcommerzFields, password: string): Buffer {
  const fields = [...signed, [PASSWORD_KEY, md5(password).toString('hex')] as const]
  const sorted = fields.sort(([a], [b]) => (a < b ? -1 : 1))
  return md5(sorted.map(([name, value]) => `${name}=${value}`).join('&'))
}

function md5(text: string): Buffer {
  return digestBytes('md5', text)
}

/** `verify_sign` of a form as SSLCommerz makes it; null for one that it could not sign. For samples and tests. */
export function signSslcommerz(form: SslcommerzFields, password: string): string | null {
  const signed = signedFields(form)
  return signed === null ? null : hashOf(signed, password).toString('hex')
}

function readEvent(signed: SslcommerzFields, signature: string): GatewayEvent {
  const status = signed.get('status') ?? ''
  const own = eventIdOf(signed)
  return {
    eventId: isIdentifier(own) ? own : `signature:${signature}`,
    type: isIdentifier(status) ? status : 'ipn',
    occurredAt: dateOfDhaka(signed.get('tran_date')),
    // A value may hold `&` and `=`, and then where it ends is anybody's guess.
    signed: [],
    ...readFact(signed),
  }
}

/** A payment that is told again after it was validated is VALIDATED in place of VALID: one event. */
function eventIdOf(signed: SslcommerzFields): string {
  if (cameThrough(signed)) return signed.get('val_id') ?? ''
  return ['tran_id', 'status', 'bank_tran_id'].map((name) => signed.get(name) ?? '').join(':')
}

/** SSLCommerz writes the time of Dhaka, without its zone. */
function dateOfDhaka(value: string | undefined): Date | null {
  return dateOfText(`${value}+06:00`)
}
