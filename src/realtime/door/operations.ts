import { z } from 'zod'
import type { ApiOperation } from '../../base/openapi.ts'

const TICKET = z.object({
  ticket: z.string().describe('for one connection, from the page that asked for it'),
  expiresAt: z.iso.datetime().describe('30 seconds from now, or the end of the token'),
})

/** `/realtime/tickets`, as ticketRoutes() serves it. */
export const REALTIME_OPERATIONS: readonly ApiOperation[] = [
  {
    method: 'post',
    path: '/realtime/tickets',
    operationId: 'issueTicket',
    tag: 'realtime',
    summary: "Change a user's token for a ticket",
    description:
      'A ticket opens one connection, so that no token has to stand in an address that proxies write down. ' +
      'Where Redis is away there are none; the token itself opens a connection too.',
    security: 'userToken',
    responses: {
      201: { description: 'a ticket', schema: TICKET },
      401: {
        description: 'no token (token_required), or one that is refused (token_refused, with a reason)',
      },
      403: { description: 'the page is of an origin that is not in WS_CORS_ORIGIN' },
      405: { description: 'tickets are asked for with POST' },
      429: { description: 'too many from this address, or of this user (Retry-After)' },
      503: { description: 'Redis is away (Retry-After)' },
    },
  },
]
