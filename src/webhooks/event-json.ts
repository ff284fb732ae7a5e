import { idToText } from '../base/ids.ts'
import type { EventSummary } from './event-list.ts'

/** An event as JSON: ids as text, times in ISO 8601, amounts in minor units. */
export function eventJson(event: EventSummary) {
  return {
    id: idToText(event.id),
    gateway: event.gateway,
    account: event.account,
    eventId: event.eventId,
    type: event.type,
    kind: event.kind,
    amountMinor: event.amountMinor === null ? null : Number(event.amountMinor),
    currency: event.currency,
    state: event.state,
    outcome: event.outcome,
    reason: event.reason,
    attempts: event.attempts,
    paymentId: event.paymentId === null ? null : idToText(event.paymentId),
    receivedAt: event.receivedAt.toISOString(),
    finishedAt: event.finishedAt?.toISOString() ?? null,
  }
}
