import type { Confirmation, Confirmer, EventInDoubt, GatewayApi } from '../confirm.ts'
import { isObject, type JsonObject, parseObject } from '../kit/body.ts'
import { parseForm } from '../kit/form.ts'
import { isPaymentId, PAYMENT_STATES, partDraft, paymentDraft, REFUND_STATES } from '../mollie-entities.ts'
import { confirmNewest, type Happening } from './newest.ts'

/** Asks for the payment with its refunds and chargebacks, https://docs.mollie.com/reference/get-payment. */
export const mollieConfirmer: Confirmer = { apiUrl: 'https://api.mollie.com', ask }

async function ask(event: EventInDoubt, api: GatewayApi): Promise<Confirmation> {
  const id = paymentIdOf(event)
  if (id === null) return { kind: 'denied', reason: 'payment_unknown' }
  const { status, body } = await api.call({
    method: 'GET',
    path: `/v2/payments/${id}?embed=refunds,chargebacks`,
    headers: { authorization: `Bearer ${api.settings.API_KEY ?? ''}` },
  })
  if (status !== 200 || body?.id !== id) return { kind: 'denied', reason: 'payment_unknown' }
  return confirmNewest(event, happeningsOf(body))
}

/** `id=tr_…` of the classic form, or `entityId` of an event that holds no object. */
function paymentIdOf({ body }: EventInDoubt): string | null {
  const id = parseObject(body)?.entityId ?? parseForm(body)?.get('id')
  return isPaymentId(id) ? id : null
}

/** When a payment came into its state, by the state's word. */
const TIMES: ReadonlyMap<unknown, string> = new Map<unknown, string>([
  ['authorized', 'authorizedAt'],
  ['paid', 'paidAt'],
  ['failed', 'failedAt'],
  ['canceled', 'canceledAt'],
  ['expired', 'expiredAt'],
])

function happeningsOf(payment: JsonObject): readonly Happening[] {
  const kind = PAYMENT_STATES.get(payment.status)
  if (kind === undefined) return []
  const at = payment[TIMES.get(payment.status) ?? 'createdAt'] ?? payment.createdAt
  return [
    { at, draft: paymentDraft(kind, payment) },
    ...embedded(payment, 'refunds').flatMap((refund) => refundOf(refund, payment)),
    ...embedded(payment, 'chargebacks').flatMap((chargeback) => chargebackOf(chargeback, payment)),
  ]
}

function embedded({ _embedded: parts }: JsonObject, name: string): readonly JsonObject[] {
  const list = isObject(parts) ? parts[name] : null
  return Array.isArray(list) ? list.filter(isObject) : []
}

/** Mollie does not say when a refund was done, only when it was asked for. */
function refundOf(refund: JsonObject, payment: JsonObject): readonly Happening[] {
  const kind = REFUND_STATES.get(refund.status)
  return kind === undefined ? [] : [{ at: refund.createdAt, draft: partDraft(kind, refund, payment.id) }]
}

function chargebackOf(chargeback: JsonObject, payment: JsonObject): readonly Happening[] {
  const { createdAt, reversedAt } = chargeback
  const received = { at: createdAt, draft: partDraft('disputed', chargeback, payment.id) }
  return typeof reversedAt === 'string'
    ? [received, { at: reversedAt, draft: partDraft('dispute_won', chargeback, payment.id) }]
    : [received]
}
