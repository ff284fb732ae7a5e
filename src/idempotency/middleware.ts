import { isUtf8 } from 'node:buffer'
import type { HttpBindings } from '@hono/node-server'
import type { Context, Handler } from 'hono'
import { routePath } from 'hono/route'
import { isUnavailable } from '../../db/errors.ts'
import { assertNever } from '../base/assert.ts'
import { type Problem, problem } from '../base/problem.ts'
import { requestIdOf } from '../base/request-id.ts'
import type { Answer } from './answer.ts'
import { canonicalJson } from './canonical.ts'
import type { OnceResult } from './flights.ts'
import { fingerprint, recordKey } from './key.ts'
import { parseKeyHeader } from './key-header.ts'
import type { IdempotencyMetrics } from './metrics.ts'
import type { OnceRequest } from './once.ts'

type HttpContext = Context<{ Bindings: HttpBindings }>

/** Whose keys these are: two callers may use the same key without meeting. */
export interface Caller {
  /** The API key's name, the application. */
  readonly tenant: string
  /** The user; '' where the tenant acts for itself. */
  readonly actor: string
}

export interface IdempotentOptions {
  /** True: a request without a key is refused with 400. False: it executes each time. */
  readonly required: boolean
  readonly scope: (context: HttpContext) => Caller
  /** The name under which keys are kept; by default method and route template. A route that is renamed keeps its old one. */
  readonly operation?: string
  readonly maxBodyBytes?: number
  readonly metrics?: IdempotencyMetrics
}

/** A request whose key and content are read. */
export interface KeyedRequest extends OnceRequest {
  readonly context: HttpContext
  readonly requestId: string
  /** The JSON that was sent; undefined for an empty body. Not validated. */
  readonly json: unknown
}

/** What is done with it: `(request) => once.run(request, …)`, or an operation of several phases. */
export type Perform = (request: KeyedRequest) => Promise<OnceResult>

/** Trips and payments are some kilobytes. */
const MAX_BODY_BYTES = 256 * 1024
const FINGERPRINT_VERSION = 'http-1'
const RETRY_AFTER = { 'retry-after': '2' }

/**
 * A route's handler that takes effect once per Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): the first
 * request is performed, later ones with the same content get its answer with `Idempotent-Replayed: true`. Same content means
 * the same method, path, query and JSON. 400: no key, or none that can be one. 422: the key was used for other content.
 * 409: the first is not finished. 410: it was performed, and its answer is gone. 503: the database is away; the key tells
 * what happened. Checks of who asks and how often belong before it.
 */
export function idempotent(
  options: IdempotentOptions,
  perform: Perform,
): Handler<{ Bindings: HttpBindings }> {
  return async (context) => {
    const requestId = requestIdOf(context.req.header('x-request-id'))
    const request = await readRequest(context, options, requestId)
    if (request instanceof Response) return request
    try {
      const result = await perform(request)
      if (request.key !== null) options.metrics?.answered(result.kind)
      return respond(result, requestId)
    } catch (error) {
      if (isUnavailable(error)) return databaseAway(request.key !== null, requestId)
      throw error
    }
  }
}

async function readRequest(
  context: HttpContext,
  options: IdempotentOptions,
  requestId: string,
): Promise<KeyedRequest | Response> {
  const header = context.req.header('idempotency-key')
  if (header === undefined && options.required) return refuse('idempotency_key_missing', requestId)
  const text = header === undefined ? null : parseKeyHeader(header)
  if (header !== undefined && text === null) return refuse('idempotency_key_invalid', requestId)
  const body = await readBody(context, options.maxBodyBytes ?? MAX_BODY_BYTES).catch(() => 'aborted' as const)
  if (body === 'aborted') return refuse('body_incomplete', requestId)
  if (body === null) return refuse('body_too_large', requestId)
  // Read leniently, different bytes would become one text.
  const content = isUtf8(body) ? readJson(body.toString()) : null
  if (content === null) return refuse('malformed_body', requestId)
  const key = text === null ? null : keyOf(context, options, text)
  return {
    context,
    requestId,
    key,
    fingerprint: fingerprintOf(context, content.canonical),
    json: content.json,
  }
}

function keyOf(context: HttpContext, { scope, operation }: IdempotentOptions, key: string): Buffer {
  const { tenant, actor } = scope(context)
  const route = operation ?? `${context.req.method} ${routePath(context)}`
  return recordKey({ kind: 'http', tenant, actor, operation: route, key })
}

/** The path itself and not the template: a key that cancelled one trip must not answer for another. */
function fingerprintOf(context: HttpContext, canonical: string | null): Buffer {
  const { pathname, search } = new URL(context.req.url)
  return fingerprint(FINGERPRINT_VERSION, [context.req.method, pathname, search, canonical])
}

function readJson(text: string): { readonly json: unknown; readonly canonical: string | null } | null {
  if (text === '') return { json: undefined, canonical: null }
  try {
    return { json: JSON.parse(text), canonical: canonicalJson(text) }
  } catch {
    return null
  }
}

/** Null when it is too long; what is left of it is not read. */
async function readBody(context: HttpContext, limitBytes: number): Promise<Buffer | null> {
  const { raw } = context.req
  if (Number(raw.headers.get('content-length') ?? 0) > limitBytes) return null
  // Whoever came before and read it has left a copy.
  if (raw.bodyUsed) return Buffer.from(await context.req.arrayBuffer())
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of raw.body ?? []) {
    length += chunk.length
    if (length > limitBytes) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, length)
}

function respond(result: OnceResult, requestId: string): Response {
  switch (result.kind) {
    case 'executed':
    case 'refused':
      return send(result.answer, { 'x-request-id': requestId })
    case 'replayed':
      return send(result.answer, { 'x-request-id': requestId, 'idempotent-replayed': 'true' })
    case 'mismatch':
      return refuse('idempotency_mismatch', requestId)
    case 'in_flight':
      return refuse('idempotency_in_flight', requestId)
    case 'expired':
      return refuse('key_expired', requestId)
    default:
      return assertNever(result)
  }
}

function send({ status, headers, body }: Answer, more: Readonly<Record<string, string>>): Response {
  const bytes = body.length === 0 ? null : new Uint8Array(body)
  return new Response(bytes, { status, headers: { ...headers, ...more } })
}

type Refusal = Pick<Problem, 'status' | 'detail' | 'headers'>

const REFUSALS = {
  idempotency_key_missing: { status: 400, detail: 'This request needs an Idempotency-Key header.' },
  idempotency_key_invalid: {
    status: 400,
    detail: 'An Idempotency-Key is 1 to 255 visible ASCII characters, bare or in double quotes.',
  },
  body_incomplete: { status: 400, detail: 'The body ended before its end.' },
  malformed_body: { status: 400, detail: 'The body is no JSON.' },
  body_too_large: { status: 413, detail: 'The body is too long.', headers: { connection: 'close' } },
  idempotency_mismatch: {
    status: 422,
    detail: 'This Idempotency-Key was used for another request. Nothing was done.',
  },
  idempotency_in_flight: {
    status: 409,
    detail: 'A request with this Idempotency-Key is not finished. Send the same again.',
    headers: RETRY_AFTER,
  },
  key_expired: { status: 410, detail: 'This was done before, and its answer is no longer kept.' },
} as const satisfies Readonly<Record<string, Refusal>>

/** Only a key makes it harmless to send the same again. */
function databaseAway(hasKey: boolean, requestId: string): Response {
  return problem({
    status: 503,
    code: 'database_unavailable',
    detail: hasKey
      ? 'It is not known what was done. Send the same again with the same Idempotency-Key.'
      : 'It is not known what was done; look before you send it again.',
    requestId,
    headers: RETRY_AFTER,
  })
}

function refuse(code: keyof typeof REFUSALS, requestId: string): Response {
  return problem({ ...REFUSALS[code], code, requestId })
}
