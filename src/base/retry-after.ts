/** Whoever asks for more is asked again all the same. */
export const MAX_RETRY_AFTER_MS = 3_600_000

/** RFC 9110, 10.2.3: seconds or an HTTP date, at most an hour, in milliseconds from now; 0 for what is neither or is over. */
export function retryAfterMs(header: string | null, nowMs: number): number {
  const text = header?.trim() ?? ''
  const waitMs = /^\d+$/.test(text) ? Number(text) * 1_000 : dateMs(text) - nowMs
  return Number.isNaN(waitMs) ? 0 : Math.min(Math.max(waitMs, 0), MAX_RETRY_AFTER_MS)
}

/** An HTTP date begins with the day's name in all of its three forms; Date.parse alone would take `1.5` for a day. */
function dateMs(text: string): number {
  return /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(text) ? Date.parse(text) : Number.NaN
}
