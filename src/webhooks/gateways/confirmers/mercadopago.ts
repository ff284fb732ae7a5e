import type { FactKind } from '../../../payments/fact.ts'
import type { Confirmation, Confirmer, EventInDoubt, GatewayApi } from '../confirm.ts'
import { majorUnits } from '../kit/amount.ts'
import { identifierText, isObject, type JsonObject } from '../kit/body.ts'
import { confirmNewest, type Happening } from './newest.ts'

/** Payments have numbers. */
const PAYMENT_HINT = /^payment:(\d{1,20})@\d+$/

/** Asks for the payment, https://www.mercadopago.com.br/developers/en/reference/payments/_payments_id/get. */
export const mercadopagoConfirmer: Confirmer = { apiUrl: 'https://api.mercadopago.com', ask }

/** The id is the one of the query, which is signed and stands in the event's own; what the body names does not matter. */
async function ask(event: EventInDoubt, api: GatewayApi): Promise<Confirmation> {
  const id = PAYMENT_HINT.exec(event.eventId)?.[1]
  if (id === undefined) return { kind: 'denied', reason: 'payment_unknown' }
  const { status, body } = await api.call({
    method: 'GET',
    path: `/v1/payments/${id}`,
    headers: { authorization: `Bearer ${api.settings.ACCESS_TOKEN ?? ''}` },
  })
  if (status !== 200 || body === null || identifierText(body.id) !== id)
    return { kind: 'denied', reason: 'payment_unknown' }
  return confirmNewest(event, happeningsOf(body, id))
}

/** What the status means for the payment as a whole. A refunded or disputed one was captured before. */
const STATES: ReadonlyMap<unknown, FactKind> = new Map<unknown, FactKind>([
  ['pending', 'pending'],
  ['in_process', 'pending'],
  ['authorized', 'authorized'],
  ['approved', 'captured'],
  ['refunded', 'captured'],
  ['in_mediation', 'captured'],
  ['charged_back', 'captured'],
  ['rejected', 'failed'],
  ['cancelled', 'cancelled'],
])

function happeningsOf(payment: JsonObject, id: string): readonly Happening[] {
  const kind = STATES.get(payment.status)
  if (kind === undefined) return []
  const state = kind === 'cancelled' && payment.status_detail === 'expired' ? 'expired' : kind
  const at = kind === 'captured' ? (payment.date_approved ?? payment.date_created) : changedAt(payment)
  const refs = refsOf(payment, id)
  const whole = { ...refs, ...moneyOf(payment, payment.transaction_amount) }
  const dispute = disputeOf(payment)
  return [
    { at, draft: { kind: state, operationRef: id, ...whole } },
    ...approvedRefunds(payment).map((refund) => ({
      at: refund.date_created,
      draft: {
        kind: 'refunded' as const,
        operationRef: identifierText(refund.id),
        ...refs,
        ...moneyOf(payment, refund.amount),
      },
    })),
    ...(dispute === null
      ? []
      : [{ at: changedAt(payment), draft: { kind: dispute, operationRef: `dispute:${id}`, ...whole } }]),
  ]
}

/** A payment without a reference of ours has an empty one, or none. */
function refsOf({ external_reference: reference }: JsonObject, id: string) {
  return { merchantRef: reference === '' ? null : reference, gatewayRef: id }
}

function changedAt(payment: JsonObject): unknown {
  return payment.date_last_updated ?? payment.date_created
}

function approvedRefunds({ refunds }: JsonObject): readonly JsonObject[] {
  return Array.isArray(refunds) ? refunds.filter(isObject).filter(({ status }) => status === 'approved') : []
}

/** A claim (mediation) withholds the money as a chargeback does; what became of a chargeback, its detail says. */
function disputeOf({ status, status_detail: detail }: JsonObject): FactKind | null {
  if (status === 'in_mediation') return 'disputed'
  if (status !== 'charged_back') return null
  if (detail === 'settled') return 'dispute_lost'
  return detail === 'reimbursed' ? 'dispute_won' : 'disputed'
}

/** Amounts are decimals of major units. */
function moneyOf({ currency_id: currency }: JsonObject, amount: unknown) {
  return { amountMinor: majorUnits(amount, currency), currency }
}
