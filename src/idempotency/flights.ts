import { within } from '../base/within.ts'
import type { Answer } from './answer.ts'
import { decideClaim } from './decide.ts'
import type { KeyClaim } from './store.ts'

/**
 * executed: done now, by this request. refused: nothing was done and the key is free; the handler's answer says why.
 * replayed: it was done before, and this is its answer. mismatch: the key stands for other content; nothing was done.
 * in_flight: another request with this key is not finished. expired: it was done before, and its answer is gone.
 */
export type OnceResult =
  | { readonly kind: 'executed'; readonly answer: Answer }
  /** With all the headers that the handler named. */
  | { readonly kind: 'refused'; readonly answer: Answer }
  | { readonly kind: 'replayed'; readonly answer: Answer }
  | { readonly kind: 'mismatch' }
  | { readonly kind: 'in_flight' }
  | { readonly kind: 'expired' }

interface Flight {
  readonly claim: KeyClaim
  readonly landed: Promise<Landing>
}

/** The answer that stands from now on; free when it came to nothing; busy when another process holds the key. */
type Landing = Answer | 'free' | 'busy'

/** A try to get a key that another process holds lasts a second; a shorter rest of the time is not worth one. */
export const SHORTEST_WAIT_MS = 900

/** One request of a key at a time in this process; the others wait here, where they hold no connection. */
export class Flights {
  readonly #open = new Map<string, Flight>()

  /**
   * Lets `lead` run unless a request of this name is in flight. Otherwise waits for that one until `endMs` (monotonic):
   * where it ended with an answer, that is what the key stands for; where it came to nothing, takes its turn. Until then
   * nothing is said of other content, since the one in flight may come to nothing. Throws what `lead` throws.
   */
  async join(
    name: string,
    mine: KeyClaim,
    endMs: number,
    lead: () => Promise<OnceResult>,
  ): Promise<OnceResult> {
    for (;;) {
      const flight = this.#open.get(name)
      if (!flight) return this.#fly(name, mine, lead)
      const landing = await within(endMs - performance.now(), flight.landed)
      if (landing === 'late') return { kind: 'in_flight' }
      if (landing === 'busy') {
        if (endMs - performance.now() < SHORTEST_WAIT_MS) return { kind: 'in_flight' }
      } else if (landing !== 'free') {
        if (decideClaim(mine, flight.claim) === 'conflict') return { kind: 'mismatch' }
        return { kind: 'replayed', answer: landing }
      }
    }
  }

  async #fly(name: string, claim: KeyClaim, lead: () => Promise<OnceResult>): Promise<OnceResult> {
    const { promise: landed, resolve: land } = Promise.withResolvers<Landing>()
    this.#open.set(name, { claim, landed })
    let landing: Landing = 'free'
    try {
      const result = await lead()
      landing = landingOf(result)
      return result
    } finally {
      this.#open.delete(name)
      land(landing)
    }
  }
}

function landingOf(result: OnceResult): Landing {
  if (result.kind === 'executed' || result.kind === 'replayed') return result.answer
  return result.kind === 'in_flight' ? 'busy' : 'free'
}
