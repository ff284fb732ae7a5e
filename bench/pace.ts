import { setTimeout as pause } from 'node:timers/promises'

/** From when to when a run lasts, on the monotonic clock. */
export interface Span {
  readonly startMs: number
  readonly endMs: number
}

/** One of several senders that together keep a rate (open loop), or that send as fast as the answers come (rate null). */
export interface Lane {
  readonly index: number
  readonly lanes: number
  readonly ratePerSecond: number | null
}

/**
 * Calls `send` until the span is over or it returns false, and notes how long each call took.
 *
 * With a rate, every lane has its own beat, shifted against the others'. A call that is due while the lane is still busy
 * counts from when it was due, so that a slow answer cannot hide the wait of those behind it; otherwise it counts from
 * when it was made, so that a timer of ours that fires late is not put to the server's account.
 */
export async function keepPace(
  { index, lanes, ratePerSecond }: Lane,
  { startMs, endMs }: Span,
  latenciesMs: number[],
  send: () => Promise<boolean>,
): Promise<void> {
  const beatMs = ratePerSecond === null ? 0 : (1_000 * lanes) / ratePerSecond
  let dueMs = startMs + (beatMs * index) / lanes
  for (;;) {
    let fromMs = performance.now()
    if (beatMs > 0) {
      const waitMs = dueMs - fromMs
      if (waitMs > 0) {
        await pause(waitMs)
        fromMs = performance.now()
      } else fromMs = dueMs
      dueMs += beatMs
    }
    if (fromMs >= endMs || !(await send())) return
    latenciesMs.push(performance.now() - fromMs)
  }
}
