import type { IncomingMessage } from 'node:http'

/** No gateway sends more; the largest seen are batches of some hundred kilobytes. */
export const MAX_BODY_BYTES = 1024 * 1024

/**
 * What all connections of the process together may hold of bodies that nobody has verified yet. Real deliveries are some
 * kilobytes and are read within milliseconds, so that thousands at once stay far below; strangers who send large bodies
 * slowly cannot take more memory than this.
 */
const MAX_BODY_BYTES_IN_FLIGHT = 128 * MAX_BODY_BYTES

/** How many bytes of bodies are being read now, and how many may be. */
export interface BodyBudget {
  readonly limitBytes: number
  heldBytes: number
}

/** The one budget of the process. */
export const bodyBudget: BodyBudget = { limitBytes: MAX_BODY_BYTES_IN_FLIGHT, heldBytes: 0 }

/**
 * too_large: over MAX_BODY_BYTES. overloaded: the budget is used up. aborted: the sender went away, or was too slow. After
 * too_large and overloaded the rest of the body is still on its way.
 */
export type BodyReading =
  | { readonly kind: 'read'; readonly body: Buffer }
  | { readonly kind: 'too_large' }
  | { readonly kind: 'overloaded' }
  | { readonly kind: 'aborted' }

/**
 * Reads the bytes as they came, never more than the limit. Resolves always. Bytes count against the budget from when they
 * come, not from when they are announced: an announcement costs its sender nothing. They are given back with the result.
 */
export function readBody(incoming: IncomingMessage, budget: BodyBudget = bodyBudget): Promise<BodyReading> {
  const announced = Number(incoming.headers['content-length'] ?? 0)
  if (announced > MAX_BODY_BYTES) return Promise.resolve({ kind: 'too_large' })
  return new Promise((resolve) => {
    let chunks: Buffer[] = []
    let length = 0
    let isSettled = false
    const settle = (reading: BodyReading) => {
      if (isSettled) return
      isSettled = true
      budget.heldBytes -= length
      // The listeners live as long as the connection; the bytes must not.
      chunks = []
      resolve(reading)
    }
    incoming.on('data', (chunk: Buffer) => {
      const refusal = refusalOf(chunk.length, length, budget)
      if (isSettled || refusal !== null) {
        incoming.pause()
        if (refusal !== null) settle({ kind: refusal })
        return
      }
      length += chunk.length
      budget.heldBytes += chunk.length
      chunks.push(chunk)
    })
    incoming.on('end', () => {
      if (!isSettled) settle({ kind: 'read', body: joined(chunks, length) })
    })
    incoming.on('error', () => settle({ kind: 'aborted' }))
    incoming.on('close', () => settle({ kind: 'aborted' }))
  })
}

function refusalOf(more: number, length: number, budget: BodyBudget): 'too_large' | 'overloaded' | null {
  if (length + more > MAX_BODY_BYTES) return 'too_large'
  return budget.heldBytes + more > budget.limitBytes ? 'overloaded' : null
}

function joined(chunks: readonly Buffer[], length: number): Buffer {
  const [only] = chunks
  return chunks.length === 1 && only ? only : Buffer.concat(chunks, length)
}
