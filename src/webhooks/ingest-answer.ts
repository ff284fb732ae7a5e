import type { Verdict } from './commit-batch.ts'
import type { Acknowledgement, Delivery, RefusalCode } from './gateways/adapter.ts'

export interface IncomingDelivery {
  readonly gateway: string
  readonly account: string
  readonly requestId: string
  readonly delivery: Delivery
}

/** Who sends, as the URL and the request say. */
export type Sender = Omit<IncomingDelivery, 'delivery'>

export type IngestRefusal =
  | RefusalCode
  | 'gateway_unknown'
  | 'address_refused'
  | 'body_incomplete'
  | 'body_too_large'
  | 'method_not_allowed'
  | 'overloaded'

/** What is not here now. Whoever sends the delivery again may find it. */
export type IngestTrouble = 'database_unavailable' | 'certificate_unavailable' | 'subscription_unconfirmed'

/** What the sender is told. acknowledged only ever follows the commit. */
export type IngestAnswer =
  | {
      readonly kind: 'acknowledged'
      readonly verdict: Verdict['kind'] | 'nothing'
      readonly eventIds: readonly string[]
      /** What the gateway wants to read; null: whatever we like. */
      readonly acknowledgement: Acknowledgement | null
    }
  /** The answer to a gateway's question by GET. */
  | { readonly kind: 'answered'; readonly body: string }
  | {
      readonly kind: 'refused'
      readonly status: number
      readonly code: IngestRefusal
      readonly detail: string
    }
  | { readonly kind: 'unavailable'; readonly code: IngestTrouble }

const SEVERITY = { stored: 0, duplicate: 1, conflict: 2 } as const

/** A delivery of several events is counted by the most remarkable of them. */
export function worst(verdicts: readonly Verdict[]): Verdict['kind'] | 'nothing' {
  let result: Verdict['kind'] | 'nothing' = 'nothing'
  for (const { kind } of verdicts) {
    if (result === 'nothing' || SEVERITY[kind] > SEVERITY[result]) result = kind
  }
  return result
}
