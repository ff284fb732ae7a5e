import type { PoolConnection } from '../../db/pools.ts'
import type { Id } from '../base/ids.ts'
import type { Reply } from './answer.ts'

/** What JSON can say. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json }

/** How far the work came, for its next step. */
export interface Progress {
  /** The key's row: the same for every owner and every phase. */
  readonly id: Id
  /** What is to be done now; FIRST_PHASE at the beginning. */
  readonly phase: string
  /** What it was asked, as it was claimed. */
  readonly input: Json
  /** What earlier phases learnt; null at the beginning. */
  readonly memo: Json
}

/** A step's view of the work. */
export interface StepContext extends Progress {
  /**
   * The idempotency key for whoever this phase calls: row id and phase, never the fence, so that an owner who takes over
   * repeats the call of the one before under the same key.
   */
  readonly downstreamKey: string
  /** Aborts well before the lease is over: a call that takes longer is given up, and its outcome is unknown. */
  readonly signal: AbortSignal
}

/** Effects that are committed together with the step, through this connection. May run several times; calls nobody. */
export type Write = (connection: PoolConnection) => Promise<void>

/**
 * advance: goes on with another phase. finish: this is the answer. later: nothing can be said yet (a time-out, a provider
 * that is still at it); the same phase is tried again after `seconds`, by whoever is there then.
 */
export type Step =
  | { readonly kind: 'advance'; readonly phase: string; readonly memo?: Json; readonly write?: Write }
  | { readonly kind: 'finish'; readonly reply: Reply; readonly write?: Write }
  | { readonly kind: 'later'; readonly seconds: number }

/**
 * Work that calls others, cut into phases so that any process can go on with it. A step may call (no transaction is open),
 * and says what is to be committed with it. It may run more than once: a call is made under `downstreamKey`, and where the
 * other side knows no such keys, the next phase asks what became of it before it is made again.
 */
export interface Operation {
  /** Stored; never renamed. At most 32 ASCII characters, as phases. */
  readonly name: string
  step(context: StepContext): Promise<Step>
}

export const FIRST_PHASE = 'start'
