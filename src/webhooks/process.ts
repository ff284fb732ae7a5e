import { isDatabaseAway, isRetryable, StatementTimeout } from '../../db/errors.ts'
import type { Pool, PoolConnection } from '../../db/pools.ts'
import { inTransaction, READ_TIMEOUT_MS, withConnection } from '../../db/transaction.ts'
import { backoffMs } from '../base/backoff.ts'
import { reached } from '../base/checkpoint.ts'
import { type Id, idToText } from '../base/ids.ts'
import type { Log } from '../base/log.ts'
import type { DurablePush } from '../feed/envelope.ts'
import { PaymentBook } from '../payments/book.ts'
import { isPayout } from '../payments/fact.ts'
import type { PayoutDecision } from '../payments/payout.ts'
import { findPaymentIds } from '../payments/store.ts'
import { type Announced, announceMoves, NOTHING_ANNOUNCED } from './announce.ts'
import {
  type Evaluation,
  evaluateAlone,
  evaluateWithPayment,
  evaluateWithPayout,
  refKeysOf,
} from './evaluate.ts'
import {
  type ClaimedEvent,
  claimEvents,
  type EventResult,
  finishEvents,
  recordFailure,
} from './event-store.ts'
import { captureKey, insertParked, type ParkedEvent, wakeParked } from './park.ts'
import type { PauseBoard } from './pauses.ts'
import { notePayouts } from './payouts.ts'

/** What one transaction did, for metrics: the results and how long each event had waited, in milliseconds. */
export interface ProcessedBatch {
  readonly results: readonly (EventResult & {
    readonly gateway: string
    readonly requestId: string
    readonly waitedMs: number
  })[]
}

export interface ProcessorOptions {
  readonly pool: Pool
  readonly pauses: PauseBoard
  readonly log: Log
  /** Write messages for Laravel; false where no LARAVEL_API_URL is configured. The feeds are written all the same. */
  readonly callbacks: boolean
  /** After so many failed attempts an event is dead. */
  readonly maxAttempts: number
  /** Rings events that this batch woke. Must not throw. */
  readonly ring: (ids: readonly Id[]) => void
  /** Rings for messages that this batch added to the outbox, the first of each ordering key. Must not throw. */
  readonly onAnnounced?: (ids: readonly Id[]) => void
  /** Publishes what this batch added to the feeds, which is committed. Nobody waits for it. Must not throw. */
  readonly publish?: (pushes: readonly DurablePush[]) => void
  readonly onBatch?: (batch: ProcessedBatch) => void
  readonly onFailure?: (kind: 'retry' | 'dead') => void
}

/** First retry after some seconds, then doubling with jitter: the twelve attempts of an event span about an hour. */
const RETRY_BACKOFF = { baseMs: 4_000, capMs: 3_600_000, random: Math.random }
const ERROR_LIMIT_CHARACTERS = 500

/** Applies events to payments. Any number of processors may be given the same ids at once: each event takes effect once. */
export class Processor {
  readonly #options: ProcessorOptions

  constructor(options: ProcessorOptions) {
    this.#options = options
  }

  /**
   * Processes events together in one transaction; if that fails, one by one, so that a poison event fails alone and is
   * retried or buried. What is not the event's own fault counts for nothing, and the sweeper rings again: a payment that
   * somebody holds locked, and a database that is away or in trouble, for which this throws.
   *
   * `suspect` says that a process died over these ids before: each is counted as an attempt before it is tried, so that
   * an event which kills its worker ends as dead too.
   */
  async process(ids: readonly Id[], suspect = false): Promise<void> {
    if (ids.length > 1 && !suspect) {
      try {
        return await this.#processTogether(ids)
      } catch (error) {
        // A batch that only took too long may be well in parts.
        if (isDatabaseAway(error) && !(error instanceof StatementTimeout)) throw error
      }
    }
    for (const id of ids) await this.#processAlone(id, suspect)
  }

  async #processAlone(id: Id, suspect: boolean): Promise<void> {
    try {
      if (suspect) await this.#fail(id, new Error('the process ended while it held this event'))
      await this.#processTogether([id])
    } catch (error) {
      if (isDatabaseAway(error)) throw error
      if (!isRetryable(error)) return await this.#fail(id, error)
      this.#options.log.warn(
        { eventId: idToText(id), err: error },
        'event waits for a lock; it is tried again soon',
      )
    }
  }

  async #processTogether(ids: readonly Id[]): Promise<void> {
    await this.#options.pauses.refresh()
    const done = await inTransaction(
      this.#options.pool,
      'process events',
      (connection) => this.#phase(connection, ids),
      {
        onCommitSent: () => reached('process:commit-sent'),
      },
    )
    reached('process:committed')
    const { rings, pushes } = done.announced
    if (pushes.length > 0) this.#options.publish?.(pushes)
    this.#options.onBatch?.({ results: done.results })
    if (rings.length > 0) this.#options.onAnnounced?.(rings)
    this.#tellOfContradictions(done)
    await this.#meetAfterCommit(done)
  }

  #tellOfContradictions({ results }: ProcessedBatch): void {
    for (const { id, state, reason, gateway, requestId } of results) {
      if (state !== 'quarantined') continue
      const words = { eventId: idToText(id), gateway, requestId, reason }
      this.#options.log.error(words, 'ALARM: an event contradicts what we know and is quarantined')
    }
  }

  /** One transaction: claim, lock payments, decide in memory, write everything. */
  async #phase(connection: PoolConnection, ids: readonly Id[]): Promise<PhaseDone> {
    const events = await claimEvents(connection, ids)
    reached('process:claimed')
    const [first] = events
    if (!first) return { results: [], wakeKeys: [], parked: [], announced: NOTHING_ANNOUNCED }
    const book = await this.#openBook(connection, events)
    reached('process:locked')
    const evaluations = events.map((event) => evaluate(event, book))
    await book.book.save(connection, first.now)
    await finishEvents(
      connection,
      evaluations.map(({ result }) => result),
    )
    const parked = evaluations.flatMap((evaluation) => evaluation.parked ?? [])
    await insertParked(connection, parked, first.now)
    const { callbacks } = this.#options
    const announced = await announceMoves(connection, book.book, events, { callbacks, now: first.now })
    reached('process:written')
    return { results: withWaits(events, evaluations), wakeKeys: wakeKeysOf(book.book), parked, announced }
  }

  async #openBook(connection: PoolConnection, events: readonly ClaimedEvent[]): Promise<OpenBook> {
    const keys = events.flatMap((event) =>
      event.fact === null || isPayout(event.fact) ? [] : refKeysOf(event, event.fact),
    )
    const found = await findPaymentIds(connection, keys)
    const book = await PaymentBook.open(connection, [...found.values()])
    const { pauses } = this.#options
    const alone = new Map(
      events.map((event) => [event, evaluateAlone(event, pauses.isPaused(event.gateway, event.account))]),
    )
    const payouts = await notePayouts(
      connection,
      events.filter((event) => alone.get(event) === null),
    )
    return { found, book, alone, payouts }
  }

  /**
   * Two sides that may miss each other each write, commit, and then look: a capture wakes what waits for it, and an event
   * that parked looks once more whether its payment came meanwhile.
   */
  async #meetAfterCommit({ wakeKeys, parked }: PhaseDone): Promise<void> {
    const woken = await wakeParked(this.#options.pool, wakeKeys)
    const missed = await this.#lookAgain(parked)
    const ids = [...woken, ...missed]
    if (ids.length > 0) this.#options.ring(ids)
  }

  async #lookAgain(parked: readonly ParkedEvent[]): Promise<Id[]> {
    const keys = parked.filter(({ paymentId }) => paymentId === null).flatMap(({ refKeys }) => refKeys)
    if (keys.length === 0) return []
    const found = await withConnection(this.#options.pool, 'look again', READ_TIMEOUT_MS, (connection) =>
      findPaymentIds(connection, keys),
    )
    const met = keys.filter((key) => found.has(key.toString('hex')))
    return wakeParked(this.#options.pool, met)
  }

  async #fail(id: Id, error: unknown): Promise<void> {
    const text = (error instanceof Error ? error.message : String(error)).slice(0, ERROR_LIMIT_CHARACTERS)
    await inTransaction(this.#options.pool, 'record failure', async (connection) => {
      for (const event of await claimEvents(connection, [id])) {
        const attempt = event.attempts + 1
        const dead = attempt >= this.#options.maxAttempts
        await recordFailure(connection, event.id, text, dead ? null : backoffMs(attempt, RETRY_BACKOFF))
        this.#options.onFailure?.(dead ? 'dead' : 'retry')
        const words = { eventId: idToText(event.id), gateway: event.gateway, attempt, err: error }
        if (dead) this.#options.log.error(words, 'event is dead: attempts exhausted')
        else this.#options.log.warn(words, 'event failed and will be retried')
      }
    })
  }
}

interface OpenBook {
  readonly found: ReadonlyMap<string, Id>
  readonly book: PaymentBook
  /** Judged once: a pause may begin or end meanwhile. */
  readonly alone: ReadonlyMap<ClaimedEvent, EventResult | null>
  readonly payouts: ReadonlyMap<string, PayoutDecision>
}

interface PhaseDone extends ProcessedBatch {
  readonly wakeKeys: readonly Buffer[]
  readonly parked: readonly ParkedEvent[]
  readonly announced: Announced
}

function evaluate(event: ClaimedEvent, { found, book, alone, payouts }: OpenBook): Evaluation {
  const result = alone.get(event) ?? null
  if (result !== null || event.fact === null) return { result: result ?? neverReached(event), parked: null }
  if (isPayout(event.fact)) {
    const decision = payouts.get(event.id.toString('hex'))
    return { result: decision ? evaluateWithPayout(event, decision) : neverReached(event), parked: null }
  }
  return evaluateWithPayment(event, event.fact, found, book)
}

function neverReached(event: ClaimedEvent): never {
  throw new Error(`event ${idToText(event.id)} was not decided alone, and has nothing that could decide it`)
}

/** What a batch's changes may let others go on: a capture that came, a gateway reference that was learnt. */
function wakeKeysOf(book: PaymentBook): Buffer[] {
  return book.moves.flatMap((move) => {
    const row = book.find(move.paymentId)
    const learnt = row?.gatewayRefKey ? [row.gatewayRefKey] : []
    return move.fact.kind === 'captured' ? [captureKey(move.paymentId), ...learnt] : learnt
  })
}

function withWaits(
  events: readonly ClaimedEvent[],
  evaluations: readonly Evaluation[],
): ProcessedBatch['results'] {
  return evaluations.map(({ result }, index) => {
    const event = events[index]
    return {
      ...result,
      gateway: event?.gateway ?? '',
      requestId: event?.requestId ?? '',
      waitedMs: event ? event.now.getTime() - event.receivedAt.getTime() : 0,
    }
  })
}
