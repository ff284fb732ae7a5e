export interface FetchLimits {
  /** From connecting to the answer's end. */
  readonly timeoutMs: number
  /** So much of the answer's body is read; the rest is cut off together with the connection. */
  readonly maxBytes: number
}

export interface BoundedRequest {
  readonly method?: 'GET' | 'HEAD' | 'POST'
  readonly headers?: Headers | Readonly<Record<string, string>>
  readonly body?: string | URLSearchParams
  /** Gives the request up when this process must not wait for it any longer. */
  readonly interrupt?: AbortSignal
  /** False: an answer with this status has a body that nobody wants. */
  readonly reads?: (status: number) => boolean
}

export interface BoundedBody {
  /** As far as it was read; empty where it broke off. */
  readonly text: string
  /** Why it is not whole, beginning with a verb (`is longer than 64 bytes`); null: it is. */
  readonly fault: string | null
}

/** How a host answered, or why it did not. A redirection is an answer. */
export type BoundedAnswer =
  | {
      readonly kind: 'answered'
      readonly status: number
      readonly headers: Headers
      readonly body: BoundedBody
    }
  | { readonly kind: 'timed_out' }
  /** `reason` names hosts, ports and what is the matter with them; it never holds a path, a query or a header. */
  | { readonly kind: 'unreachable'; readonly reason: string }
  | { readonly kind: 'interrupted' }

/**
 * One request over HTTP, bounded in time and in what is read. Follows no redirect: its headers are for this host alone. Never
 * throws. What the head says stands, whatever becomes of the body.
 */
export async function boundedFetch(
  url: string,
  request: BoundedRequest,
  { timeoutMs, maxBytes }: FetchLimits,
): Promise<BoundedAnswer> {
  const { method = 'GET', headers, body, interrupt, reads = () => true } = request
  const tooLate = AbortSignal.timeout(timeoutMs)
  const signal = interrupt === undefined ? tooLate : AbortSignal.any([tooLate, interrupt])
  try {
    const response = await fetch(url, {
      method,
      headers: headers ?? {},
      body: body ?? null,
      redirect: 'manual',
      signal,
    })
    const { status } = response
    if (reads(status))
      return {
        kind: 'answered',
        status,
        headers: response.headers,
        body: await readBody(response, maxBytes, tooLate),
      }
    // A body that nobody reads keeps its connection.
    await response.body?.cancel().catch(() => undefined)
    return { kind: 'answered', status, headers: response.headers, body: { text: '', fault: 'was not read' } }
  } catch (error) {
    if (interrupt?.aborted === true) return { kind: 'interrupted' }
    return tooLate.aborted ? { kind: 'timed_out' } : { kind: 'unreachable', reason: reasonOf(error) }
  }
}

async function readBody(response: Response, maxBytes: number, tooLate: AbortSignal): Promise<BoundedBody> {
  const parts: Uint8Array[] = []
  let length = 0
  try {
    for await (const part of response.body ?? []) {
      parts.push(part)
      length += part.length
      // Leaving the loop cancels the stream.
      if (length > maxBytes) break
    }
  } catch (error) {
    return { text: '', fault: tooLate.aborted ? 'did not end in time' : `broke off: ${reasonOf(error)}` }
  }
  const text = Buffer.concat(parts).subarray(0, maxBytes).toString('utf8')
  return { text, fault: length > maxBytes ? `is longer than ${maxBytes} bytes` : null }
}

/**
 * fetch hides the net's words in the cause: ECONNREFUSED, a certificate, a name that nobody knows. Without a cause they are its own
 * about the request, and quote the address or a header.
 */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : null
  // Where a host has several addresses, the error of all of them has a code and no words.
  const { code, message } = Object(cause) as { code?: unknown; message?: unknown }
  const words = [code, message].filter((part) => typeof part === 'string' && part !== '')
  return words.join(': ') || 'no such request can be made'
}
