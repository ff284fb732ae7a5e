import { idToText } from '../base/ids.ts'
import { type FeedMessage, isUserId } from '../feed/message.ts'
import type { Move } from './moves.ts'
import type { PaymentState } from './state.ts'
import type { PaymentRow } from './store.ts'

/** What others are told of a transition; the names are those of callbacks, and with a colon those of realtime pushes. */
export interface Announcement {
  readonly event:
    | 'payment.updated'
    | 'payment.completed'
    | 'payment.failed'
    | 'payment.refunded'
    | 'payment.disputed'
  readonly orderingKey: string
  readonly payload: Readonly<Record<string, unknown>>
}

/** Every transition is an update; `completed` comes once in a payment's life, when it is captured. Pure. */
export function announcementsOf(move: Move, row: PaymentRow, now: Date): Announcement[] {
  const payload = {
    paymentId: idToText(row.id),
    rideId: row.tripId,
    state: move.to,
    amountMinor: Number(move.fact.amountMinor ?? row.payment.expectedMinor),
    currency: row.payment.currency,
    at: now.toISOString(),
  }
  const orderingKey = row.tripId ?? idToText(row.id)
  const special = specialEvent(move)
  const events: Announcement['event'][] =
    special === null ? ['payment.updated'] : ['payment.updated', special]
  return events.map((event) => ({ event, orderingKey, payload }))
}

/**
 * The same for the feeds of these users, each once: null and what can be no user's id is nobody. Laravel may have written such an
 * id, and money does not wait for it to be mended. Pure.
 */
export function feedMessagesOf(
  announcements: readonly Announcement[],
  userIds: readonly (string | null)[],
): FeedMessage[] {
  const users = [...new Set(userIds)].filter((id) => id !== null).filter(isUserId)
  return announcements.flatMap(({ event, payload }) => {
    const name = event.replace('.', ':')
    return users.map((userId) => ({ userId, event: name, data: payload }))
  })
}

const WENT_WRONG: readonly PaymentState[] = ['failed', 'cancelled', 'expired']

function specialEvent(move: Move): Announcement['event'] | null {
  if (move.fact.kind === 'captured') return 'payment.completed'
  if (WENT_WRONG.includes(move.to)) return 'payment.failed'
  if (move.fact.kind === 'refunded') return 'payment.refunded'
  if (move.fact.kind === 'disputed') return 'payment.disputed'
  return null
}
