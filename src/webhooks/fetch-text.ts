/** An answer of a host that we called. */
export interface FetchedText {
  readonly status: number
  readonly text: string
}

export interface FetchLimits {
  readonly timeoutMs: number
  readonly maxBytes: number
}

/** GETs a URL that was vetted by the caller. Follows no redirect; throws when it is slow, too long or unreachable. */
export type FetchText = (url: string, limits: FetchLimits) => Promise<FetchedText>

export const fetchText: FetchText = async (url, { timeoutMs, maxBytes }) => {
  const signal = AbortSignal.timeout(timeoutMs)
  const response = await fetch(url, { redirect: 'error', signal, headers: { 'user-agent': 'Onceline' } })
  return { status: response.status, text: await readBounded(response, maxBytes) }
}

/** The body as text; throws once it is longer than `maxBytes`. */
export async function readBounded(response: Response, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of response.body ?? []) {
    length += chunk.byteLength
    // Leaving the loop cancels the stream.
    if (length > maxBytes) throw new Error(`the answer is longer than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
