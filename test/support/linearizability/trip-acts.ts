import type { Operation } from './search.ts'

/** What somebody does to a trip. A driver accepts and rejects by the one offer that he has of it, or by the one that is named. */
export type TripAct =
  | {
      readonly kind: 'accept'
      readonly tripId: string
      readonly driverId: string
      readonly offer?: string
      /** The offer's deadline, by the history's clock. */
      readonly expiresAtMs?: number
    }
  | { readonly kind: 'reject'; readonly tripId: string; readonly driverId: string; readonly offer?: string }
  /** The driver's own cancellation, by which the trip waits for another one. */
  | { readonly kind: 'release'; readonly tripId: string; readonly driverId: string }
  | {
      readonly kind: 'arrive' | 'start' | 'complete'
      readonly tripId: string
      readonly driverId: string
    }
  | { readonly kind: 'cancel'; readonly tripId: string }
  /** The service ends a search that found nobody. */
  | { readonly kind: 'unserved'; readonly tripId: string }
  /** Laravel gives the ride to a driver who was not asked. */
  | { readonly kind: 'give'; readonly tripId: string; readonly driverId: string }
  /** Laravel writes a driver into its row, and the status comes later. */
  | { readonly kind: 'name'; readonly tripId: string; readonly driverId: string }
  /** A driver bids; `bid` is the storm's name for it. A bid never changes: other words are another bid. */
  | {
      readonly kind: 'bid'
      readonly tripId: string
      readonly driverId: string
      readonly bid: string
      readonly offer?: string
      readonly expiresAtMs?: number
    }
  | { readonly kind: 'unbid'; readonly tripId: string; readonly driverId: string }
  /** The rider takes this driver's bid. */
  | {
      readonly kind: 'choose'
      readonly tripId: string
      readonly driverId: string
      readonly bid: string
      readonly expiresAtMs?: number
    }
  | { readonly kind: 'read'; readonly tripId: string }

/** `ok`, or a refusal's code; and with `ok` how the trip stood, where that was told. */
export interface TripAnswer {
  readonly word: string
  readonly stands?: { readonly status: string; readonly driverId: string | null }
}

/** By which offer he acts: the one that is named, or the one that he has. */
export function offerOf(act: { readonly driverId: string; readonly offer?: string }): string {
  return act.offer ?? act.driverId
}

export type TripOperation = Operation<TripAct, TripAnswer>

/** One line a history, for people. */
export function describeOperation({ act, callMs, heard }: TripOperation): string {
  const who = `${'driverId' in act ? ` ${act.driverId}` : ''}${'bid' in act ? ` "${act.bid}"` : ''}`
  const end = heard === null ? '?' : heard.returnMs.toFixed(1)
  return `[${callMs.toFixed(1)}, ${end}] ${act.kind} ${act.tripId}${who} → ${describeAnswer(heard?.answer)}`
}

function describeAnswer(answer: TripAnswer | undefined): string {
  if (answer === undefined) return 'not heard'
  const { word, stands } = answer
  return stands === undefined ? word : `${word} (${stands.status} ${stands.driverId ?? 'nobody'})`
}
