import { StatementTimeout } from '../../db/errors.ts'

/** Somebody who waits for his turn. */
export interface Waiting {
  /** Monotonic. */
  readonly askedAtMs: number
  readonly reject: (error: Error) => void
}

/** Those whose turn comes in time; the others are told that it did not, so that nobody waits behind a frozen database for longer. */
export function withoutLate<One extends Waiting>(
  waiting: readonly One[],
  name: string,
  timeoutMs: number,
): One[] {
  const sinceMs = performance.now() - timeoutMs
  return waiting.filter(({ askedAtMs, reject }) => {
    if (askedAtMs > sinceMs) return true
    reject(new StatementTimeout(name, timeoutMs))
    return false
  })
}
