import type { FactKind } from '../../payments/fact.ts'
import type { AdyenItem } from './adyen-items.ts'
import { type Exponents, minorUnits } from './kit/amount.ts'
import { completeFact, held, NOTHING, type Reading } from './kit/verdict.ts'
import { readAdyenPayout } from './payouts/adyen.ts'

/**
 * Where Adyen counts otherwise than ISO 4217: the rows that https://docs.adyen.com/development-resources/currency-codes marks
 * with "differs from standard".
 */
export const ADYEN_EXPONENTS: Exponents = new Map([
  ['CLP', 2],
  ['CVE', 0],
  ['IDR', 0],
  ['ISK', 2],
])

/** What an account does after an authorisation; no notification says it. */
export type CaptureMode = 'automatic' | 'manual'

interface Meaning {
  /** Of the payment itself, of something done to it (a capture, a refund), or of its dispute. */
  readonly on: 'payment' | 'modification'
  readonly done: FactKind | Reading
  readonly refused: FactKind | Reading
}

/** A capture that Adyen or the scheme did not take: money that we may have believed in is not there. */
const CAPTURE_FAILED = held('capture_failed')

/** Whether it was cancelled or refunded stands in `modification.action`, which nobody signs. */
const EITHER = held('fields_unsigned')

/**
 * https://docs.adyen.com/development-resources/webhooks/webhook-types and …/risk-management/disputes-api/dispute-notifications.
 * `success` says whether what the code names was done. All events of a dispute have one pspReference. Codes that are not here
 * are about something else, or say what another says (NOTIFICATION_OF_CHARGEBACK moves nothing yet; CHARGEBACK does).
 */
const MEANINGS: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
  ['PENDING', { on: 'payment', done: 'pending', refused: NOTHING }],
  ['OFFER_CLOSED', { on: 'payment', done: 'expired', refused: NOTHING }],
  ['EXPIRE', { on: 'modification', done: 'expired', refused: NOTHING }],
  ['CAPTURE_FAILED', { on: 'modification', done: CAPTURE_FAILED, refused: CAPTURE_FAILED }],
  ['CANCELLATION', { on: 'modification', done: 'cancelled', refused: NOTHING }],
  ['TECHNICAL_CANCEL', { on: 'modification', done: 'cancelled', refused: NOTHING }],
  ['CANCEL_OR_REFUND', { on: 'modification', done: EITHER, refused: NOTHING }],
  ['REFUND', { on: 'modification', done: 'refunded', refused: 'refund_failed' }],
  ['REFUND_FAILED', { on: 'modification', done: 'refund_failed', refused: 'refund_failed' }],
  ['REFUNDED_REVERSED', { on: 'modification', done: 'refund_failed', refused: NOTHING }],
  ['REFUND_WITH_DATA', { on: 'modification', done: held('event_unknown'), refused: NOTHING }],
  ['CHARGEBACK', { on: 'modification', done: 'disputed', refused: NOTHING }],
  ['DISPUTE_OPENED_WITH_CHARGEBACK', { on: 'modification', done: 'disputed', refused: NOTHING }],
  ['CHARGEBACK_REVERSED', { on: 'modification', done: 'dispute_won', refused: NOTHING }],
  ['PREARBITRATION_WON', { on: 'modification', done: 'dispute_won', refused: NOTHING }],
  ['PREARBITRATION_LOST', { on: 'modification', done: 'dispute_lost', refused: NOTHING }],
  ['SECOND_CHARGEBACK', { on: 'modification', done: 'dispute_lost', refused: NOTHING }],
])

/**
 * What the eight signed values say, and nothing else. A cancellation is known by what it undoes: an account that captures by itself may
 * cancel before the delay is over, and then the authorisation that we booked as the money is none.
 */
export function readFact(item: AdyenItem, capture: CaptureMode): Reading {
  const meaning = meaningOf(item.eventCode, capture)
  if (meaning === undefined) return readAdyenPayout(item, ADYEN_EXPONENTS) ?? NOTHING
  if (item.success !== 'true' && item.success !== 'false') return held('status_unknown')
  const isDone = item.success === 'true'
  const outcome = isDone ? meaning.done : meaning.refused
  if (typeof outcome !== 'string') return outcome
  // A card that was only looked at: nothing was set aside.
  if (item.eventCode === 'AUTHORISATION' && item.value === 0) return NOTHING
  return completeFact({
    kind: outcome,
    merchantRef: orNull(item.merchantReference),
    gatewayRef: gatewayRefOf(item, meaning, isDone),
    operationRef: outcome === 'cancelled' ? item.originalReference || item.pspReference : item.pspReference,
    amountMinor: minorUnits(item.value, item.currency, ADYEN_EXPONENTS),
    currency: item.currency,
  })
}

/** An account that captures by itself tells no captures; one that is told all the same says again what AUTHORISATION said. */
function meaningOf(eventCode: string, capture: CaptureMode): Meaning | undefined {
  switch (eventCode) {
    case 'AUTHORISATION':
      return { on: 'payment', done: capture === 'automatic' ? 'captured' : 'authorized', refused: 'failed' }
    case 'CAPTURE':
      return {
        on: 'modification',
        done: capture === 'automatic' ? NOTHING : 'captured',
        refused: CAPTURE_FAILED,
      }
    default:
      return MEANINGS.get(eventCode)
  }
}

/**
 * The payment's own pspReference. An attempt that was refused has another than the one that succeeds later; the payment must not
 * be known by it.
 */
function gatewayRefOf(item: AdyenItem, { on }: Meaning, isDone: boolean): string | null {
  if (on === 'modification') return orNull(item.originalReference)
  return isDone || item.merchantReference === '' ? orNull(item.pspReference) : null
}

function orNull(text: string): string | null {
  return text === '' ? null : text
}
