import { setTimeout as pause } from 'node:timers/promises'

/** A statement that waits for a lock looks like a slow one; the others go on meanwhile. */
const BLOCKED_MS = 12

/**
 * Lets several tasks go on in turns, one statement each, in an order that a test chooses: whoever comes to the gate waits until he is
 * chosen. Outside of play() the gate is open.
 */
export class Stepper {
  #waiting: (() => void)[] = []
  #isPlaying = false
  #arrived: () => void = () => undefined

  gate = (): Promise<void> => {
    if (!this.#isPlaying) return Promise.resolve()
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
      this.#arrived()
    })
  }

  /** Runs all tasks to their end; `choose` picks one of so many that wait. Rejects with the first that rejects, after all have ended. */
  async play(tasks: readonly (() => Promise<unknown>)[], choose: (count: number) => number): Promise<void> {
    this.#isPlaying = true
    let left = tasks.length
    const ended = tasks.map((task) =>
      task().finally(() => {
        left -= 1
        this.#arrived()
      }),
    )
    const all = Promise.allSettled(ended)
    await pause(BLOCKED_MS)
    while (left > 0) {
      const index = this.#waiting.length > 0 ? choose(this.#waiting.length) : 0
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#arrived = resolve
      this.#waiting.splice(index, 1)[0]?.()
      await Promise.race([promise, pause(BLOCKED_MS)])
    }
    this.#isPlaying = false
    for (const go of this.#waiting.splice(0)) go()
    for (const one of await all) if (one.status === 'rejected') throw one.reason
  }
}
