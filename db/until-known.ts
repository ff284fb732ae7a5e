import { setTimeout as pause } from 'node:timers/promises'
import { isConnectionLost } from './errors.ts'

export interface UntilKnownOptions {
  /** For so long after the first loss it is asked again. */
  readonly forMs: number
  readonly pauseMs: number
}

/**
 * Asks again after a lost connection, until it is known what became of the work. `ask` is the work itself, made so that it
 * waits for its own orphaned transaction and then meets what that left: a plain read on a new connection may come before
 * its end. Throws what `ask` throws: a lost connection when the time is over, everything else at once.
 */
export async function untilKnown<T>(
  ask: () => Promise<T>,
  { forMs, pauseMs }: UntilKnownOptions,
): Promise<T> {
  let endMs = Number.POSITIVE_INFINITY
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if (!isConnectionLost(error)) throw error
      endMs = Math.min(endMs, performance.now() + forMs)
      if (performance.now() > endMs) throw error
    }
    await pause(pauseMs)
  }
}
