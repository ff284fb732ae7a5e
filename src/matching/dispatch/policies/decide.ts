import { setImmediate as afterOthers } from 'node:timers/promises'
import type { DispatchPolicy } from '../../trips/trip.ts'
import type { PlannedOffer, WaitingTrip } from '../policy.ts'
import type { DispatchSettings } from '../settings.ts'
import { AssignmentWorker } from './assignment-worker.ts'
import { POLICIES } from './policies.ts'
import { byWaiting } from './ranking.ts'
import { offersOf, rowOf, type Window, type WindowRow, windowOfRows } from './window.ts'

/** Up to so many pairs of a trip and a driver a window is solved within two milliseconds: a thread would cost more than it saves. */
const PAIRS_AT_ONCE = 4_000
/** Trips whose drivers are ranked in one go: a millisecond. */
const ROWS_AT_ONCE = 50

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
  readonly decide = async (
    policy: DispatchPolicy,
    trips: readonly WaitingTrip[],
    settings: DispatchSettings,
  ): Promise<readonly PlannedOffer[]> => {
    const pairs = trips.reduce((sum, { candidates }) => sum + candidates.length, 0)
    if (policy !== 'batch' || pairs <= PAIRS_AT_ONCE) return POLICIES[policy](trips, settings)
    const window = await largeWindowOf(trips, settings)
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

/** As `windowOf`, and lets others go first now and then. */
async function largeWindowOf(trips: readonly WaitingTrip[], settings: DispatchSettings): Promise<Window> {
  const rows: WindowRow[] = []
  for (const trip of byWaiting(trips)) {
    if (rows.length % ROWS_AT_ONCE === 0) await afterOthers()
    rows.push(rowOf(trip, settings))
  }
  return windowOfRows(rows, settings)
}
