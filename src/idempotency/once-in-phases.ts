import { setTimeout as pause } from 'node:timers/promises'
import { isDatabaseAway } from '../../db/errors.ts'
import type { Pool } from '../../db/pools.ts'
import { inTransaction, READ_TIMEOUT_MS, withConnection } from '../../db/transaction.ts'
import { untilKnown } from '../../db/until-known.ts'
import { assert, assertNever } from '../base/assert.ts'
import { reached } from '../base/checkpoint.ts'
import { newId } from '../base/ids.ts'
import { decideRecord } from './decide.ts'
import { Flights, type OnceResult, SHORTEST_WAIT_MS } from './flights.ts'
import { busyIfLocked, KeyBusy, kept, type OnceRequest, WAIT_MS } from './once.ts'
import type { Json } from './operation.ts'
import { beginOperation, FencedOff, type HeldOperation, readOperation } from './operation-store.ts'
import type { Operations } from './operations.ts'
import { claimKeyForLong, type KeyClaim, KeyTaken, readRecord } from './store.ts'

export interface PhasedRequest extends OnceRequest {
  /** A name of the registry. */
  readonly operation: string
  /** What the steps need to know; stored as JSON. */
  readonly input: Json
}

export interface OnceInPhasesOptions {
  readonly pool: Pool
  readonly operations: Operations
  readonly waitMs?: number
}

/** How often a waiter looks whether another process has finished; between looks it holds no connection. */
const POLL_MS = 100
/** How long to ask what became of a claim whose connection was lost. */
const RESOLVE = { forMs: 2_000, pauseMs: 50 }

/**
 * Once, over several transactions with calls to others between them (mode P): the claim is committed first, and whoever
 * owns its lease goes on with it. What this process does not finish, the completer of any process does.
 */
export class OnceInPhases {
  readonly #options: OnceInPhasesOptions
  readonly #flights = new Flights()

  constructor(options: OnceInPhasesOptions) {
    this.#options = options
  }

  /**
   * Performs the operation unless its key stands. in_flight also means that it was claimed and has to wait for something:
   * it will be finished, and the same request gets its answer then. Throws what the database throws.
   */
  async run(request: PhasedRequest): Promise<OnceResult> {
    const { key, fingerprint, operation } = request
    assert(key !== null, 'an operation of several phases needs a key')
    assert(this.#options.operations.knows(operation), 'an operation that is not in the registry')
    const mine: KeyClaim = { claim: newId(), key, fingerprint }
    const endMs = performance.now() + (this.#options.waitMs ?? WAIT_MS)
    // The claim is committed at the beginning, so the database can tell other content at once what the key stands for.
    const name = Buffer.concat([key, fingerprint]).toString('latin1')
    return this.#flights.join(name, mine, endMs, () => this.#lead(mine, request, endMs))
  }

  async #lead(mine: KeyClaim, request: PhasedRequest, endMs: number): Promise<OnceResult> {
    let next = await this.#claim(mine, request, endMs)
    for (;;) {
      if ('result' in next) return next.result
      if (next.held !== null) {
        const result = await this.#drive(next.held, mine)
        if (result !== null) return result
      } else if (performance.now() >= endMs) return { kind: 'in_flight' }
      await pause(POLL_MS)
      next = (await this.#look(mine)) ?? { held: null }
    }
  }

  /** Null: another owner has it, so look what stands. */
  async #drive(held: HeldOperation, mine: KeyClaim): Promise<OnceResult | null> {
    try {
      const answer = await this.#options.operations.drive(held)
      if (answer === null) return { kind: 'in_flight' }
      return { kind: held.id.equals(mine.claim) ? 'executed' : 'replayed', answer }
    } catch (error) {
      if (error instanceof FencedOff) return null
      // It is claimed for good: whatever the database's trouble is, the completer goes on when it is over.
      if (isDatabaseAway(error)) return { kind: 'in_flight' }
      throw error
    }
  }

  /** After a lost connection the same claim is made again: it waits for the orphaned transaction, or meets its row. */
  #claim(mine: KeyClaim, request: PhasedRequest, endMs: number): Promise<Found> {
    return untilKnown(() => this.#claimOrLook(mine, request, endMs), RESOLVE)
  }

  async #claimOrLook(mine: KeyClaim, request: PhasedRequest, endMs: number): Promise<Found> {
    for (;;) {
      try {
        return { held: await this.#insert(mine, request) }
      } catch (error) {
        if (error instanceof KeyTaken) {
          const found = await this.#look(mine)
          if (found !== null) return found
        } else if (error instanceof KeyBusy) {
          if (endMs - performance.now() < SHORTEST_WAIT_MS) return { result: { kind: 'in_flight' } }
        } else throw error
      }
    }
  }

  async #insert(mine: KeyClaim, { operation, input }: PhasedRequest): Promise<HeldOperation> {
    const { pool, operations } = this.#options
    const held = await inTransaction(pool, 'claim operation', async (connection) => {
      await busyIfLocked(claimKeyForLong(connection, mine))
      return beginOperation(connection, { id: mine.claim, operation, input }, operations.leaseSeconds)
    })
    reached('operation:claimed')
    return held
  }

  /** Null: nothing stands (any more). */
  async #look(mine: KeyClaim): Promise<Found | null> {
    const { pool, operations } = this.#options
    const found = await withConnection(pool, 'read key', READ_TIMEOUT_MS, (connection) =>
      readRecord(connection, mine.key),
    )
    const verdict = decideRecord(mine, found)
    switch (verdict) {
      case 'free':
        return null
      case 'mine':
        return found?.answer ? { result: { kind: 'executed', answer: found.answer } } : this.#resume(mine)
      case 'replay':
        return { result: { kind: 'replayed', answer: kept(found) } }
      case 'orphaned':
        return { held: found ? ((await operations.takeOrphan(found.claim)) ?? null) : null }
      case 'in_flight':
        return { held: null }
      case 'mismatch':
      case 'expired':
        return { result: { kind: verdict } }
      default:
        return assertNever(verdict)
    }
  }

  /** My own claim, committed over a connection that was lost: mine as long as nobody took it over. */
  async #resume(mine: KeyClaim): Promise<Found> {
    const { pool } = this.#options
    const held = await withConnection(pool, 'read operation', READ_TIMEOUT_MS, (connection) =>
      readOperation(connection, mine.claim),
    )
    return { held: held?.fence === OWN_FENCE ? held : null }
  }
}

const OWN_FENCE = 1

/** result: it is known. held: this process has to go on with it; null: somebody else has it. */
type Found = { readonly result: OnceResult } | { readonly held: HeldOperation | null }
