import type { HttpBindings } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import { reachedOn } from '../base/checkpoint.ts'
import { problem } from '../base/problem.ts'
import { requestIdOf } from '../base/request-id.ts'
import { readBody } from './body.ts'
import { DEFAULT_ACCOUNT, type Delivery } from './gateways/adapter.ts'
import type { Ingest } from './ingest.ts'
import type { IngestAnswer } from './ingest-answer.ts'
import type { WebhookMetrics } from './metrics.ts'

interface WebhookRoutesOptions {
  readonly ingest: Ingest
  readonly metrics: WebhookMetrics
}

type WebhookContext = Context<{ Bindings: HttpBindings }>

/** A gateway's own back-off is longer; this is for those that obey. */
const RETRY_AFTER_SECONDS = '5'

/** `POST /webhooks/:gateway` and `/webhooks/:gateway/:account`: 200 after the commit, or a problem and nothing stored. */
export function webhookRoutes(options: WebhookRoutesOptions): Hono<{ Bindings: HttpBindings }> {
  const routes = new Hono<{ Bindings: HttpBindings }>()
  for (const path of ['/webhooks/:gateway', '/webhooks/:gateway/:account']) {
    routes.post(path, (context) => take(context, options))
    routes.get(path, (context) => answerChallenge(context, options.ingest))
    routes.all(path, (context) => refuseMethod(context, options.ingest))
  }
  return routes
}

async function take(context: WebhookContext, { ingest, metrics }: WebhookRoutesOptions): Promise<Response> {
  const { incoming, outgoing } = context.env
  const sender = senderOf(context)
  const { gateway, account, requestId } = sender
  if (!ingest.knows(gateway, account))
    return respond(await ingest.take({ ...sender, delivery: EMPTY }), requestId)
  const refusal = ingest.judgeAddress(sender, incoming.socket.remoteAddress, forwardedFor(incoming))
  if (refusal !== null) return respond(refusal, requestId)
  const reading = await readBody(incoming)
  if (reading.kind === 'too_large')
    return respond(
      ingest.refuse(sender, 413, 'body_too_large', 'a delivery may have at most 1 MiB'),
      requestId,
    )
  if (reading.kind === 'overloaded')
    return respond(
      ingest.refuse(sender, 503, 'overloaded', 'too much is being received; send it again'),
      requestId,
    )
  if (reading.kind === 'aborted')
    return respond(ingest.refuse(sender, 400, 'body_incomplete', 'the body ended before its end'), requestId)
  const startedMs = performance.now()
  const answer = await ingest.take({ ...sender, delivery: deliveryOf(context, reading.body) })
  if (answer.kind === 'acknowledged') {
    reachedOn(outgoing, 'finish', 'ingest:acknowledged')
    metrics.acknowledged(gateway, (performance.now() - startedMs) / 1_000)
  }
  return respond(answer, requestId)
}

function forwardedFor({ headers }: HttpBindings['incoming']): string | undefined {
  const value = headers['x-forwarded-for']
  return Array.isArray(value) ? value.join(', ') : value
}

/** A GET: the challenge of those gateways that have one. */
function answerChallenge(context: WebhookContext, ingest: Ingest): Response {
  const sender = senderOf(context)
  const { incoming } = context.env
  const refusal = ingest.judgeAddress(sender, incoming.socket.remoteAddress, forwardedFor(incoming))
  const answer = refusal ?? ingest.challenge({ ...sender, delivery: deliveryOf(context, EMPTY.body) })
  return respond(answer, sender.requestId)
}

function refuseMethod(context: WebhookContext, ingest: Ingest): Response {
  const sender = senderOf(context)
  const refusal = ingest.refuse(sender, 405, 'method_not_allowed', 'webhooks are posted')
  const response = respond(refusal, sender.requestId)
  if (ingest.hasChallenge(sender.gateway)) response.headers.set('allow', 'GET, HEAD, POST')
  return response
}

function senderOf(context: WebhookContext): { gateway: string; account: string; requestId: string } {
  return {
    gateway: context.req.param('gateway') ?? '',
    account: context.req.param('account') ?? DEFAULT_ACCOUNT,
    requestId: requestIdOf(context.env.incoming.headers['x-request-id'] as string | undefined),
  }
}

const EMPTY: Delivery = { body: Buffer.alloc(0), headers: {}, query: new URLSearchParams() }

function deliveryOf(context: WebhookContext, body: Buffer): Delivery {
  const { incoming } = context.env
  const url = incoming.url ?? ''
  const mark = url.indexOf('?')
  const headers = incoming.headers as Record<string, string | undefined>
  return { body, headers, query: new URLSearchParams(mark === -1 ? '' : url.slice(mark + 1)) }
}

function respond(answer: IngestAnswer, requestId: string): Response {
  switch (answer.kind) {
    case 'answered':
      return textResponse(answer.body, 'text/plain; charset=utf-8', requestId)
    case 'acknowledged': {
      const wanted = answer.acknowledgement
      if (wanted !== null) {
        const ids = { 'x-onceline-event-ids': answer.eventIds.slice(0, MAX_IDS_IN_HEADER).join(',') }
        return textResponse(wanted.body, wanted.contentType, requestId, ids)
      }
      const body = JSON.stringify({
        received: true,
        verdict: answer.verdict,
        eventIds: answer.eventIds,
        requestId,
      })
      return textResponse(body, 'application/json', requestId)
    }
    case 'refused':
      return problem({
        status: answer.status,
        code: answer.code,
        detail: answer.detail,
        requestId,
        headers: REFUSAL_HEADERS[answer.status] ?? {},
      })
    case 'unavailable':
      return problem({
        status: 503,
        code: answer.code,
        detail: 'The delivery was not acknowledged; send it again.',
        requestId,
        headers: { 'retry-after': RETRY_AFTER_SECONDS },
      })
  }
}

function textResponse(
  body: string,
  contentType: string,
  requestId: string,
  more: Readonly<Record<string, string>> = {},
): Response {
  return new Response(body, {
    status: 200,
    headers: { 'content-type': contentType, 'x-request-id': requestId, ...more },
  })
}

/** 1.2 KiB: proxies refuse answers whose headers are over 4 KiB, and the gateway would send such a delivery for ever. */
const MAX_IDS_IN_HEADER = 32

/** After 413 and 503 the rest of the body is still on its way: nothing else can be read from that connection. */
const REFUSAL_HEADERS: Readonly<Record<number, Readonly<Record<string, string>>>> = {
  405: { allow: 'POST' },
  413: { connection: 'close' },
  503: { connection: 'close', 'retry-after': RETRY_AFTER_SECONDS },
}
