import { once } from 'node:events'
import { isDatabaseAway } from '../../db/errors.ts'
import type { Pool, PoolConnection } from '../../db/pools.ts'
import { inTransaction, READ_TIMEOUT_MS, withConnection } from '../../db/transaction.ts'
import { untilKnown } from '../../db/until-known.ts'
import { assert, assertNever } from '../base/assert.ts'
import { backoffMs } from '../base/backoff.ts'
import { reached } from '../base/checkpoint.ts'
import { idToText } from '../base/ids.ts'
import type { Log } from '../base/log.ts'
import { type Answer, answerOf, isSettled } from './answer.ts'
import type { Operation, Step } from './operation.ts'
import {
  advanceOperation,
  endOperation,
  FencedOff,
  type HeldOperation,
  postponeOperation,
  setOperationAside,
  type TakenOver,
  takeOverOperation,
  takeOverOperations,
} from './operation-store.ts'
import { finishKey } from './store.ts'

export interface OperationsOptions {
  readonly pool: Pool
  readonly log: Log
  /** The registry: every operation that this process can go on with. */
  readonly operations: readonly Operation[]
  /** An owner that says nothing for so long has lost the work. */
  readonly leaseSeconds?: number
}

/** Longer than any call to a provider should take, and short enough for a person who waits for a refund. */
const LEASE_SECONDS = 30
/** The rest of the lease is for committing what the call brought. */
const CALL_SHARE_OF_LEASE = 0.6
const RETRY_BACKOFF = { baseMs: 2_000, capMs: 300_000, random: Math.random }
/** With the back-off above about half an hour: from then on every failure is an alarm. It is never given up. */
const ATTEMPTS_BEFORE_ALARM = 10
const ERROR_LIMIT_CHARACTERS = 500
/**
 * Far more than any operation has. One that asks what became of a call and calls again, with waits between, needs days for
 * so many; one that turns in a circle is a defect, and is set aside.
 */
const MAX_PHASES = 200
/** How long to ask what became of a transaction whose connection was lost. */
const RESOLVE = { forMs: 5_000, pauseMs: 50 }

/**
 * Drives operations of several phases (mode P). Whoever owns the lease works; every commit proves by the fence that he
 * still does. Each phase's effects are committed once, however many owners there were.
 */
export class Operations {
  readonly leaseSeconds: number
  readonly #options: OperationsOptions
  readonly #registry: ReadonlyMap<string, Operation>

  constructor(options: OperationsOptions) {
    this.leaseSeconds = options.leaseSeconds ?? LEASE_SECONDS
    this.#options = options
    this.#registry = new Map(options.operations.map((operation) => [operation.name, operation]))
    assert(this.#registry.size === options.operations.length, 'two operations of one name')
  }

  /** Can this process go on with it? */
  knows(operation: string): boolean {
    return this.#registry.has(operation)
  }

  /** Work whose owner had his time; each is this process's from now on. */
  takeOrphans(limit: number): Promise<readonly HeldOperation[]> {
    return this.#takeOver(limit, false)
  }

  /**
   * The same for one of which two owners were silent: it may kill this process, and whatever this process does beside it
   * would be suspected too. So it is to be driven alone.
   */
  async takeSuspect(): Promise<HeldOperation | undefined> {
    const [suspect] = await this.#takeOver(1, true)
    return suspect
  }

  async #takeOver(limit: number, suspects: boolean): Promise<readonly HeldOperation[]> {
    const operations = [...this.#registry.keys()]
    if (operations.length === 0) return []
    const result = await inTransaction(this.#options.pool, 'take orphans', (connection) =>
      takeOverOperations(connection, { operations, suspects }, this.leaseSeconds, limit),
    )
    return this.#tellSetAside(result)
  }

  /** The same for one; undefined when its lease is not over, or somebody was faster. */
  async takeOrphan(id: HeldOperation['id']): Promise<HeldOperation | undefined> {
    const result = await inTransaction(this.#options.pool, 'take orphan', (connection) =>
      takeOverOperation(connection, id, this.leaseSeconds),
    )
    const [held] = this.#tellSetAside(result)
    return held
  }

  /**
   * Goes on with work that this process owns, to its end. Returns the answer, or null when it has to wait: a step said so,
   * or failed, and the completer goes on later. Throws FencedOff when another owner has it, and a database that is away as
   * it is; then the lease runs out.
   */
  async drive(held: HeldOperation): Promise<Answer | null> {
    let now = held
    while (now.phases < MAX_PHASES) {
      const turn = await this.#turn(now)
      if (turn.kind === 'ended') return turn.answer
      now = turn.held
    }
    await inTransaction(this.#options.pool, 'set operation aside', (connection) =>
      setOperationAside(connection, now, `${now.phases} phases, and no end`),
    )
    this.#tellSetAside({ taken: [], setAside: [now] })
    return null
  }

  /** The alarm; returns what was taken over. */
  #tellSetAside({ taken, setAside }: TakenOver): readonly HeldOperation[] {
    for (const { operation, id, phase, phases, owners } of setAside)
      this.#options.log.error(
        { operation, id: idToText(id), phase, phases, owners },
        'ALARM: an operation was set aside, because its owners die or it turns in a circle; nobody goes on with it ' +
          'before a person lets it: docs/operations.md, "An operation is set aside"',
      )
    return taken
  }

  /** One step and its commit. */
  async #turn(held: HeldOperation): Promise<Turn> {
    let step: Step
    try {
      step = await this.#step(held)
    } catch (error) {
      return this.#fail(held, error)
    }
    try {
      return await this.#commitStep(held, step)
    } catch (error) {
      if (error instanceof FencedOff || isDatabaseAway(error)) throw error
      return this.#fail(held, error)
    }
  }

  async #step(held: HeldOperation): Promise<Step> {
    const operation = this.#registry.get(held.operation)
    assert(operation !== undefined, 'an operation that this process does not know')
    const { id, phase, input, memo } = held
    const signal = AbortSignal.timeout(this.leaseSeconds * 1_000 * CALL_SHARE_OF_LEASE)
    const downstreamKey = `${idToText(id)}-${phase}`
    const step = await Promise.race([
      operation.step({ id, phase, input, memo, downstreamKey, signal }),
      givenUp(signal, phase),
    ])
    reached('operation:stepped')
    return step
  }

  async #commitStep(held: HeldOperation, step: Step): Promise<Turn> {
    switch (step.kind) {
      case 'advance':
        return { kind: 'advanced', held: await this.#advance(held, step) }
      case 'finish':
        return { kind: 'ended', answer: await this.#finish(held, step) }
      case 'later':
        await this.#postpone(held, step.seconds * 1_000, null)
        return { kind: 'ended', answer: null }
      default:
        return assertNever(step)
    }
  }

  async #advance(held: HeldOperation, step: Extract<Step, { kind: 'advance' }>): Promise<HeldOperation> {
    assert(step.phase !== held.phase, 'an operation advances to the phase it is in')
    const next = { phase: step.phase, memo: step.memo === undefined ? held.memo : step.memo }
    await this.#commit('advance operation', async (connection) => {
      await advanceOperation(connection, held, next, this.leaseSeconds)
      reached('operation:fenced')
      await step.write?.(connection)
    })
    return { ...held, ...next, attempts: 0, owners: 1, phases: held.phases + 1 }
  }

  async #finish(held: HeldOperation, step: Extract<Step, { kind: 'finish' }>): Promise<Answer> {
    // Earlier phases are committed, so there is no key to set free: what may end otherwise later is `later`.
    assert(step.reply.keep ?? isSettled(step.reply.status), 'an operation finishes with what is not settled')
    const answer = answerOf(step.reply)
    await this.#commit('finish operation', async (connection) => {
      await endOperation(connection, held)
      reached('operation:fenced')
      await step.write?.(connection)
      await finishKey(connection, held.id, answer)
    })
    return answer
  }

  /**
   * Commits under the fence. After a lost connection the same is sent again: it waits for the orphaned transaction, and
   * where that was committed my phase is over, so it ends as FencedOff and whoever asks reads what stands.
   */
  async #commit(name: string, phase: (connection: PoolConnection) => Promise<void>): Promise<void> {
    const onCommitSent = (): void => reached('operation:commit-sent')
    await untilKnown(() => inTransaction(this.#options.pool, name, phase, { onCommitSent }), RESOLVE)
    reached('operation:committed')
  }

  async #fail(held: HeldOperation, error: unknown): Promise<Turn> {
    const attempt = held.attempts + 1
    const words = { operation: held.operation, id: idToText(held.id), phase: held.phase, attempt, err: error }
    if (attempt < ATTEMPTS_BEFORE_ALARM)
      this.#options.log.warn(words, 'a step failed and will be tried again')
    else this.#options.log.error(words, 'ALARM: an operation does not get on; it is tried again and again')
    const text = (error instanceof Error ? error.message : String(error)).slice(0, ERROR_LIMIT_CHARACTERS)
    await this.#postpone(held, backoffMs(attempt, RETRY_BACKOFF), text)
    return { kind: 'ended', answer: null }
  }

  async #postpone(held: HeldOperation, waitMs: number, failure: string | null): Promise<void> {
    await withConnection(this.#options.pool, 'postpone operation', READ_TIMEOUT_MS, (connection) =>
      postponeOperation(connection, held, waitMs, failure),
    )
  }
}

/** A step that does not heed its signal is given up all the same; what it says afterwards is not heard. */
async function givenUp(signal: AbortSignal, phase: string): Promise<never> {
  if (!signal.aborted) await once(signal, 'abort')
  throw new Error(`the step ${phase} took too long and was given up`)
}

/** ended without an answer: the completer goes on with it. */
type Turn =
  | { readonly kind: 'advanced'; readonly held: HeldOperation }
  | { readonly kind: 'ended'; readonly answer: Answer | null }
