import { isUnavailable } from '../../../db/errors.ts'
import type { Pool } from '../../../db/pools.ts'
import { inTransaction, READ_TIMEOUT_MS, withConnection } from '../../../db/transaction.ts'
import { backoffMs } from '../../base/backoff.ts'
import { reached } from '../../base/checkpoint.ts'
import { type Id, idToText } from '../../base/ids.ts'
import type { Log } from '../../base/log.ts'
import { Loop } from '../../base/loop.ts'
import type { PaymentFact } from '../../payments/fact.ts'
import { listedEvent } from '../event.ts'
import type { Confirmation, Confirmer } from '../gateways/confirm.ts'
import { isIdentifier } from '../gateways/kit/body.ts'
import type { GroupCommit } from '../group-commit.ts'
import { type AskedAccount, nameOf } from './asked-accounts.ts'
import { differences } from './compare-facts.ts'
import {
  adoptUnasked,
  type DoubtfulEvent,
  leaveUnasked,
  storeConfirmed,
  storeDenied,
  storeUnanswered,
  takeDoubtful,
} from './confirm-store.ts'
import { GatewayAway } from './gateway-api.ts'

/**
 * What came of asking once. unwritten: the database did not take it; after the lease the gateway is asked again. overtaken: a person,
 * or whoever took the event after the lease, has dealt with it meanwhile, and the answer is dropped.
 */
export type AskOutcome =
  | 'confirmed'
  | 'denied'
  | 'differs'
  | 'waiting'
  | 'away'
  | 'refused'
  | 'given_up'
  | 'unwritten'
  | 'overtaken'

export interface ConfirmationsOptions {
  readonly pool: Pool
  readonly log: Log
  /** Stores what an answer tells beside the event that was asked about, and rings for it. */
  readonly commit: Pick<GroupCommit, 'store'>
  /** By `gateway/account`; see confirmableAccounts. */
  readonly accounts: ReadonlyMap<string, AskedAccount<Confirmer>>
  /** Rings events that have work to do now. Must not throw. */
  readonly ring: (ids: readonly Id[]) => void
  readonly onAsked?: (gateway: string, outcome: AskOutcome) => void
  readonly intervalMs?: number
  /** How long whoever took an event has it to himself; the default bears two slow calls. Fault tests have a shorter one. */
  readonly leaseSeconds?: number
  /** How often events are looked for that a process without credentials put aside. */
  readonly adoptEveryMs?: number
}

const BATCH = 8
const INTERVAL_MS = 1_000
/** Longer than two calls to a gateway that is slow to its last second. */
const LEASE_SECONDS = 60
const BACKOFF = { baseMs: 5_000, capMs: 3_600_000, random: Math.random }
/** With the back-off above about two days. */
const MAX_ATTEMPTS = 60
const ADOPT_LIMIT = 1_000
const ADOPT_EVERY_MS = 300_000
const WORDS_LIMIT_CHARACTERS = 500

/**
 * Asks gateways about events that their signature does not prove. Every process runs one; the rows are taken under a lease, so
 * they share the work. Asking changes nothing at the gateway, so an answer that was lost is asked for again; what it brings is
 * written once, while the event is still unconfirmed.
 */
export class Confirmations {
  readonly #options: ConfirmationsOptions
  readonly #loop: Loop
  /** On the monotonic clock. */
  #adoptsFromMs = 0

  constructor(options: ConfirmationsOptions) {
    this.#options = options
    this.#loop = new Loop({
      turn: async () => (await this.runOnce()) >= BATCH,
      intervalMs: options.intervalMs ?? INTERVAL_MS,
      onError: (err) => options.log.warn({ err }, 'asking gateways failed; the next turn tries again'),
    })
  }

  /** Without an account that could be asked about there is nothing to do. */
  start(): void {
    if (this.#options.accounts.size > 0) this.#loop.start()
  }

  stop(timeoutMs: number): Promise<void> {
    return this.#loop.stop(timeoutMs)
  }

  /**
   * One turn; returns for how many events it looked, when each is written or given back to its lease. Throws what the database
   * throws before anything was asked.
   */
  async runOnce(): Promise<number> {
    const { pool, accounts, leaseSeconds = LEASE_SECONDS } = this.#options
    await this.#adopt()
    const events = await inTransaction(pool, 'take doubtful events', (connection) =>
      takeDoubtful(connection, BATCH, leaseSeconds),
    )
    if (events.length === 0) return 0
    const unasked = events.filter((event) => !accounts.has(nameOf(event)))
    await Promise.all([this.#leave(unasked), ...events.map((event) => this.#ask(event))])
    return events.length
  }

  /** Never throws: whom it could not leave comes again after the lease, and is left then. */
  async #leave(events: readonly DoubtfulEvent[]): Promise<void> {
    await this.#write('leave events', (connection) => leaveUnasked(connection, events)).catch(
      (err: unknown) =>
        this.#options.log.warn(
          { err, events: events.length },
          'events that nobody can ask about were not put aside',
        ),
    )
  }

  /** At first, for credentials may be new; and then again, for others may still run without them and put aside what they take. */
  async #adopt(): Promise<void> {
    if (performance.now() < this.#adoptsFromMs) return
    for (const { account } of this.#options.accounts.values()) {
      let adopted = ADOPT_LIMIT
      while (adopted === ADOPT_LIMIT)
        adopted = await this.#write('adopt events', (connection) =>
          adoptUnasked(connection, account, ADOPT_LIMIT),
        )
    }
    this.#adoptsFromMs = performance.now() + (this.#options.adoptEveryMs ?? ADOPT_EVERY_MS)
  }

  /** Never throws: one event's failed write must not leave the questions beside it without anybody who waits for them. */
  async #ask(event: DoubtfulEvent): Promise<void> {
    const asked = this.#options.accounts.get(nameOf(event))
    if (asked === undefined) return
    reached('confirm:asking')
    const outcome = await this.#askAndSettle(event, asked).catch((error: unknown) =>
      this.#unwritten(event, error),
    )
    this.#options.onAsked?.(event.gateway, outcome)
  }

  #unwritten(event: DoubtfulEvent, err: unknown): AskOutcome {
    const words = { eventId: idToText(event.id), gateway: event.gateway, requestId: event.requestId, err }
    const text = "what came of asking a gateway was not written; it is asked again after the event's lease"
    if (isUnavailable(err)) this.#options.log.warn(words, text)
    else this.#options.log.error(words, text)
    return 'unwritten'
  }

  async #askAndSettle(event: DoubtfulEvent, { way, api }: AskedAccount<Confirmer>): Promise<AskOutcome> {
    let answer: Confirmation
    try {
      answer = await way.ask(event, api)
    } catch (error) {
      return this.#postpone(event, error)
    }
    reached('confirm:answered')
    if (answer.kind === 'waiting') return this.#wait(event, null, 'waiting', 0)
    if (answer.kind === 'denied') return this.#deny(event, 'gateway_denies', answer.reason, 'denied')
    const said = event.fact ?? event.payout
    const names = said === null ? [] : differences(said, answer.fact)
    if (names.length > 0)
      return this.#deny(event, 'gateway_disagrees', `differs: ${names.join(', ')}`, 'differs')
    const { fact, also = [] } = answer
    // Before the event is settled: whoever dies in between asks again, and finds them stored.
    await this.#storeAlso(event, also)
    const isOurs = await this.#write('confirm event', (connection) =>
      storeConfirmed(connection, event.id, fact),
    )
    reached('confirm:written')
    if (!isOurs) return 'overtaken'
    this.#options.ring([event.id])
    return 'confirmed'
  }

  /** Each under an id of its own, so that whatever hints bring it up, it is one event. */
  async #storeAlso(event: DoubtfulEvent, also: readonly PaymentFact[]): Promise<void> {
    const { gateway, account, requestId, body } = event
    const events = also.map((fact) => {
      const own = `told:${fact.kind}:${fact.operationRef}`
      const eventId = isIdentifier(own) ? own : fact.operationRef
      const told = { eventId, type: event.type, occurredAt: null, signed: [], fact, hold: null }
      return listedEvent(told, { gateway, account, requestId, body })
    })
    await Promise.all(events.map((one) => this.#options.commit.store(one)))
  }

  async #deny(event: DoubtfulEvent, reason: string, words: string, outcome: AskOutcome): Promise<AskOutcome> {
    const isOurs = await this.#write('deny event', (connection) =>
      storeDenied(connection, event, reason, words),
    )
    if (!isOurs) return 'overtaken'
    const facts = {
      eventId: idToText(event.id),
      gateway: event.gateway,
      reason,
      words,
      requestId: event.requestId,
    }
    this.#options.log.error(
      facts,
      'ALARM: a gateway does not confirm an event that came in its name; it is quarantined',
    )
    return outcome
  }

  #postpone(event: DoubtfulEvent, error: unknown): Promise<AskOutcome> {
    const isAway = error instanceof GatewayAway
    const words = {
      eventId: idToText(event.id),
      gateway: event.gateway,
      attempt: event.attempts + 1,
      err: error,
    }
    if (isAway && error.kind !== 'refused')
      this.#options.log.info(words, 'a gateway could not be asked; it is tried again')
    else
      this.#options.log.error(words, 'ALARM: a gateway refuses our question, or its answer could not be read')
    const text = error instanceof Error ? error.message : String(error)
    return this.#wait(
      event,
      text.slice(0, WORDS_LIMIT_CHARACTERS),
      isAway && error.kind !== 'refused' ? 'away' : 'refused',
      isAway ? error.holdMs : 0,
    )
  }

  /** Waits for its back-off, and as long as the gateway asked to be left alone. */
  async #wait(
    event: DoubtfulEvent,
    words: string | null,
    outcome: AskOutcome,
    holdMs: number,
  ): Promise<AskOutcome> {
    const attempt = event.attempts + 1
    const isOver = attempt >= MAX_ATTEMPTS
    const delayMs = isOver ? null : Math.max(backoffMs(attempt, BACKOFF), Math.ceil(holdMs))
    const isOurs = await this.#write('ask again', (connection) =>
      storeUnanswered(connection, event, words, delayMs),
    )
    if (!isOurs) return 'overtaken'
    if (!isOver) return outcome
    const facts = { eventId: idToText(event.id), gateway: event.gateway, attempt }
    this.#options.log.error(facts, 'ALARM: a gateway was asked in vain for days; a person has to decide')
    return 'given_up'
  }

  #write<T>(name: string, work: Parameters<typeof withConnection<T>>[3]): Promise<T> {
    return withConnection(this.#options.pool, name, READ_TIMEOUT_MS, work)
  }
}
