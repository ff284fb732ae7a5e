import {
  DECISIVE_FIELDS,
  type DecisiveField,
  type Delivery,
  type GatewayAccount,
  type GatewayAdapter,
  type Received,
} from './adapter.ts'
import { paymobConfirmer } from './confirmers/paymob.ts'
import { identifierText, isIdentifier, isObject, type JsonObject, parseObject } from './kit/body.ts'
import { decodeHex, findSecret, sameBytes } from './kit/signature.ts'
import { accepted, type Hold, refused } from './kit/verdict.ts'
import { isFollowUp, readPaymobFact } from './paymob-facts.ts'
import { hmacOf, signedText } from './paymob-hmac.ts'
import { listOf } from './settings.ts'

const SHA512_BYTES = 64

/** A full date and time with a four-digit year and an optional zone: nothing of the amount before it fits in. */
const ISO_DATE_TIME =
  /^20\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3])(?::[0-5]\d){2}(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)?$/

/**
 * Paymob (Accept). As the values stand side by side, digits can move between neighbours and the HMAC still matches, so
 * its word alone never moves money: its transaction is looked up first.
 */
export const paymob: GatewayAdapter = {
  name: 'paymob',
  about: {
    title: 'Paymob (Accept)',
    source: 'https://developers.paymob.com',
    signature: 'HMAC-SHA512 hex over 20 values with nothing between them, in `?hmac=`',
    eventId: "the transaction's `id` and its signed flags",
  },
  tier: 'B',
  confirmFirst: true,
  secretForm: 'text',
  // Without these two nothing pins the borders; see boundaryHold. Development may do without.
  settings: [
    { name: 'OWNER', meaning: 'your merchant (profile) id, as in `obj.owner`', needed: 'verify' },
    { name: 'INTEGRATION_IDS', meaning: 'your integration ids, comma-separated', needed: 'verify' },
    { name: 'API_KEY', meaning: 'the API key, with which transactions are looked up', needed: 'confirm' },
  ],
  confirm: paymobConfirmer,
  receive,
}

function receive(delivery: Delivery, account: GatewayAccount): Received {
  const [hmac, ...others] = delivery.query.getAll('hmac')
  if (hmac === undefined || hmac === '') return refused('signature_missing', 'no hmac in the query')
  const given = decodeHex(hmac, SHA512_BYTES)
  if (given === null || others.length > 0)
    return refused('signature_invalid', 'hmac is not 128 hex digits, once')

  const body = parseObject(delivery.body)
  if (body === null) return refused('malformed_body', 'the body is not a JSON object')
  if (body.type !== 'TRANSACTION') {
    return refused('signature_invalid', 'type is not TRANSACTION, and only transactions can be verified')
  }
  const transaction = isObject(body.obj) ? body.obj : {}
  const text = signedText(transaction)
  if (text === null) return refused('signature_invalid', 'a signed field of obj is missing or no plain value')

  const secretIndex = findSecret(account, (key) => sameBytes(hmacOf(text, key), given))
  if (secretIndex < 0) return refused('signature_invalid', 'the hmac matches no active secret')
  return readEvent(transaction, account, secretIndex, given.toString('hex'))
}

function readEvent(
  obj: JsonObject,
  account: GatewayAccount,
  secretIndex: number,
  signature: string,
): Received {
  const id = identifierText(obj.id)
  if (id === null) return refused('event_id_missing', 'obj.id is missing or unreadable')
  const eventId = `${id}:${stateFlags(obj).join('+')}`
  if (!isIdentifier(eventId)) return refused('malformed_body', 'obj.id is too long')

  const reading = readPaymobFact(obj)
  return accepted(secretIndex, signature, {
    eventId,
    type: 'TRANSACTION',
    occurredAt: zonedDate(obj.created_at),
    signed: signedFields(obj, account),
    fact: reading.fact,
    hold: boundaryHold(obj, account) ?? reading.hold,
  })
}

/** The signed flags that are set: a transaction is sent again whenever one of them changes. */
const STATE_FLAGS = [
  'pending',
  'success',
  'error_occured',
  'is_auth',
  'is_capture',
  'is_standalone_payment',
  'is_voided',
  'is_refunded',
] as const

function stateFlags(obj: JsonObject): readonly string[] {
  return STATE_FLAGS.filter((name) => obj[name] === true)
}

/**
 * Three values pin the borders between neighbours: an ISO date ends the amount, our own integration ends the
 * transaction's id, our own owner ends the order's. A value that is set and differs shows that digits have moved.
 */
function boundaryHold(obj: JsonObject, account: GatewayAccount): Hold | null {
  const { OWNER, INTEGRATION_IDS } = account.settings
  if (OWNER && identifierText(obj.owner) !== OWNER.trim()) return 'owner_mismatch'
  if (INTEGRATION_IDS && !listed(obj.integration_id, INTEGRATION_IDS)) return 'integration_mismatch'
  return isIsoDateTime(obj.created_at) ? null : 'created_at_malformed'
}

function listed(id: unknown, list: string): boolean {
  return listOf(list).some((entry) => entry === identifierText(id))
}

function isIsoDateTime(value: unknown): value is string {
  return typeof value === 'string' && ISO_DATE_TIME.test(value)
}

/** A moment only where Paymob names the zone; it does not say which one a date without a zone is in. */
function zonedDate(createdAt: unknown): Date | null {
  if (!isIsoDateTime(createdAt) || !/(?:Z|[+-]\d\d:\d\d)$/.test(createdAt)) return null
  const date = new Date(createdAt)
  return Number.isNaN(date.getTime()) ? null : date
}

/** The decisive fields whose borders are pinned by a setting or by their own form. */
function signedFields(obj: JsonObject, account: GatewayAccount): readonly DecisiveField[] {
  const { OWNER, INTEGRATION_IDS } = account.settings
  return DECISIVE_FIELDS.filter((field) => {
    switch (field) {
      case 'reference':
        return Boolean(OWNER)
      case 'transaction':
        return Boolean(INTEGRATION_IDS)
      case 'amount':
        return isIsoDateTime(obj.created_at)
      case 'currency':
        return true
      case 'status':
        return !isFollowUp(obj) || obj.is_capture === true
      default:
        return field satisfies never
    }
  })
}
