import type { DispatchPolicy } from '../../trips/trip.ts'
import type { PlannedOffer, WaitingTrip } from '../policy.ts'
import type { DispatchSettings } from '../settings.ts'
import { assign } from './assignment.ts'
import { AssignmentWorker } from './assignment-worker.ts'
import { POLICIES } from './policies.ts'
import { offersOf, windowOf } from './window.ts'

/** Up to so many pairs of a trip and a driver a window is solved within two milliseconds: a thread would cost more than it saves. */
const PAIRS_AT_ONCE = 4_000

export interface DeciderOptions {
  readonly worker?: AssignmentWorker
  /** Hears why a window was not matched at the least cost. Must not throw. */
  readonly onTrouble?: (reason: unknown) => void
}

/** Plays the policies; a window of `batch` that would keep others waiting is solved in a thread. */
export class Decider {
  readonly #worker: AssignmentWorker
  readonly #onTrouble: (reason: unknown) => void

  constructor({ worker = new AssignmentWorker(), onTrouble = () => undefined }: DeciderOptions = {}) {
    this.#worker = worker
    this.#onTrouble = onTrouble
  }

  /**
   * Who is asked for which trip, by `POLICIES[policy]`. Never rejects: where the thread fails, the window's trips take the nearest drivers
   * in the order in which they came.
   */
  async decide(
    policy: DispatchPolicy,
    trips: readonly WaitingTrip[],
    settings: DispatchSettings,
  ): Promise<readonly PlannedOffer[]> {
    if (policy !== 'batch') return POLICIES[policy](trips, settings)
    const window = windowOf(trips, settings)
    if (window.problem.cost.length <= PAIRS_AT_ONCE) return offersOf(window, assign(window.problem))
    try {
      return offersOf(window, await this.#worker.solve(window.problem))
    } catch (error) {
      this.#onTrouble(error)
      return POLICIES.nearest(trips, settings)
    }
  }

  /** Ends the thread, if there is one. */
  close(): Promise<void> {
    return this.#worker.close()
  }
}

const shared = new Decider()

/** One thread a process is enough; it starts with the first large window, and keeps no process alive. */
export function decide(
  policy: DispatchPolicy,
  trips: readonly WaitingTrip[],
  settings: DispatchSettings,
): Promise<readonly PlannedOffer[]> {
  return shared.decide(policy, trips, settings)
}
