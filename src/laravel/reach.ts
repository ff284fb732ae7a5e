import { boundedFetch } from '../base/bounded-fetch.ts'

export type Reach =
  | { readonly kind: 'answers'; readonly status: number }
  | { readonly kind: 'away'; readonly detail: string }

const TIMEOUT_MS = 3_000

/** Whether anybody answers at this address, whatever the answer. Sends a HEAD without any key; never throws; takes three seconds at most. */
export async function reachOf(url: string): Promise<Reach> {
  const answer = await boundedFetch(url, { method: 'HEAD' }, { timeoutMs: TIMEOUT_MS, maxBytes: 0 })
  if (answer.kind === 'answered') return { kind: 'answers', status: answer.status }
  const detail =
    answer.kind === 'unreachable'
      ? `cannot be reached: ${answer.reason}`
      : `does not answer within ${TIMEOUT_MS / 1_000} s`
  return { kind: 'away', detail }
}
