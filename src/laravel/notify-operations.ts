import type { ApiOperation } from '../base/openapi.ts'
import { KEYED } from './keyed.ts'
import { NOTIFIED, NOTIFY } from './notify-schemas.ts'

/** `/internal/notify`, as notifyRoutes() serves it. */
export const NOTIFY_OPERATIONS: readonly ApiOperation[] = [
  {
    method: 'post',
    path: '/internal/notify',
    operationId: 'notifyUsers',
    tag: 'notifications',
    summary: 'Tell users something over their sockets',
    description:
      'With `durable` the message is in the feed of every user when this is answered, and whoever is away gets it when he comes ' +
      'back. Without it, it is told once at most, after the answer is settled, to those who are connected at that moment: ' +
      'lost where nobody listens, where Redis is away, and where the process dies in between; a repeat with the same key ' +
      'does not tell it again. Names of the families payment, ride, trip, driver, bid, feed and auth, and ready, ping, pong and error, are refused: ' +
      'there Onceline alone speaks.',
    security: 'internalApiKey',
    idempotencyKey: 'required',
    body: NOTIFY,
    responses: {
      ...KEYED,
      202: { description: 'durable: it is in the feeds; otherwise: it is being told', schema: NOTIFIED },
      409: { description: 'a request with this key is not finished (`idempotency_in_flight`, Retry-After)' },
      413: { description: 'the body is over 64 KiB' },
    },
  },
]
