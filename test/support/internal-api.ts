import { randomUUID } from 'node:crypto'
import type { TestApp } from './app.ts'

export interface ApiReply {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: an answer is read member by member, and a wrong member fails its test.
  readonly json: any
}

/** Calls the internal API as Laravel does. */
export async function callInternal(
  { url, internalKey }: Pick<TestApp, 'url' | 'internalKey'>,
  method: string,
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<ApiReply> {
  const response = await fetch(url + path, {
    method,
    headers: { 'x-api-key': internalKey, 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, json: JSON.parse(text) }
}

/** A POST with a key, by default one of its own. */
export function postInternal(
  app: Pick<TestApp, 'url' | 'internalKey'>,
  path: string,
  body: unknown,
  key: string = randomUUID(),
): Promise<ApiReply> {
  return callInternal(app, 'POST', path, body, { 'idempotency-key': key })
}
