import type { EventFact, PaymentFact } from '../../payments/fact.ts'
import type { PayoutFact } from '../../payments/payout.ts'
import type { JsonObject } from './kit/body.ts'

/** An event that the signature alone does not prove, as its gateway is asked about it. */
export interface EventInDoubt {
  readonly eventId: string
  readonly type: string
  /** What the body said of a payment; null where it only hints (Mollie classic), or tells of a payout. */
  readonly fact: PaymentFact | null
  /** What it said of a payout. */
  readonly payout?: PayoutFact | null
  /** The bytes as they came, for ids that no fact holds (`val_id`). */
  readonly body: Buffer
}

/**
 * What the gateway itself says. confirmed: this is the fact, which takes the place of the event's own; `also` is what the answer
 * tells beside it, each an event of its own, once. waiting: it cannot say yet; ask again later. denied: it knows of no such thing,
 * or of another, for the operator's eyes (`reason` is a code).
 */
export type Confirmation =
  | { readonly kind: 'confirmed'; readonly fact: EventFact; readonly also?: readonly PaymentFact[] }
  | { readonly kind: 'waiting' }
  | { readonly kind: 'denied'; readonly reason: string }

export interface ApiRequest {
  readonly method: 'GET' | 'POST'
  /** Begins with `/`; ids in it are encoded by the caller. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly json?: JsonObject
  readonly form?: Readonly<Record<string, string>>
}

/** An answer that came: any status but 401, 403, 429 and 5xx, for which the call throws and is tried again later. */
export interface ApiAnswer {
  readonly status: number
  /** null: not a JSON object. At most 1 MiB is read. */
  readonly body: JsonObject | null
}

/** One account's way to the gateway's API. Time-outs, limits, retries and the circuit breaker are the caller's. */
export interface GatewayApi {
  readonly settings: Readonly<Record<string, string | undefined>>
  call(request: ApiRequest): Promise<ApiAnswer>
}

/** How a gateway is asked. Which settings it needs, the adapter's `settings` say (`needed: 'confirm'`). */
export interface Confirmer {
  /** The API's production address, without a slash at its end; the setting API_URL takes its place. */
  readonly apiUrl: string
  /** Asks only, changes nothing at the gateway; may be called again at any time. */
  ask(event: EventInDoubt, api: GatewayApi): Promise<Confirmation>
}
