import { FACT_KINDS } from '../../../payments/fact.ts'
import { signStandardWebhooks } from '../standard-webhooks.ts'
import { type GatewaySample, jsonBody, type SampleSpec, type SignedSample } from './sample.ts'

export const standardWebhooksSample: GatewaySample = { kinds: FACT_KINDS, currency: 'EGP', build, sign }

function build(spec: SampleSpec): SignedSample {
  const { merchantRef, gatewayRef, operationRef, currency } = spec
  const data = { merchantRef, gatewayRef, operationRef, amountMinor: Number(spec.amountMinor), currency }
  const event = { type: `payment.${spec.kind}`, timestamp: new Date(spec.nowMs).toISOString(), data }
  return sign(jsonBody(event, spec.bodyBytes), spec)
}

function sign(body: Buffer, { kind, operationRef, eventId, nowMs, secret }: SampleSpec): SignedSample {
  const id = eventId ?? `msg_${operationRef}_${kind}`
  const seconds = Math.floor(nowMs / 1000)
  const signature = signStandardWebhooks(id, seconds, body, secret)
  return {
    headers: { 'webhook-id': id, 'webhook-timestamp': String(seconds), 'webhook-signature': signature },
    body,
  }
}
