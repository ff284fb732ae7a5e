import type { IncomingMessage } from 'node:http'

/** No gateway sends more; the largest seen are batches of some hundred kilobytes. */
export const MAX_BODY_BYTES = 1024 * 1024

/** too_large: over MAX_BODY_BYTES. aborted: the sender went away, or was too slow. */
export type BodyReading =
  | { readonly kind: 'read'; readonly body: Buffer }
  | { readonly kind: 'too_large' }
  | { readonly kind: 'aborted' }

/** Reads the bytes as they came, never more than the limit. Resolves always. */
export function readBody(incoming: IncomingMessage): Promise<BodyReading> {
  const announced = Number(incoming.headers['content-length'] ?? 0)
  if (announced > MAX_BODY_BYTES) return Promise.resolve({ kind: 'too_large' })
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let length = 0
    incoming.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (length > MAX_BODY_BYTES) {
        incoming.pause()
        resolve({ kind: 'too_large' })
      } else chunks.push(chunk)
    })
    incoming.on('end', () => resolve({ kind: 'read', body: joined(chunks, length) }))
    incoming.on('error', () => resolve({ kind: 'aborted' }))
    incoming.on('close', () => resolve({ kind: 'aborted' }))
  })
}

function joined(chunks: readonly Buffer[], length: number): Buffer {
  const [only] = chunks
  return chunks.length === 1 && only ? only : Buffer.concat(chunks, length)
}
