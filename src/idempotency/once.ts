import { isLockWaitTimeout, isRetryable, isUnavailable } from '../../db/errors.ts'
import type { CommandPool, PoolConnection } from '../../db/pools.ts'
import { inOwnTransaction, inTransaction } from '../../db/transaction.ts'
import { untilKnown } from '../../db/until-known.ts'
import { assert, assertNever } from '../base/assert.ts'
import { reached } from '../base/checkpoint.ts'
import { type Id, newId } from '../base/ids.ts'
import { type Answer, answerOf, isSettled, type Reply } from './answer.ts'
import { decideRecord } from './decide.ts'
import { Flights, type OnceResult, SHORTEST_WAIT_MS } from './flights.ts'
import { RecordReader } from './record-reader.ts'
import { beginWithKey, commitWithAnswer, type KeyClaim, type KeyRecord, KeyTaken } from './store.ts'

/** A request as the doors hand it over. */
export interface OnceRequest {
  /** `recordKey` of its scope; null where the door lets a request come without a key: it executes each time. */
  readonly key: Buffer | null
  readonly fingerprint: Buffer
}

/**
 * What is to be done once, all of it through this connection. It may run several times (a deadlock, a lost connection) and
 * is committed once at most, so it calls nobody and keeps its results to itself. `claim` is minted for this request and the
 * same each time.
 */
export type Handle = (connection: PoolConnection, claim: Id) => Promise<Reply>

export interface OnceOptions {
  /** As `openCommandPool` makes it: one second's wait for a lock, in which waiting is counted, and several statements a round trip. */
  readonly pool: CommandPool
  /** How long a request waits for another one with its key. */
  readonly waitMs?: number
}

/** As long as a person waits without a thought; then whoever asks is told to ask again. */
export const WAIT_MS = 2_000
/** The whole of one try. A handler that needs longer would hold its key, and whatever it locked, for longer than anybody waits. */
const TRY_TIMEOUT_MS = 5_000
/** A replay seldom comes alone: after one, so many requests are looked for before anything is begun. */
const GLANCES = 64
/** How long to ask what became of a transaction whose connection was lost. */
const RESOLVE = { forMs: 2_000, pauseMs: 50 }

/**
 * Once, in one transaction (mode T): the key's row, the handler's effects and the answer are committed together. The
 * uncommitted row is the lock; with the process or the connection it goes, and so do the effects.
 */
export class Once {
  readonly #pool: CommandPool
  readonly #waitMs: number
  readonly #flights = new Flights()
  readonly #records: RecordReader
  /** How many requests more are worth a look. */
  #glances = 0

  constructor({ pool, waitMs = WAIT_MS }: OnceOptions) {
    this.#pool = pool
    this.#records = new RecordReader(pool)
    this.#waitMs = waitMs
  }

  /**
   * Executes the request unless its key stands, and tells what the key stands for. Throws what the handler throws, after
   * a rollback that leaves the key free, and what the database throws: where that is `isConnectionLost` the outcome is
   * unknown, and the same request with the same key finds it out.
   */
  async run({ key, fingerprint }: OnceRequest, handle: Handle): Promise<OnceResult> {
    if (key === null) return this.#runUnkeyed(handle)
    const mine: KeyClaim = { claim: newId(), key, fingerprint }
    const endMs = performance.now() + this.#waitMs
    return this.#flights.join(key.toString('latin1'), mine, endMs, async () => {
      const stands = await this.#glance(mine)
      return stands ?? untilKnown(() => this.#lead(mine, handle, endMs), RESOLVE)
    })
  }

  async #runUnkeyed(handle: Handle): Promise<OnceResult> {
    const claim = newId()
    try {
      const answer = await inTransaction(
        this.#pool,
        'without a key',
        async (connection) => settled(await busyIfLocked(handle(connection, claim))),
        { timeoutMs: TRY_TIMEOUT_MS },
      )
      return { kind: 'executed', answer }
    } catch (error) {
      if (error instanceof Unsettled) return { kind: 'refused', answer: error.answer }
      throw error instanceof KeyBusy ? error.cause : error
    }
  }

  /**
   * A replay that is seen needs no transaction, and shares its read with others; where there are none, a look would only cost.
   * What is not seen may yet stand, or be about to: only the INSERT tells, and it also says what is wrong with the database.
   */
  async #glance(mine: KeyClaim): Promise<OnceResult | null> {
    if (this.#glances === 0) return null
    this.#glances -= 1
    return this.#readVerdict(mine).catch((error: unknown) => {
      if (isUnavailable(error)) return null
      throw error
    })
  }

  /**
   * Until it is known what stands. After a lost connection the same claim is made again: the INSERT waits for the orphaned
   * transaction, and finds its row, or a free key, because its effects are undone.
   */
  async #lead(mine: KeyClaim, handle: Handle, endMs: number): Promise<OnceResult> {
    for (;;) {
      try {
        return { kind: 'executed', answer: await this.#execute(mine, handle) }
      } catch (error) {
        if (error instanceof Unsettled) return { kind: 'refused', answer: error.answer }
        if (error instanceof KeyTaken) {
          const result = await this.#readVerdict(mine)
          if (result !== null) return result
        } else if (error instanceof KeyBusy) {
          if (endMs - performance.now() < SHORTEST_WAIT_MS) return { kind: 'in_flight' }
        } else if (!isRetryable(error) || performance.now() > endMs) throw error
      }
    }
  }

  async #execute(mine: KeyClaim, handle: Handle): Promise<Answer> {
    const answer = await inOwnTransaction(
      this.#pool,
      'once',
      (connection) => phase(connection, mine, handle),
      {
        timeoutMs: TRY_TIMEOUT_MS,
      },
    )
    reached('once:committed')
    return answer
  }

  /** Null: nothing stands (any more), so try again. */
  async #readVerdict(mine: KeyClaim): Promise<OnceResult | null> {
    const result = resultOf(mine, await this.#records.read(mine.key))
    if (result !== null) this.#glances = GLANCES
    return result
  }
}

/** One transaction in as many round trips as without a key: begin and claim, handle, keep the answer and commit. */
async function phase(connection: PoolConnection, mine: KeyClaim, handle: Handle): Promise<Answer> {
  await busyIfLocked(beginWithKey(connection, mine))
  reached('once:claimed')
  const answer = settled(await busyIfLocked(handle(connection, mine.claim)))
  reached('once:handled')
  const committed = commitWithAnswer(connection, mine.claim, answer)
  reached('once:commit-sent')
  await committed
  return answer
}

/** Another transaction holds the key, or a row that the handler needs, for longer than a lock is waited for. */
export class KeyBusy extends Error {}

/** Not to be tried again at once: each try would hold a connection of the pool for as long as a lock is waited for. */
export function busyIfLocked<T>(work: Promise<T>): Promise<T> {
  return work.catch((error: unknown) => {
    throw isLockWaitTimeout(error) ? new KeyBusy('a lock was not had in time', { cause: error }) : error
  })
}

/** Not a failure: it takes the transaction back, with an answer that stands for nothing. */
class Unsettled extends Error {
  readonly answer: Answer

  constructor(answer: Answer) {
    super('nothing was done')
    this.answer = answer
  }
}

/** The reply's answer. Throws Unsettled, with the reply as it is, where it is not to be kept. */
function settled(reply: Reply): Answer {
  if (reply.keep ?? isSettled(reply.status)) return answerOf(reply)
  throw new Unsettled({ status: reply.status, headers: reply.headers ?? {}, body: reply.body })
}

function resultOf(mine: KeyClaim, found: KeyRecord | undefined): OnceResult | null {
  const verdict = decideRecord(mine, found)
  switch (verdict) {
    case 'free':
      return null
    case 'mine':
      return { kind: 'executed', answer: kept(found) }
    case 'replay':
      return { kind: 'replayed', answer: kept(found) }
    case 'orphaned':
    case 'in_flight':
      return { kind: 'in_flight' }
    case 'mismatch':
    case 'expired':
      return { kind: verdict }
    default:
      return assertNever(verdict)
  }
}

/** The answer of a record that must have one. */
export function kept(found: KeyRecord | undefined): Answer {
  assert(found?.answer != null, 'a finished key without an answer')
  return found.answer
}
