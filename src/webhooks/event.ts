import { type Id, newId } from '../base/ids.ts'
import { fingerprint, recordKey } from '../idempotency/key.ts'
import type { EventFact } from '../payments/fact.ts'
import {
  DECISIVE_FIELDS,
  type Delivery,
  type GatewayAdapter,
  type GatewayEvent,
  MONEY_KINDS,
  type TrustTier,
} from './gateways/adapter.ts'

/**
 * received: work to do. processed: done, the outcome says with what effect. paused: its gateway is. parked: waits for a
 * payment or its capture. unconfirmed: the signature does not reach far enough to move money. quarantined: contradicts
 * what we know. dead: attempts exhausted. discarded: a person said so.
 *
 *     received ─▶ processed
 *        │ ▲ ▲
 *        │ │ └── released/replayed by a person ── parked, unconfirmed, quarantined, dead
 *        │ └──── its payment or capture came ──── parked          its gateway resumed ── paused
 *        └─────▶ paused | parked | unconfirmed | quarantined | dead ──▶ discarded
 */
export const EVENT_STATES = [
  'received',
  'processed',
  'paused',
  'parked',
  'unconfirmed',
  'quarantined',
  'dead',
  'discarded',
] as const
export type EventState = (typeof EVENT_STATES)[number]

/** applied: it moved its payment. noted: it moved its payout. no_effect: known already, or late. ignored: nothing about either. */
export type EventOutcome = 'applied' | 'noted' | 'no_effect' | 'ignored'

/** An event on its way into webhook_events. */
export interface NewEvent {
  readonly id: Id
  readonly eventKey: Buffer
  readonly digest: Buffer
  readonly gateway: string
  readonly account: string
  readonly eventId: string
  readonly type: string
  readonly fact: EventFact | null
  readonly occurredAt: Date | null
  readonly maySettle: boolean
  /** Only the gateway's answer makes a fact of it. */
  readonly isHint: boolean
  readonly hold: string | null
  readonly state: EventState
  readonly outcome: EventOutcome | null
  readonly reason: string | null
  readonly conflictsWith: Id | null
  readonly requestId: string
  readonly signature: string
  readonly body: Buffer
}

export interface DeliveryContext {
  readonly gateway: string
  readonly account: string
  readonly requestId: string
  readonly signature: string
  readonly delivery: Delivery
}

const TYPE_LIMIT_CHARACTERS = 100

/** Turns what an adapter read into a row: its key, its digest, and the state in which it starts. */
export function newEvent(adapter: GatewayAdapter, event: GatewayEvent, context: DeliveryContext): NewEvent {
  return rowOf(event, maySettle(adapter, event), { ...context, body: event.part ?? context.delivery.body })
}

/** The same for an event that the gateway's API listed: it was asked over TLS, so its word needs no signature. */
export function listedEvent(event: GatewayEvent, source: Omit<Source, 'signature'>): NewEvent {
  return rowOf(event, event.fact !== null && event.hold === null, { ...source, signature: 'listed' })
}

/** Where a row comes from. */
type Source = Omit<DeliveryContext, 'delivery'> & { readonly body: Buffer }

function rowOf(event: GatewayEvent, settles: boolean, context: Source): NewEvent {
  return {
    id: newId(),
    eventKey: eventKey(context.gateway, context.account, event.eventId),
    digest: moneyDigest(event.fact),
    gateway: context.gateway,
    account: context.account,
    eventId: event.eventId,
    type: event.type.slice(0, TYPE_LIMIT_CHARACTERS),
    fact: event.fact,
    occurredAt: event.occurredAt,
    maySettle: settles,
    isHint: event.isHint === true,
    hold: event.hold,
    ...startingState(event, settles),
    conflictsWith: null,
    requestId: context.requestId,
    signature: context.signature,
    body: context.body,
  }
}

/**
 * May this event be applied without asking the gateway? Tier A signs everything; tier B must sign all five decisive
 * fields unambiguously; C and D never.
 */
export function maySettle(adapter: GatewayAdapter, event: GatewayEvent): boolean {
  if (event.fact === null || event.hold !== null || adapter.confirmFirst) return false
  const tier = tierOf(adapter, event)
  if (tier === 'A') return true
  if (tier !== 'B') return false
  return DECISIVE_FIELDS.every((field) => event.signed.includes(field))
}

/** Would money move for this event alone, without asking anybody? A failure may be believed and moves none. */
export function mayMoveMoney(adapter: GatewayAdapter, event: GatewayEvent): boolean {
  return event.fact !== null && MONEY_KINDS.has(event.fact.kind) && maySettle(adapter, event)
}

/** The tier of this very event; some gateways sign some of their deliveries otherwise than others. */
export function tierOf(adapter: GatewayAdapter, event: GatewayEvent): TrustTier {
  return event.tier ?? adapter.tier
}

type Start = Pick<NewEvent, 'state' | 'outcome' | 'reason'>

/** Only what may settle has work to do; the rest is decided here and never rings. */
function startingState(event: GatewayEvent, settles: boolean): Start {
  if (event.hold !== null) return { state: 'quarantined', outcome: null, reason: event.hold }
  if (event.fact === null && event.isHint !== true)
    return { state: 'processed', outcome: 'ignored', reason: null }
  if (!settles) return { state: 'unconfirmed', outcome: null, reason: 'confirmation_needed' }
  return { state: 'received', outcome: null, reason: null }
}

/**
 * The same event id with other money: kept under a key of its own content, so that the first stands, this one is visible
 * in quarantine, and a repetition of it is a duplicate. Where neither is believed before its gateway was asked, this one is asked about
 * as well: whoever holds a token could otherwise shut the true event out by a false one that comes first.
 */
export function asConflict(event: NewEvent, first: Id): NewEvent {
  const start: Start =
    event.state === 'unconfirmed'
      ? event
      : { state: 'quarantined', outcome: null, reason: 'event_id_conflict' }
  return {
    ...event,
    eventKey: recordKey({
      kind: 'webhook-conflict',
      tenant: event.gateway,
      actor: event.account,
      operation: event.digest.toString('hex'),
      key: event.eventId,
    }),
    state: start.state,
    outcome: start.outcome,
    reason: start.reason,
    conflictsWith: first,
  }
}

function eventKey(gateway: string, account: string, eventId: string): Buffer {
  return recordKey({ kind: 'webhook', tenant: gateway, actor: account, operation: 'event', key: eventId })
}

/**
 * The digest is of the normalised money fields and not of the bytes: a re-serialised copy is a duplicate, another amount
 * is a conflict.
 */
function moneyDigest(fact: EventFact | null): Buffer {
  if (fact === null) return NO_FACT_DIGEST
  return fingerprint('webhook-money-1', [
    fact.kind,
    fact.merchantRef,
    fact.gatewayRef,
    fact.operationRef,
    fact.amountMinor === null ? null : String(fact.amountMinor),
    fact.currency,
  ])
}

const NO_FACT_DIGEST = fingerprint('webhook-money-1', ['none'])
