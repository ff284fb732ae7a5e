import { describeOperation, type TripOperation } from './trip-acts.ts'

/** Between two clocks of one machine. */
const SLACK_MS = 5

/** In words, where an offer was accepted after its deadline, or was said to be expired before it. */
export function deadlineFaults(history: readonly TripOperation[]): string[] {
  return history.flatMap((operation) => {
    const { act, callMs, heard } = operation
    if (act.kind !== 'accept' && act.kind !== 'choose' && act.kind !== 'bid') return []
    if (act.expiresAtMs === undefined || heard === null) return []
    const isLate = heard.answer.word === 'ok' && callMs > act.expiresAtMs + SLACK_MS
    const isExpired = heard.answer.word === 'offer_expired' || heard.answer.word === 'bid_expired'
    const isEarly = isExpired && heard.returnMs < act.expiresAtMs - SLACK_MS
    if (!isEarly && !(isLate && !hadItBefore(history, operation))) return []
    const what = isEarly ? 'said to be expired before' : 'accepted after'
    return [
      `an offer was ${what} its deadline ${act.expiresAtMs.toFixed(1)}: ${describeOperation(operation)}`,
    ]
  })
}

/** Then he is told again what he has. */
function hadItBefore(history: readonly TripOperation[], { act, callMs }: TripOperation): boolean {
  return history.some(
    (other) =>
      (other.act.kind === 'accept' || other.act.kind === 'give' || other.act.kind === 'choose') &&
      other.act.tripId === act.tripId &&
      'driverId' in act &&
      other.act.driverId === act.driverId &&
      other.callMs < callMs,
  )
}
