import { z } from 'zod'
import type { ApiOperation, ApiParameter, ApiResponse } from '../base/openapi.ts'
import { EXPECTED_PAYMENT, PAYMENT, PAYMENT_CHANGE, PAYMENT_HISTORY } from './payment-schemas.ts'

const PAYMENT_ID: ApiParameter = {
  name: 'id',
  in: 'path',
  description: "the payment's id",
  schema: z.uuid(),
}

const REFUSALS: Readonly<Record<number, ApiResponse>> = {
  401: { description: 'no X-API-Key' },
  403: { description: 'a wrong X-API-Key, or not from this address' },
  429: { description: 'too many requests; see Retry-After and RateLimit' },
}

/** What a keyed request may be answered beside its own outcomes. */
export const KEYED: Readonly<Record<number, ApiResponse>> = {
  ...REFUSALS,
  400: { description: 'no or no possible Idempotency-Key, no JSON, or fields that are wrong (`errors`)' },
  410: {
    description: 'the key was used so long ago that its answer is no longer kept; nothing was done again',
  },
  413: { description: 'the body is over 16 KiB' },
  422: { description: 'the key was used for another request; nothing was done' },
  503: { description: 'the database is away; send the same again with the same key' },
}

/** `/internal/payments`, as paymentRoutes() serves it. */
export const PAYMENT_OPERATIONS: readonly ApiOperation[] = [
  {
    method: 'post',
    path: '/internal/payments',
    operationId: 'registerPayment',
    tag: 'payments',
    summary: 'Register a payment before the customer pays it',
    description:
      'What is owed comes from here, never from a webhook. Webhooks that came before are taken up at once. The same ' +
      '(gateway, account, merchantRef) under a new key answers with the payment that stands.',
    security: 'internalApiKey',
    idempotencyKey: 'required',
    body: EXPECTED_PAYMENT,
    responses: {
      ...KEYED,
      200: { description: 'it was registered before, just so', schema: PAYMENT },
      201: { description: 'it is registered', schema: PAYMENT },
      409: {
        description:
          'it stands with other content (`payment_differs`, `fields`), the gateway reference belongs to another payment ' +
          '(`reference_taken`), or a request with this key is not finished (`idempotency_in_flight`, Retry-After)',
      },
    },
  },
  {
    method: 'patch',
    path: '/internal/payments/{id}',
    operationId: 'attachGatewayReference',
    tag: 'payments',
    summary: "Add the gateway's reference once it is known",
    security: 'internalApiKey',
    idempotencyKey: 'optional',
    parameters: [PAYMENT_ID],
    body: PAYMENT_CHANGE,
    responses: {
      ...KEYED,
      200: { description: 'the payment has this reference', schema: PAYMENT },
      404: { description: 'there is no such payment' },
      409: {
        description:
          'it has another reference (`payment_differs`), the reference belongs to another payment (`reference_taken`), or ' +
          'a request with this key is not finished',
      },
    },
  },
  {
    method: 'get',
    path: '/internal/payments/{id}',
    operationId: 'showPayment',
    tag: 'payments',
    summary: 'State, history, ledger and webhook events of a payment',
    security: 'internalApiKey',
    parameters: [PAYMENT_ID],
    responses: {
      ...REFUSALS,
      200: { description: 'the payment', schema: PAYMENT_HISTORY },
      404: { description: 'there is no such payment' },
      503: { description: 'the database is away' },
    },
  },
]
