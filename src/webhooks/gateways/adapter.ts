import type { PaymentFact } from '../../payments/fact.ts'

/** One POST as an adapter sees it. The bytes are exactly those that came over the wire. */
export interface Delivery {
  readonly body: Buffer
  /** Lower-case names. A header that came twice is joined by ', ' and so fails any strict parser, as it should. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly query: URLSearchParams
}

/** The account of a URL that names none, and of the variables that name none. */
export const DEFAULT_ACCOUNT = 'default'

/** What an operator configured for one account of a gateway. */
export interface GatewayAccount {
  readonly gateway: string
  readonly account: string
  /** Every active secret; any may match. */
  readonly secrets: readonly string[]
  /** The other variables `<GATEWAY>_<NAME>`, by NAME: `{ OWNER: '12' }`. */
  readonly settings: Readonly<Record<string, string | undefined>>
}

/**
 * How far a signature reaches. A: the whole body. B: only some fields. C: a static token. D: nothing is signed.
 */
export type TrustTier = 'A' | 'B' | 'C' | 'D'

/** The five facts that must all be signed, unambiguously, before a tier B event may settle. */
export const DECISIVE_FIELDS = ['reference', 'amount', 'currency', 'status', 'transaction'] as const
export type DecisiveField = (typeof DECISIVE_FIELDS)[number]

export interface GatewayEvent {
  /** The gateway's own signed event id, or one built from signed fields; never empty. */
  readonly eventId: string
  /** The gateway's own word for the event, for people and metrics: `payment_intent.succeeded`. */
  readonly type: string
  readonly occurredAt: Date | null
  /** null: nothing about a payment that we keep. It is stored and needs no processing. */
  readonly fact: PaymentFact | null
  /** Which decisive fields the signature covers unambiguously (tier B); tier A adapters name all five. */
  readonly signed: readonly DecisiveField[]
  /** Why this event must not be applied although its signature is right: `owner_mismatch`. It is quarantined. */
  readonly hold: string | null
}

export type RefusalCode =
  | 'signature_missing'
  | 'signature_invalid'
  | 'signature_expired'
  | 'malformed_body'
  | 'event_id_missing'

export type Received =
  | {
      readonly kind: 'accepted'
      readonly secretIndex: number
      readonly signature: string
      readonly events: readonly GatewayEvent[]
    }
  | { readonly kind: 'refused'; readonly code: RefusalCode; readonly detail: string }

export interface GatewayAdapter {
  /** The name in the URL: lower case, digits and `-`. */
  readonly name: string
  readonly tier: TrustTier
  /**
   * Tier B with ambiguous signing (Paymob), and all of C and D: the gateway's word alone never moves money. Its events
   * stay unconfirmed until a person releases them.
   */
  readonly confirmFirst: boolean
  /**
   * Verifies with every active secret and reads the events, in one pass over the body.
   *
   * Promises never to throw: whatever comes over the wire is a refusal or an acceptance. `nowMs` is the wall clock in
   * milliseconds, for gateways that sign a timestamp. Compares in constant time. A refusal's detail names the field or
   * header at fault and never contains a secret or a value from the body.
   */
  receive(delivery: Delivery, account: GatewayAccount, nowMs: number): Received
  /**
   * Why this account, as it is configured, cannot work. Each sentence begins with the NAME of the variable at fault
   * (`WEBHOOK_SECRETS`, `OWNER`), to which the caller adds the account's prefix, and contains no value.
   */
  configurationProblems?(account: GatewayAccount, isProduction: boolean): readonly string[]
}
