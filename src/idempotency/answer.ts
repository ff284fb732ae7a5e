/** What a handler says: a status, headers and bytes, and whether to keep them. */
export interface Reply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: Buffer
  /**
   * True: the outcome is settled; what the handler wrote is committed with the answer. False: nothing happened, what it
   * wrote is rolled back and the key is free. By default `isSettled` of the status.
   */
  readonly keep?: boolean
}

/** What is stored and sent, the first time as every other time. */
export interface Answer {
  readonly status: number
  /** Only of KEPT_HEADERS, names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** 5,000,000 keys must stay a table that a backup can carry; a longer answer belongs behind a GET. */
export const MAX_ANSWER_BYTES = 64 * 1024
const MAX_HEADER_BYTES = 4 * 1024

/** What describes the body or where it went. Cookies, credentials and traces belong to one request and never to a key. */
const KEPT_HEADERS = new Set([
  'cache-control',
  'content-disposition',
  'content-language',
  'content-location',
  'content-type',
  'etag',
  'last-modified',
  'link',
  'location',
])

/** Refusals that the same request meets again whenever it comes: declined, already taken, gone. */
const SETTLED_REFUSALS = new Set([402, 409, 410])

/** The handler's answer is too long to be stored: a defect of the route. Nothing was done. */
export class AnswerTooLarge extends Error {
  override readonly name = 'AnswerTooLarge'
}

/**
 * Is an answer of this status deterministic, so that it stands for the key? Successes and settled refusals are. Not 400,
 * 401, 403, 404, 408, 422, 429 and 5xx: a corrected, permitted, later request may end otherwise.
 */
export function isSettled(status: number): boolean {
  return (status >= 200 && status < 400) || SETTLED_REFUSALS.has(status)
}

/** The part of a reply that is stored and sent. Throws AnswerTooLarge over 64 KiB of body or 4 KiB of headers. */
export function answerOf(reply: Reply): Answer {
  const headers: Record<string, string> = {}
  let headerBytes = 0
  for (const [name, value] of Object.entries(reply.headers ?? {})) {
    const lower = name.toLowerCase()
    if (!KEPT_HEADERS.has(lower)) continue
    headers[lower] = value
    headerBytes += lower.length + Buffer.byteLength(value)
  }
  if (reply.body.length > MAX_ANSWER_BYTES)
    throw new AnswerTooLarge(`an answer of ${reply.body.length} bytes cannot be kept`)
  if (headerBytes > MAX_HEADER_BYTES)
    throw new AnswerTooLarge(`headers of ${headerBytes} bytes cannot be kept`)
  return { status: reply.status, headers, body: reply.body }
}

/** A reply of JSON. */
export function jsonReply(status: number, value: unknown, headers: Reply['headers'] = {}): Reply {
  const body = Buffer.from(JSON.stringify(value))
  return { status, headers: { ...headers, 'content-type': 'application/json' }, body }
}

/** A reply that says what a Response says: a problem, or what a route built. */
export async function replyOf(response: Response): Promise<Reply> {
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    body: Buffer.from(await response.arrayBuffer()),
  }
}
