import type { Id } from '../base/ids.ts'

/**
 * pending: waits for its turn, or for another try. sending: in flight, under a lease. done: its receiver has it. dead:
 * refused, or attempts exhausted. discarded: a person's word.
 *
 *     pending ──claim──▶ sending ──2xx, 409──▶ done
 *        ▲                 │ │ └──refused, exhausted──▶ dead ──▶ discarded
 *        └──────retry──────┘ └──lease over: claimed again   └──replay──▶ pending
 */
export const OUTBOX_STATES = ['pending', 'sending', 'done', 'dead', 'discarded'] as const
export type OutboxState = (typeof OUTBOX_STATES)[number]

/** A message in flight: this process may send it until its lease ends. */
export interface ClaimedMessage {
  readonly id: Id
  readonly topic: string
  readonly orderingKey: string
  /** Ascends within a key. */
  readonly sequence: number
  readonly event: string
  /** JSON, as it was added. */
  readonly payload: string
  readonly traceId: string | null
  /** The attempt that this claim is, counted from 1. */
  readonly attempt: number
  /** Only the claim with the highest fence may write a result. */
  readonly fence: number
  readonly createdAt: Date
  /** Since the first attempt, on the database's clock. */
  readonly triedForMs: number
}

/** What became of a message that was in flight. Times are counted on the database's clock. */
export type Settlement =
  | { readonly kind: 'done'; readonly status: number }
  | {
      readonly kind: 'retry'
      readonly delayMs: number
      readonly status: number | null
      readonly error: string
    }
  | {
      readonly kind: 'dead'
      readonly reason: string
      readonly status: number | null
      readonly error: string
    }
  /** Its receiver was away, which others had found out before: this was no attempt, and it is due again after the delay. */
  | {
      readonly kind: 'away'
      readonly delayMs: number
      readonly status: number | null
      readonly error: string
    }
  /** It was not tried, or nobody waited for the answer: it is due at once, and this was no attempt. */
  | { readonly kind: 'released' }
