import type { PoolConnection } from '../../db/pools.ts'
import { appendToFeed } from '../feed/append.ts'
import type { FeedMessage } from '../feed/message.ts'
import type { DispatchRules } from '../matching/dispatch/settings.ts'
import { NOBODY_TOLD, type Told } from '../matching/trips/announce.ts'
import type { Trip } from '../matching/trips/trip.ts'

/** What an action may need to know beside its message. */
export interface ActContext {
  /** Of amounts whose message names none and whose trip is not known. */
  readonly currency: string
  readonly traceId: string | null
  /** How drivers are looked for. */
  readonly rules: DispatchRules
}

/**
 * What came of a message within its transaction. done: what it says is written; `told` is for after the commit.
 * refused: nothing is written. `mayPass`: it may be allowed in a moment, since Laravel publishes before it commits, and
 * messages of different trips overtake each other.
 */
export type Acted =
  | { readonly kind: 'done'; readonly told: Told }
  | { readonly kind: 'refused'; readonly reason: string; readonly mayPass: boolean }

/** An action writes through this connection alone, and may run several times. */
export type Act<M> = (connection: PoolConnection, message: M, context: ActContext) => Promise<Acted>

export const NOTHING_NEW: Acted = { kind: 'done', told: NOBODY_TOLD }

export function refused(reason: string, mayPass = false): Acted {
  return { kind: 'refused', reason, mayPass }
}

/** The currency of an amount whose message names none: the trip's own, where Onceline knows it. */
export function currencyOf(trip: Trip | null, { currency }: ActContext): string {
  return trip?.details?.estimatedFare.currency ?? currency
}

/** Tells users durably, as the last thing in the transaction. */
export async function tell(connection: PoolConnection, messages: readonly FeedMessage[]): Promise<Acted> {
  return { kind: 'done', told: { pushes: await appendToFeed(connection, messages), rings: [] } }
}
