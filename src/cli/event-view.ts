import { idToText } from '../base/ids.ts'
import { minorToDecimal } from '../base/money.ts'
import type { AuditEntry } from '../webhooks/audit.ts'
import type { EventState } from '../webhooks/event.ts'
import { eventJson } from '../webhooks/event-json.ts'
import type { EventDetail, EventSummary } from '../webhooks/event-list.ts'
import type { StoredPayout } from '../webhooks/payouts.ts'
import type { Cell, Colour, Printer } from './printer.ts'

/** All that is stored of an event but its bytes, as JSON. */
export function eventDetailJson(event: EventDetail) {
  return {
    ...eventJson(event),
    merchantRef: event.merchantRef,
    gatewayRef: event.gatewayRef,
    operationRef: event.operationRef,
    occurredAt: event.occurredAt?.toISOString() ?? null,
    maySettle: event.maySettle,
    hold: event.hold,
    approved: event.approved,
    nextAt: event.nextAt?.toISOString() ?? null,
    lastError: event.lastError,
    conflictsWith: event.conflictsWith === null ? null : idToText(event.conflictsWith),
    requestId: event.requestId,
    signature: event.signature,
    eventKey: event.eventKey.toString('hex'),
    digest: event.digest.toString('hex'),
    bodyBytes: event.bodyBytes,
  }
}

/** A payout as JSON; its amount in minor units. */
export function payoutJson({ state, merchantRef, amountMinor, currency, updatedAt }: StoredPayout) {
  const amount = amountMinor === null ? null : Number(amountMinor)
  return { state, merchantRef, amountMinor: amount, currency, updatedAt: updatedAt.toISOString() }
}

/** An audit entry as JSON. */
export function auditJson(entry: AuditEntry) {
  const { at, actor, action, reason, details } = entry
  return { at: at.toISOString(), actor, action, reason, details }
}

/** Events as a table. */
export function eventTable(printer: Printer, events: readonly EventSummary[]): string[] {
  return printer.table(
    ['ID', 'RECEIVED', 'GATEWAY', 'TYPE', 'AMOUNT', 'STATE', 'WHY', 'TRIES'],
    events.map((event) => [
      idToText(event.id),
      timeText(event.receivedAt),
      `${event.gateway}/${event.account}`,
      event.type,
      amountText(event.amountMinor, event.currency),
      stateCell(event.state),
      event.reason ?? event.outcome ?? '',
      String(event.attempts),
    ]),
    'no events',
  )
}

const STATE_COLOURS: Readonly<Partial<Record<EventState, Colour>>> = {
  processed: 'green',
  dead: 'red',
  quarantined: 'red',
  parked: 'yellow',
  paused: 'yellow',
  unconfirmed: 'yellow',
  discarded: 'dim',
}

/** A state in its colour. */
export function stateCell(state: EventState): Cell {
  const colour = STATE_COLOURS[state]
  return colour === undefined ? state : { text: state, colour }
}

/** `150.00 EGP`; minor units where the currency is one that we do not know. */
export function amountText(amountMinor: bigint | null, currency: string | null): string {
  if (amountMinor === null) return '-'
  try {
    return `${minorToDecimal(amountMinor, currency ?? '')} ${currency}`
  } catch {
    return `${amountMinor} minor ${currency ?? 'units'}`
  }
}

/** To the second, in UTC. */
export function timeText(at: Date | null): string {
  return at === null ? '-' : `${at.toISOString().slice(0, 19).replace('T', ' ')}Z`
}
