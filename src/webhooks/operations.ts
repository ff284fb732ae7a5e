import { z } from 'zod'
import type { ApiOperation, ApiParameter } from '../base/openapi.ts'

const GATEWAY: ApiParameter = {
  name: 'gateway',
  in: 'path',
  description: 'stripe, kashier, paymob, standard-webhooks',
  schema: z.string(),
}
const ACCOUNT: ApiParameter = {
  name: 'account',
  in: 'path',
  description: 'an account of the gateway that is configured',
  schema: z.string(),
}

const ACKNOWLEDGED = z.object({
  received: z.literal(true),
  verdict: z
    .enum(['stored', 'duplicate', 'conflict', 'nothing'])
    .describe('conflict: the same event id with other money; the first stands'),
  eventIds: z.array(z.uuid()),
  requestId: z.string(),
})

const DELIVERY = z.looseObject({}).describe("the gateway's own body, signed as the gateway signs")

function delivery(path: string, operationId: string, parameters: readonly ApiParameter[]): ApiOperation {
  return {
    method: 'post',
    path,
    operationId,
    tag: 'webhooks',
    summary: "Take a gateway's webhook",
    description: 'Acknowledged only after the event is committed. Only its signature says who sends it.',
    security: null,
    parameters,
    body: DELIVERY,
    responses: {
      200: { description: 'the event is durable', schema: ACKNOWLEDGED },
      400: { description: 'malformed body, or no event id' },
      401: { description: 'the signature is missing, wrong or too old; nothing is stored' },
      404: { description: 'no such gateway or account is configured' },
      405: { description: 'webhooks are posted' },
      413: { description: 'over 1 MiB' },
      503: { description: 'not acknowledged: send it again (Retry-After)' },
    },
  }
}

/** `/webhooks/:gateway`, as webhookRoutes() serves it. */
export const WEBHOOK_OPERATIONS: readonly ApiOperation[] = [
  delivery('/webhooks/{gateway}', 'takeWebhook', [GATEWAY]),
  delivery('/webhooks/{gateway}/{account}', 'takeAccountWebhook', [GATEWAY, ACCOUNT]),
]
