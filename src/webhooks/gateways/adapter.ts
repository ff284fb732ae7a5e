import type { KeyObject } from 'node:crypto'
import type { EventFact, EventKind } from '../../payments/fact.ts'
import type { Confirmer } from './confirm.ts'
import type { EventLister } from './event-lister.ts'

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
  /** Every active secret; any may match. Where the adapter's secretForm is `pair`, each is `<public>:<private>`. */
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
  /**
   * What makes the event one: the gateway's own id where the signature covers it, or one built from signed fields (from what
   * the body says, in tiers C and D). Never empty, never from an unsigned header.
   */
  readonly eventId: string
  /** The gateway's own id of the event where `eventId` could not be that (an unsigned header), for people. */
  readonly gatewayEventId?: string
  /** The gateway's own word for the event, for people and metrics: `payment_intent.succeeded`. */
  readonly type: string
  readonly occurredAt: Date | null
  /** null: nothing about a payment or a payout that we keep, or (with `hold: null` in tier D) something to be asked for. */
  readonly fact: EventFact | null
  /** Which decisive fields the signature covers unambiguously (tier B); tier A adapters name all five. */
  readonly signed: readonly DecisiveField[]
  /** Why this event must not be applied although its signature is right: `owner_mismatch`. It is quarantined. */
  readonly hold: string | null
  /** Where this delivery is of another tier than the gateway's others (Flutterwave v3). */
  readonly tier?: TrustTier
  /** Where a delivery told of several events: what is kept with this one instead of the whole body (kit/part.ts). */
  readonly part?: Buffer
  /** The body names what changed and not how (Mollie classic): only the gateway's answer makes a fact of it. */
  readonly isHint?: boolean
}

export type RefusalCode =
  | 'signature_missing'
  | 'signature_invalid'
  | 'signature_expired'
  | 'malformed_body'
  | 'event_id_missing'

export interface Refused {
  readonly kind: 'refused'
  readonly code: RefusalCode
  readonly detail: string
}

export type Received =
  | {
      readonly kind: 'accepted'
      readonly secretIndex: number
      readonly signature: string
      readonly events: readonly GatewayEvent[]
    }
  /** It was signed with a certificate that is not among those given; its URL is on a host that the adapter trusts. */
  | { readonly kind: 'certificate_needed'; readonly url: string }
  /** A verified request to confirm a subscription by a GET of this URL, on a host that the adapter trusts (SNS). */
  | { readonly kind: 'subscription'; readonly signature: string; readonly url: string }
  | Refused

/** The answer to a GET by which a gateway asks whether somebody with the key is here (Braintree). */
export type Challenge = { readonly kind: 'answered'; readonly body: string } | Refused

/** What a gateway wants to read in a 200. */
export interface Acknowledgement {
  readonly contentType: string
  readonly body: string
}

/**
 * The form of a secret, for making one up and for reading the vectors. text: any. hex: 32 bytes in hex (HMAC key or AES key).
 * whsec: 32 bytes of base64 behind `whsec_`. pair: `<public>:<private>`. none: there is no secret, the settings make the account.
 */
export type SecretForm = 'text' | 'hex' | 'whsec' | 'pair' | 'none'

/** See Setting.development. */
export const DEVELOPMENT_KEY = '@development-key'

/** A variable `<GATEWAY>_<NAME>` beside the secrets. A name that ends in KEY, SECRET, TOKEN or PASSWORD is kept secret. */
export interface Setting {
  readonly name: string
  /** For the table in docs/gateways: a phrase, in Markdown. */
  readonly meaning: string
  /** verify: production does not start without it. confirm: without it the gateway cannot be asked. */
  readonly needed?: 'verify' | 'confirm'
  /** What development runs with; DEVELOPMENT_KEY stands for the public half of the data folder's key. */
  readonly development?: string
  /** What is wrong with a value, beginning with a verb (`must be …`), without repeating it; null: nothing. */
  problem?(value: string): string | null
}

/** What people want to know of a gateway; docs/gateways and the README are made of it. */
export interface GatewayAbout {
  /** `Paymob (Accept)` */
  readonly title: string
  /** Where the gateway documents its webhooks. */
  readonly source: string
  /** One phrase: the algorithm, what it covers, where it stands. */
  readonly signature: string
  /** Of what the event id is made. */
  readonly eventId: string
}

export interface GatewayAdapter {
  /** The name in the URL: lower case, digits and `-`. */
  readonly name: string
  readonly about: GatewayAbout
  readonly tier: TrustTier
  /**
   * Tier B with ambiguous signing (Paymob), and all of C and D: the gateway's word alone never moves money. Its events
   * stay unconfirmed until the gateway's API confirms them or a person releases them.
   */
  readonly confirmFirst: boolean
  readonly secretForm: SecretForm
  /** An account may do without secrets: it is there as soon as one of its settings is. */
  readonly secretsOptional?: boolean
  readonly settings?: readonly Setting[]
  /** How far a signed timestamp may be from now, either way; none where no time is signed. */
  readonly toleranceSeconds?: number
  /** What the 200 says; Onceline's own JSON where the gateway does not care. */
  readonly acknowledgement?: Acknowledgement
  /** The status of a wrong signature where the gateway asks for another than 401. */
  readonly refusalStatus?: number
  /**
   * Verifies with every active secret and reads the events, in one pass over the body.
   *
   * Promises never to throw: whatever comes over the wire is a refusal or an acceptance. `nowMs` is the wall clock in
   * milliseconds, for gateways that sign a timestamp; null leaves the age unchecked. `certificates` holds public keys by the
   * URL of their certificate. Compares in constant time. A refusal's detail names the field or header at fault and never
   * contains a secret or a value from the body.
   */
  receive(
    delivery: Delivery,
    account: GatewayAccount,
    nowMs: number | null,
    certificates?: ReadonlyMap<string, KeyObject>,
  ): Received
  /** Answers the gateway's GET; never throws. */
  challenge?(delivery: Delivery, account: GatewayAccount): Challenge
  /** How the gateway is asked whether an event is true; see confirm.ts. */
  readonly confirm?: Confirmer
  /** How the gateway lists its events, for finding those that never came; see event-lister.ts. */
  readonly lister?: EventLister
  /**
   * Why this account, as it is configured, cannot work, beyond what `settings` say. Each sentence begins with the NAME of the
   * variable at fault (`WEBHOOK_SECRETS`, `OWNER`), to which the caller adds the account's prefix, and contains no value.
   */
  configurationProblems?(account: GatewayAccount, isProduction: boolean): readonly string[]
}

/** Kinds of facts that move money, or make somebody believe that it will move. */
export const MONEY_KINDS: ReadonlySet<EventKind> = new Set(['authorized', 'captured', 'refunded', 'disputed'])
