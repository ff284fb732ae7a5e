import type { Tried } from './matching-asker.ts'

const REQUEST_TIMEOUT_MS = 8_000

/** One request of Laravel's at one process; a GET where there is no body. */
export async function laravelSays(
  url: string,
  key: string,
  path: string,
  body: unknown,
  cut: AbortSignal | null,
): Promise<Tried> {
  const signals = [AbortSignal.timeout(REQUEST_TIMEOUT_MS), ...(cut === null ? [] : [cut])]
  try {
    const response = await fetch(url + path, {
      method: body === null ? 'GET' : 'POST',
      headers: { 'x-api-key': INTERNAL_KEY, 'content-type': 'application/json', 'idempotency-key': key },
      signal: AbortSignal.any(signals),
      ...(body === null ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return triedOf(response.status, text)
  } catch {
    return 'lost'
  }
}

export const INTERNAL_KEY = 'internal-key-of-the-matching-storm-3d81'

function triedOf(status: number, text: string): Tried {
  const data = JSON.parse(text)
  if (status === 200 || status === 201) return { word: 'ok', data, text }
  if (status >= 500 || status === 429 || data.code === 'idempotency_in_flight') return 'unsettled'
  return { word: String(data.code), data, text }
}
