import { isConnectionLost, isRetryable } from '../../db/errors.ts'
import type { Pool } from '../../db/pools.ts'
import { inTransaction } from '../../db/transaction.ts'
import type { CircuitBreaker, Permit } from '../base/circuit.ts'
import type { Clock } from '../base/clock.ts'
import { type Id, idToText } from '../base/ids.ts'
import type { Log } from '../base/log.ts'
import type { ClaimedMessage } from '../outbox/message.ts'
import { claimTurns } from '../outbox/store.ts'
import type { CallbackAnswer, CallbackClient } from './callback-request.ts'
import type { CallbackSettler } from './callback-settlement.ts'
import { type CallbackOutcome, judge, type Verdict } from './callback-verdict.ts'
import { LARAVEL_TOPIC } from './queue.ts'
import { Slots } from './slots.ts'

export interface CourierOptions {
  readonly pool: Pool
  readonly client: CallbackClient
  readonly settler: CallbackSettler
  readonly breaker: CircuitBreaker
  readonly log: Log
  readonly clock: Clock
  /** So many requests are in flight at once. */
  readonly concurrency: number
  /** Longer than a request may take; what is in flight when its process dies is sent again after it. */
  readonly leaseSeconds: number
  readonly requestTimeoutMs: number
  readonly backoff: { readonly baseMs: number; readonly capMs: number }
  /** Rings for a message whose turn has come. Must not throw. */
  readonly ring: (ids: readonly Id[]) => void
  readonly onSent?: (outcome: CallbackOutcome | 'lease_lost', durationMs: number) => void
  readonly onInFlight?: (difference: 1 | -1) => void
}

/** Between the request's last moment and the end of the lease there must be time to write the result. */
const SETTLE_MARGIN_MS = 1_000
/** Claiming costs a transaction, so under load it is done for a few messages at once: for this part of the places. */
const PLACES_AT_ONCE = 1 / 4

/** Carries callbacks to Laravel. Any number of couriers may be given the same ids at once: the claim decides who sends. */
export class Courier {
  readonly #options: CourierOptions
  readonly #slots: Slots
  readonly #inFlight = new Set<Promise<void>>()
  #isStopping = false

  constructor(options: CourierOptions) {
    this.#options = options
    this.#slots = new Slots(options.concurrency, Math.ceil(options.concurrency * PLACES_AT_ONCE))
  }

  /**
   * Sends those of the messages whose turn it is, and resolves when each has its result written. While the circuit is open
   * it does nothing: they stay due, and no attempt is counted. Throws when the database is away: then nothing was sent.
   */
  async deliver(ids: readonly Id[]): Promise<void> {
    const sending: Promise<void>[] = []
    try {
      for (let rest = ids; rest.length > 0; ) {
        const places = await this.#slots.take(rest.length)
        const part = rest.slice(0, places)
        rest = rest.slice(places)
        const begun = await this.#begin(part)
        if (begun === null) break
        sending.push(...begun)
      }
    } finally {
      await Promise.all(sending)
    }
  }

  /** Begins nothing more, and waits for what is in flight. */
  async finish(): Promise<void> {
    this.#isStopping = true
    await Promise.all(this.#inFlight)
  }

  /** Claims and starts to send; the places taken go back as soon as each is done. Null when nobody may be called now. */
  async #begin(ids: readonly Id[]): Promise<Promise<void>[] | null> {
    const permits = this.#isStopping ? [] : this.#options.breaker.admit(ids.length)
    let claimed: ClaimedMessage[] = []
    const startedMs = this.#options.clock.monotonicMs()
    try {
      claimed = permits.length === 0 ? [] : await this.#claim(ids.slice(0, permits.length))
    } finally {
      this.#slots.giveBack(ids.length - claimed.length)
      for (const permit of permits.slice(claimed.length)) this.#options.breaker.hear(permit, 'unknown')
    }
    if (permits.length === 0) return null
    return claimed.map((message, index) => this.#track(message, permits[index] as Permit, startedMs))
  }

  #claim(ids: readonly Id[]): Promise<ClaimedMessage[]> {
    const { pool, leaseSeconds } = this.#options
    return inTransaction(pool, 'claim callbacks', (connection) =>
      claimTurns(connection, LARAVEL_TOPIC, ids, leaseSeconds),
    )
  }

  #track(message: ClaimedMessage, permit: Permit, startedMs: number): Promise<void> {
    this.#options.onInFlight?.(1)
    const work = this.#send(message, permit, startedMs).finally(() => {
      this.#inFlight.delete(work)
      this.#slots.giveBack(1)
      this.#options.onInFlight?.(-1)
    })
    this.#inFlight.add(work)
    return work
  }

  async #send(message: ClaimedMessage, permit: Permit, startedMs: number): Promise<void> {
    const { client, clock, breaker, backoff } = this.#options
    const leftMs = startedMs + this.#options.leaseSeconds * 1_000 - clock.monotonicMs()
    // Who was stopped between the claim and here may be late: by the end of the request the message would be another's.
    const isInTime = leftMs >= this.#options.requestTimeoutMs + SETTLE_MARGIN_MS
    const answer = isInTime ? await client.send(message) : ({ kind: 'interrupted' } as const)
    const verdict = judge(answer, {
      attempt: message.attempt,
      triedForMs: message.triedForMs,
      isProbe: permit.isProbe,
      nowMs: clock.nowMs(),
      backoff: { ...backoff, random: Math.random },
    })
    breaker.hear(permit, verdict.health, verdict.holdMs)
    await this.#record(message, answer, verdict, clock.monotonicMs() - startedMs)
  }

  /** A result that cannot be written is none: the message is sent again after its lease. Never throws. */
  async #record(
    message: ClaimedMessage,
    answer: CallbackAnswer,
    verdict: Verdict,
    durationMs: number,
  ): Promise<void> {
    const { settler, log, ring } = this.#options
    try {
      const { isOurs, next } = await settler.settle(message, verdict.settlement, answer)
      this.#options.onSent?.(isOurs ? verdict.outcome : 'lease_lost', durationMs)
      this.#tell(message, verdict, isOurs)
      if (next !== null) ring([next])
    } catch (error) {
      const isPassing = isConnectionLost(error) || isRetryable(error)
      const words = { ...wordsOf(message), outcome: verdict.outcome, err: error }
      if (isPassing) log.warn(words, 'the result of a callback was not written; it is sent again')
      else log.error(words, 'the result of a callback could not be written; it is sent again')
    }
  }

  #tell(message: ClaimedMessage, { outcome, settlement }: Verdict, isOurs: boolean): void {
    const { log } = this.#options
    const status = 'status' in settlement ? settlement.status : null
    const words = { ...wordsOf(message), outcome, status }
    if (!isOurs) log.warn(words, 'a callback took longer than its lease; another has it now')
    else if (settlement.kind === 'dead') log.error(words, 'callback is dead')
    else if (settlement.kind === 'retry') log.info(words, 'callback failed and will be sent again')
    else if (settlement.kind === 'away') log.info(words, 'Laravel is still away; the callback waits')
    else log.debug(words, 'callback sent')
  }
}

function wordsOf({ id, event, orderingKey, attempt, traceId }: ClaimedMessage) {
  return { callbackId: idToText(id), event, orderingKey, attempt, traceId }
}
