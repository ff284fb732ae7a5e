import type { FactKind } from '../../payments/fact.ts'
import { majorUnits } from './kit/amount.ts'
import { identifierText, isObject, type JsonObject } from './kit/body.ts'
import { completeFact, held, NOTHING, type Reading } from './kit/verdict.ts'

type Outcome = 'done' | 'waiting' | 'failed' | 'cancelled' | 'expired'

/**
 * The groups of result codes, https://hyperpay.docs.oppwa.com/reference/resultCodes, the first that matches. What succeeded and
 * waits for a review of fraud (`000.400.0…`) has taken the money all the same. Whatever else has the form of a code is a rejection.
 */
const GROUPS: readonly (readonly [codes: RegExp, outcome: Outcome])[] = [
  [/^000\.(?:000\.|100\.1|[36]|400\.1[12]0)/, 'done'],
  [/^000\.400\.(?:0[^3]|100)/, 'done'],
  [/^000\.200|^800\.400\.5|^100\.400\.500/, 'waiting'],
  [/^100\.396\.101$/, 'cancelled'],
  [/^100\.396\.103$/, 'expired'],
  [/^/, 'failed'],
]
const TEST_RESULT = /^000\.100\.1/
/** The money was taken, and giving it back failed: a person has to look. */
const TAKEN_AND_REJECTED = '000.400.030'
const CODE = /^\d{3}\.\d{3}\.\d{3}$/

function outcomeOf(code: unknown, acceptsTests: boolean): Outcome | null {
  if (typeof code !== 'string' || !CODE.test(code)) return null
  if (code === TAKEN_AND_REJECTED || (TEST_RESULT.test(code) && !acceptsTests)) return null
  return GROUPS.find(([codes]) => codes.test(code))?.[1] ?? null
}

type Kinds = Readonly<Partial<Record<Outcome, FactKind>>>

const PAYMENT = { waiting: 'pending', failed: 'failed', cancelled: 'cancelled', expired: 'expired' } as const

/** What each outcome means for each payment type; none: the payment stays where it was. A follow-up that failed changes nothing. */
const TYPES: ReadonlyMap<unknown, Kinds> = new Map<unknown, Kinds>([
  ['PA', { ...PAYMENT, done: 'authorized' }],
  ['DB', { ...PAYMENT, done: 'captured' }],
  ['CP', { done: 'captured' }],
  ['RV', { done: 'cancelled' }],
  ['RF', { done: 'refunded', failed: 'refund_failed' }],
  ['CB', { done: 'disputed' }],
  ['CR', { done: 'dispute_won' }],
])

/** A reversal, and the end of a chargeback: the operation is the one that they are about, not another of their own. */
const UNDOING: ReadonlySet<unknown> = new Set(['RV', 'CR'])

/** What later transactions name: the payment learns it, where our own reference finds the payment. */
const NAMED_LATER: ReadonlySet<unknown> = new Set(['PA', 'DB', 'CP'])

/** A follow-up that was made without our reference, or with another, is found by the transaction that it names. */
function gatewayRefOf({ paymentType, id, referencedId }: JsonObject, isFound: boolean): string | null {
  return identifierText(isFound && NAMED_LATER.has(paymentType) ? id : (referencedId ?? id))
}

export function readPayment(payload: JsonObject, acceptsTests: boolean): Reading {
  const kinds = TYPES.get(payload.paymentType)
  if (kinds === undefined) return held('event_unknown')
  const outcome = outcomeOf(isObject(payload.result) ? payload.result.code : null, acceptsTests)
  if (outcome === null) return held('status_unknown')
  const kind = kinds[outcome]
  if (kind === undefined) return NOTHING
  const merchantRef = identifierText(payload.merchantTransactionId)
  return completeFact({
    kind,
    merchantRef,
    gatewayRef: gatewayRefOf(payload, merchantRef !== null),
    operationRef: identifierText(UNDOING.has(payload.paymentType) ? payload.referencedId : payload.id),
    amountMinor: majorUnits(payload.amount, payload.currency),
    currency: payload.currency,
  })
}
