import type { Log } from './base/log.ts'

/** One Ctrl-C gives a process two SIGINTs, a millisecond apart (the terminal's, and npm's); only a later one is impatience. */
export const SAME_KEYSTROKE_MS = 1_000

/** Resolves at the first SIGINT or SIGTERM. A second one, more than a second later, ends the process at once. */
export function untilStopped(log: Log): Promise<void> {
  return new Promise((resolve) => {
    let firstMs: number | null = null
    const hear = (signal: string): void => {
      if (firstMs === null) {
        firstMs = performance.now()
        log.info({ signal }, 'asked to stop')
        resolve()
      } else if (performance.now() - firstMs > SAME_KEYSTROKE_MS) {
        log.warn({ signal }, 'asked again: ending now')
        process.exit(1)
      }
    }
    process.on('SIGINT', () => hear('SIGINT'))
    process.on('SIGTERM', () => hear('SIGTERM'))
  })
}
