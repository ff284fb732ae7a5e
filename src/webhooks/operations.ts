import { z } from 'zod'
import type { ApiOperation, ApiParameter, ApiResponse } from '../base/openapi.ts'
import { adapters } from './gateways/registry.ts'

const GATEWAY: ApiParameter = {
  name: 'gateway',
  in: 'path',
  description: [...adapters.keys()].join(', '),
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

const FORGED: ApiResponse = { description: 'the signature is missing, wrong or too old; nothing is stored' }
const ADDRESS: ApiResponse = {
  description: 'the account takes deliveries of other addresses (ALLOWED_CIDRS)',
}

/** Some gateways ask for a status of their own where a signature is wrong. */
const FORGED_BY_GATEWAY = Object.fromEntries(
  [...adapters.values()].flatMap(({ refusalStatus, about }) =>
    refusalStatus === undefined
      ? []
      : [[refusalStatus, { description: `instead of 401, for ${about.title}` }]],
  ),
)

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
      200: {
        description: 'the events are durable. A gateway that wants to read something else gets that',
        schema: ACKNOWLEDGED,
        headers: {
          'X-Onceline-Event-Ids': 'the first 32 ids, comma-separated, where the body is not this one',
        },
      },
      400: { description: 'malformed body, or no event id' },
      401: FORGED,
      403: ADDRESS,
      404: { description: 'no such gateway or account is configured' },
      405: { description: 'webhooks are posted' },
      413: { description: 'over 1 MiB' },
      ...FORGED_BY_GATEWAY,
      503: {
        description:
          'not acknowledged: send it again (Retry-After). database_unavailable, overloaded, certificate_unavailable, ' +
          'subscription_unconfirmed',
      },
    },
  }
}

function challenge(path: string, operationId: string, parameters: readonly ApiParameter[]): ApiOperation {
  return {
    method: 'get',
    path,
    operationId,
    tag: 'webhooks',
    summary: 'Say that somebody with the key is here',
    description: 'Asked by gateways that check an address before they post to it; others get 405.',
    security: null,
    parameters,
    responses: {
      200: { description: 'what the gateway wants to read', schema: z.string(), contentType: 'text/plain' },
      401: FORGED,
      403: ADDRESS,
      405: { description: 'this gateway asks nothing, or the account is not configured' },
    },
  }
}

/** `/webhooks/:gateway`, as webhookRoutes() serves it. */
export const WEBHOOK_OPERATIONS: readonly ApiOperation[] = [
  delivery('/webhooks/{gateway}', 'takeWebhook', [GATEWAY]),
  challenge('/webhooks/{gateway}', 'answerChallenge', [GATEWAY]),
  delivery('/webhooks/{gateway}/{account}', 'takeAccountWebhook', [GATEWAY, ACCOUNT]),
  challenge('/webhooks/{gateway}/{account}', 'answerAccountChallenge', [GATEWAY, ACCOUNT]),
]
