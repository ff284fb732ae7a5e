import { citySpecification } from './city.ts'
import type { City } from './city-state.ts'
import { overlappingRides, type SureRide } from './driver-rides.ts'
import { linearize, type Verdict } from './search.ts'
import { describeOperation, type TripAct, type TripAnswer, type TripOperation } from './trip-acts.ts'

const WHOLE = citySpecification({ isWhole: true })
const PART = citySpecification({ isWhole: false })
/** Of all trips at once; beyond it each trip by itself and each driver by himself have to be enough. */
const WHOLE_LIMIT = 150

export interface HistoryOptions {
  /** What stood before the history begins, such as rides that drivers already have. */
  readonly initial?: City
}

/**
 * What is wrong with a history, in words; empty: nothing. Each trip by itself is a register, no driver surely has two rides at once,
 * and, where the history is short enough, all trips and drivers together went one step at a time.
 */
export function faultsOfHistory(
  history: readonly TripOperation[],
  { initial = {} }: HistoryOptions = {},
): string[] {
  const trips = new Set(history.map(({ act }) => act.tripId))
  const part = { ...PART, initial }
  const faults = [...trips].flatMap((tripId) => {
    const own = history.filter(({ act }) => act.tripId === tripId)
    return faultOf(`trip ${tripId}`, linearize(own, part))
  })
  faults.push(...overlappingRides(history).map(describeOverlap))
  if (faults.length > 0 || history.length > WHOLE_LIMIT) return faults
  const verdict = linearize(history, { ...WHOLE, initial })
  return verdict.kind === 'too_hard' ? [] : faultOf('all trips together', verdict)
}

function faultOf(what: string, verdict: Verdict<TripAct, TripAnswer>): string[] {
  switch (verdict.kind) {
    case 'linearizable':
      return []
    case 'too_hard':
      return [`${what}: no order was found in ${verdict.nodes} steps`]
    case 'violation': {
      const lines = (operations: readonly TripOperation[]): string =>
        operations
          .slice(0, 40)
          .map((one) => `\n    ${describeOperation(one)}`)
          .join('')
      return [
        `${what}: no order explains it. After${lines(verdict.order)}\n  nothing of this may come:${lines(verdict.stuck)}`,
      ]
    }
  }
}

function describeOverlap([one, other]: [SureRide, SureRide]): string {
  const { driverId, tripId, fromMs, untilMs } = one
  return (
    `driver ${driverId} had ${tripId} from ${fromMs.toFixed(1)} to ${untilMs.toFixed(1)} ` +
    `and ${other.tripId} from ${other.fromMs.toFixed(1)} to ${other.untilMs.toFixed(1)}`
  )
}
