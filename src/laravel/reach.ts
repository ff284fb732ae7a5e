import { reasonOf } from './callback-request.ts'

export type Reach =
  | { readonly kind: 'answers'; readonly status: number }
  | { readonly kind: 'away'; readonly detail: string }

const TIMEOUT_MS = 3_000

/** Whether anybody answers at this address, whatever the answer. Sends a HEAD without any key; never throws; takes three seconds at most. */
export async function reachOf(url: string): Promise<Reach> {
  const tooLate = AbortSignal.timeout(TIMEOUT_MS)
  try {
    const { status } = await fetch(url, { method: 'HEAD', redirect: 'manual', signal: tooLate })
    return { kind: 'answers', status }
  } catch (error) {
    if (tooLate.aborted) return { kind: 'away', detail: `does not answer within ${TIMEOUT_MS / 1_000} s` }
    return { kind: 'away', detail: `cannot be reached: ${reasonOf(error)}` }
  }
}
