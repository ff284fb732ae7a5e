import { isUtf8 } from 'node:buffer'
import type { FactKind } from '../../payments/fact.ts'
import { majorUnits } from './kit/amount.ts'
import { dateOfText, isIdentifier } from './kit/body.ts'
import { completeFact, held, NOTHING, type Reading } from './kit/verdict.ts'
import { childOf, readXml, textOf, type XmlElement } from './kit/xml.ts'

export interface Notification extends Reading {
  /** Null where the notification is too odd for one. */
  readonly eventId: string | null
  readonly type: string
  readonly occurredAt: Date | null
}

/** `<notification><timestamp/><kind/><subject><…/></subject></notification>`; null for anything else. */
export function readNotification(xml: Buffer): Notification | null {
  const root = isUtf8(xml) ? readXml(xml.toString('utf8')) : null
  const kind = textOf(root, 'kind')
  if (root?.name !== 'notification' || !isIdentifier(kind)) return null
  const subject = childOf(root, 'subject')
  const timestamp = textOf(root, 'timestamp')
  const own = `${kind}:${timestamp}:${subjectIdOf(subject)}`
  return {
    eventId: timestamp !== null && isIdentifier(own) ? own : null,
    type: kind,
    occurredAt: dateOfText(timestamp),
    ...readFact(kind, subject),
  }
}

/** Of several objects in a subject the first names it: `<dispute>`, `<transaction>`, `<subscription>`. */
function subjectIdOf(subject: XmlElement | null): string {
  const [object] = subject?.children ?? []
  return object === undefined ? '' : `${object.name}:${textOf(object, 'id') ?? ''}`
}

/** Evidence (`dispute_disputed`) and the bank's thinking (`dispute_under_review`) move nothing. */
const DISPUTES: ReadonlyMap<string, FactKind> = new Map([
  ['dispute_opened', 'disputed'],
  ['dispute_won', 'dispute_won'],
  ['dispute_lost', 'dispute_lost'],
  ['dispute_accepted', 'dispute_lost'],
  ['dispute_auto_accepted', 'dispute_lost'],
  ['dispute_expired', 'dispute_lost'],
])

/** Settled and disbursed tell the same capture, by one operation. */
const TRANSACTIONS: ReadonlyMap<string, { readonly sale: FactKind | null; readonly credit: FactKind }> =
  new Map([
    ['transaction_settled', { sale: 'captured', credit: 'refunded' }],
    ['transaction_disbursed', { sale: 'captured', credit: 'refunded' }],
    ['transaction_settlement_declined', { sale: 'failed', credit: 'refund_failed' }],
    ['refund_failed', { sale: null, credit: 'refund_failed' }],
  ])

function readFact(kind: string, subject: XmlElement | null): Reading {
  const dispute = DISPUTES.get(kind)
  if (dispute !== undefined) return readDispute(dispute, childOf(subject, 'dispute'))
  const words = TRANSACTIONS.get(kind)
  return words === undefined ? NOTHING : readTransaction(words, childOf(subject, 'transaction'))
}

/** A retrieval is a question of the bank and withdraws nothing. */
function readDispute(kind: FactKind, dispute: XmlElement | null): Reading {
  if (dispute === null) return held('object_unreadable')
  if (textOf(dispute, 'kind') === 'retrieval') return NOTHING
  const transaction = childOf(dispute, 'transaction')
  const money = moneyOf(dispute, textOf(dispute, 'amount-disputed') ?? textOf(dispute, 'amount'))
  // Won in part: our books know of a dispute that all of it came back, or none.
  const won = kind === 'dispute_won' ? textOf(dispute, 'amount-won') : null
  if (won !== null && moneyOf(dispute, won).amountMinor !== money.amountMinor)
    return held('status_contradictory')
  return completeFact({
    kind,
    merchantRef: textOf(transaction, 'order-id'),
    gatewayRef: textOf(transaction, 'id'),
    operationRef: textOf(dispute, 'id'),
    ...money,
  })
}

/** A refund is a transaction of type `credit` that names the one it pays back. */
function readTransaction(
  words: { readonly sale: FactKind | null; readonly credit: FactKind },
  transaction: XmlElement | null,
): Reading {
  if (transaction === null) return held('object_unreadable')
  const isCredit = textOf(transaction, 'type') === 'credit'
  const kind = isCredit ? words.credit : words.sale
  if (kind === null) return held('event_unknown')
  return completeFact({
    kind,
    merchantRef: isCredit ? null : textOf(transaction, 'order-id'),
    gatewayRef: textOf(transaction, isCredit ? 'refunded-transaction-id' : 'id'),
    operationRef: textOf(transaction, 'id'),
    ...moneyOf(transaction, textOf(transaction, 'amount')),
  })
}

/** Amounts are decimals of major units. */
function moneyOf(object: XmlElement, amount: string | null) {
  const currency = textOf(object, 'currency-iso-code')
  return { amountMinor: majorUnits(amount, currency), currency }
}
