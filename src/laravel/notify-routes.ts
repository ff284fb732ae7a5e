import type { HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import { parseFields } from '../base/validation.ts'
import type { Push } from '../feed/envelope.ts'
import type { Publisher } from '../feed/publish.ts'
import { jsonReply } from '../idempotency/answer.ts'
import type { OnceResult } from '../idempotency/flights.ts'
import type { IdempotencyMetrics } from '../idempotency/metrics.ts'
import { idempotent, type KeyedRequest } from '../idempotency/middleware.ts'
import type { Once } from '../idempotency/once.ts'
import { laravel } from './keyed.ts'
import { notifyIn } from './notification.ts'
import { NOTIFY } from './notify-schemas.ts'
import { invalid, refusal } from './refusals.ts'

export interface NotifyRoutesOptions {
  readonly once: Once
  readonly publisher: Publisher
  readonly metrics: IdempotencyMetrics
}

type Env = { Bindings: HttpBindings }

/** A thousand ids are 39 kilobytes, beside eight of data. */
const MAX_BODY_BYTES = 64 * 1024

/** `/internal/notify`. Who may call it is decided before it. */
export function notifyRoutes(options: NotifyRoutesOptions): Hono<Env> {
  const { metrics } = options
  return new Hono<Env>().post(
    '/internal/notify',
    idempotent({ required: true, scope: laravel, maxBodyBytes: MAX_BODY_BYTES, metrics }, (request) =>
      notify(request, options),
    ),
  )
}

/**
 * The key, the kept messages and the answer are one transaction; the sockets are told after it, by the one request that
 * executed it. A process that dies between the two has told nobody of what is not durable, and nobody else will.
 */
async function notify(
  { json, requestId, ...request }: KeyedRequest,
  { once, publisher }: NotifyRoutesOptions,
): Promise<OnceResult> {
  const parsed = parseFields(NOTIFY, json)
  if (!parsed.ok) return refusal(invalid(parsed.errors, requestId))
  const { userIds, event, durable } = parsed.value
  let pushes: readonly Push[] = []
  const result = await once.run(request, async (connection) => {
    pushes = await notifyIn(connection, parsed.value)
    return jsonReply(202, { event, durable, users: userIds.length })
  })
  if (result.kind === 'executed') await publisher.publish(pushes)
  return result
}
