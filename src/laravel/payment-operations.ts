import { z } from 'zod'
import type { ApiOperation, ApiParameter } from '../base/openapi.ts'
import { KEYED, REFUSALS } from './keyed.ts'
import { EXPECTED_PAYMENT, PAYMENT, PAYMENT_CHANGE, PAYMENT_HISTORY } from './payment-schemas.ts'

const PAYMENT_ID: ApiParameter = {
  name: 'id',
  in: 'path',
  description: "the payment's id",
  schema: z.uuid(),
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
