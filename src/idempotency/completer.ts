import { isUnavailable } from '../../db/errors.ts'
import { idToText } from '../base/ids.ts'
import type { Log } from '../base/log.ts'
import { Loop } from '../base/loop.ts'
import { FencedOff, type HeldOperation } from './operation-store.ts'
import type { Operations } from './operations.ts'

export interface CompleterOptions {
  readonly operations: Operations
  readonly log: Log
  readonly intervalMs?: number
}

/** Each is a call to a provider at a time; more wait for the next turn, or for another process. */
const BATCH = 10
/** Beside a lease of thirty seconds a second more does not matter. */
const INTERVAL_MS = 1_000

/**
 * Goes on with operations whose owner is gone, or which had to wait. Every process runs one; they share the work by lease
 * and fence.
 */
export class Completer {
  readonly #options: CompleterOptions
  readonly #loop: Loop

  constructor(options: CompleterOptions) {
    this.#options = options
    this.#loop = new Loop({
      turn: async () => (await this.runOnce()) >= BATCH,
      intervalMs: options.intervalMs ?? INTERVAL_MS,
      onError: (err) => options.log.warn({ err }, 'completing operations failed; the next turn tries again'),
    })
  }

  start(): void {
    this.#loop.start()
  }

  /** Ends after the turn in hand, for which it waits at most `timeoutMs`. */
  stop(timeoutMs: number): Promise<void> {
    return this.#loop.stop(timeoutMs)
  }

  /** One turn; returns how many it took over. A suspect is driven alone, so that it takes nothing along. */
  async runOnce(): Promise<number> {
    const orphans = await this.#options.operations.takeOrphans(BATCH)
    await Promise.all(orphans.map((held) => this.#complete(held)))
    const suspect = await this.#options.operations.takeSuspect()
    if (suspect === undefined) return orphans.length
    await this.#complete(suspect)
    return orphans.length + 1
  }

  /** Never rejects: a turn that ended for one would leave the others behind, and whoever stops would not wait for them. */
  async #complete(held: HeldOperation): Promise<void> {
    const words = { operation: held.operation, id: idToText(held.id), phase: held.phase, fence: held.fence }
    try {
      const answer = await this.#options.operations.drive(held)
      if (answer !== null) this.#options.log.info(words, 'an operation without an owner is finished')
    } catch (error) {
      // Another owner has it, or the lease runs out and somebody takes it again.
      if (error instanceof FencedOff) return
      const level = isUnavailable(error) ? 'warn' : 'error'
      this.#options.log[level]({ ...words, err: error }, 'an operation was left; it is taken over again')
    }
  }
}
