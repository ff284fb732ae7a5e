import { signMercadopago } from '../mercadopago.ts'
import {
  type GatewaySample,
  jsonBody,
  kindsOf,
  type SampleSpec,
  type SignedSample,
  type Words,
  wordsFor,
} from './sample.ts'

/** A delivery hints at a payment and says nothing of its state: these are the moments at which one comes. */
const ACTIONS: Words<string> = {
  pending: 'payment.created',
  authorized: 'payment.updated',
  captured: 'payment.updated',
  failed: 'payment.updated',
  cancelled: 'payment.updated',
  expired: 'payment.updated',
  refunded: 'payment.updated',
  disputed: 'payment.updated',
  dispute_won: 'payment.updated',
  dispute_lost: 'payment.updated',
}

export const mercadopagoSample: GatewaySample = { kinds: kindsOf(ACTIONS), currency: 'BRL', build, sign }

function build(spec: SampleSpec): SignedSample {
  const body = {
    action: wordsFor(ACTIONS, spec.kind),
    api_version: 'v1',
    data: { id: paymentIdOf(spec) },
    date_created: new Date(spec.nowMs).toISOString(),
    id: spec.eventId ?? `${spec.operationRef}-${spec.kind}`,
    live_mode: true,
    type: 'payment',
    user_id: 1,
  }
  return sign(jsonBody(body, spec.bodyBytes), spec)
}

/** Real ones are numbers; the API knows no others. */
function paymentIdOf({ gatewayRef, operationRef }: SampleSpec): string {
  return gatewayRef ?? operationRef
}

/** No body is signed. */
function sign(body: Buffer, spec: SampleSpec): SignedSample {
  const id = paymentIdOf(spec)
  const requestId = `request-${spec.operationRef}`
  const signature = signMercadopago(id, requestId, String(spec.nowMs), spec.secret)
  return {
    headers: { 'x-request-id': requestId, 'x-signature': signature },
    query: new URLSearchParams({ 'data.id': id, type: 'payment' }).toString(),
    body,
  }
}
