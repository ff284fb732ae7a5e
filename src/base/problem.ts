import { STATUS_CODES } from 'node:http'

export interface Problem {
  readonly status: number
  /** What a program may branch on: snake_case, stable. It also names the problem's type. */
  readonly code: string
  /** What a person should know about this occurrence. Never a secret, never a value from a body. */
  readonly detail: string
  readonly requestId: string
  /** Defaults to the status's own phrase, as RFC 9457 4.2.1 asks of types that say no more than their status. */
  readonly title?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Extension members, such as the fields at fault. They cannot take the place of a standard member. */
  readonly [extension: string]: unknown
}

/**
 * The answer to a refused request: `application/problem+json` (RFC 9457). `type` is `urn:onceline:problem:<code>`, a name
 * and not an address, so that it holds wherever Onceline is installed. Refusals are never cached.
 */
export function problem(occurrence: Problem): Response {
  const { status, code, detail, requestId, title, headers, ...extensions } = occurrence
  const members = {
    ...extensions,
    type: `urn:onceline:problem:${code}`,
    title: title ?? STATUS_CODES[status] ?? 'Error',
    status,
    detail,
    code,
    requestId,
  }
  return new Response(JSON.stringify(members), {
    status,
    headers: { 'cache-control': 'no-store', ...headers, 'content-type': 'application/problem+json' },
  })
}
