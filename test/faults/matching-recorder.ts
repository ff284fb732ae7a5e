import type { TripAct, TripAnswer, TripOperation } from '../support/linearizability/trip-acts.ts'
import type { Heard } from './matching-asker.ts'

/** What was asked for in a run, when, and what was heard of it. */
export class Recorder {
  readonly history: TripOperation[] = []
  /** What was wrong already while it was played. */
  readonly faults: string[] = []

  /** Null: nobody heard. */
  async record(act: TripAct, perform: () => Promise<TripAnswer | null>): Promise<TripAnswer | null> {
    const callMs = performance.now()
    let answer: TripAnswer | null = null
    try {
      answer = await perform()
      if (answer?.word === 'unknown_event') return null
    } catch (error) {
      this.faults.push(`${act.kind} ${act.tripId}: ${error instanceof Error ? error.message : error}`)
    }
    const heard = answer === null ? null : { answer, returnMs: performance.now() }
    this.history.push({ act, callMs, heard })
    return answer
  }

  /** Something that the service may have done by itself, at any time since or never. */
  mayHappen(act: TripAct, callMs: number): void {
    this.history.push({ act, callMs, heard: null })
  }
}

/** What was heard, for the history; the trip is the answer, or this member of it. */
export function answerOf(heard: Heard | null, member?: string): TripAnswer | null {
  if (heard === null) return null
  const { word, data } = heard
  const trip = member === undefined ? data : data[member]
  return word === 'ok' && trip?.status
    ? { word, stands: { status: trip.status, driverId: trip.driverId } }
    : { word }
}
