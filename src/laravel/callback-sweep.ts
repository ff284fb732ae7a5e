import { setTimeout as pause } from 'node:timers/promises'
import type { Pool } from '../../db/pools.ts'
import { inTransaction } from '../../db/transaction.ts'
import type { Id } from '../base/ids.ts'
import type { Log } from '../base/log.ts'
import { pruneFinished, takeDueHeads } from '../outbox/store.ts'
import { LARAVEL_TOPIC } from './queue.ts'

export interface CallbackSweeperOptions {
  readonly pool: Pool
  readonly log: Log
  /** False when Redis did not hear. */
  readonly ring: (ids: readonly Id[]) => Promise<boolean>
  /** Jobs that wait for a worker; null when Redis is away. */
  readonly depth: () => Promise<number | null>
  /** Sends here and now, for when there is no doorbell. */
  readonly deliver: (ids: readonly Id[]) => Promise<void>
  /** Whether Laravel is called at all now; `half-open`, with the next call as the probe. */
  readonly circuit: () => 'closed' | 'half-open' | 'refusing'
  readonly pace: CallbackPace
}

/** How often the sweeper turns, and how long it leaves a message alone that it rang for. */
export interface CallbackPace {
  readonly intervalMs: number
  readonly nextLookSeconds: number
}

const TAKE_LIMIT = 1_000
/** Without a doorbell messages are sent from here: what is taken in one turn must not take long. */
const TAKE_LIMIT_HERE = 100
/** While so many jobs wait the couriers are busy; more rings would only lengthen the queue. */
const BUSY_JOBS = 100
/** What a busy queue leaves undone for so long is sent from here: the jobs may be another's, and the couriers asleep. */
const OVERDUE_SECONDS = 30
const PRUNE_EVERY = 30
const PRUNE_LIMIT = 500
/** So that the first look after a long time does not hold up the callbacks that are due; the next turns remove the rest. */
const PRUNES_A_TURN = 10

/**
 * Rings for every callback that MySQL calls due, and sends it from here where Redis is away. Every process runs one; rows
 * are taken with SKIP LOCKED, so they share the work. While the circuit is open it takes nothing, and then one, as the probe.
 */
export class CallbackSweeper {
  readonly #options: CallbackSweeperOptions
  readonly #pace: CallbackPace
  readonly #stop = new AbortController()
  #running: Promise<void> | null = null
  #takenOver: Promise<void> | null = null
  #turn = 0
  #hasMoreToPrune = true

  constructor(options: CallbackSweeperOptions) {
    this.#options = options
    this.#pace = options.pace
  }

  start(): void {
    this.#running = this.#run()
  }

  /** Ends after the turn in hand. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await Promise.all([this.#running, this.#takenOver])
  }

  /** The doorbell did not ring for these: sends them from here, if this sweeper runs and has none in hand. Never throws. */
  takeOver(ids: readonly Id[]): void {
    if (this.#running === null || this.#takenOver !== null || this.#stop.signal.aborted) return
    const work = this.#options
      .deliver(ids)
      .catch((error: unknown) => {
        this.#options.log.warn({ err: error }, 'callbacks could not be sent without Redis; they stay due')
      })
      .finally(() => {
        this.#takenOver = null
      })
    this.#takenOver = work
  }

  /** One turn; returns how many messages it took. Tests call it instead of waiting. */
  async runOnce(): Promise<number> {
    this.#turn += 1
    if (this.#hasMoreToPrune || this.#turn % PRUNE_EVERY === 0) await this.prune()
    return this.sweep()
  }

  /** Takes the due messages whose turn it is, and rings for them or sends them. */
  async sweep(): Promise<number> {
    const circuit = this.#options.circuit()
    if (circuit === 'refusing') return 0
    const depth = await this.#options.depth()
    const isBusy = depth !== null && depth >= BUSY_JOBS
    const isHere = isBusy || depth === null || circuit === 'half-open'
    const limit = circuit === 'half-open' ? 1 : isHere ? TAKE_LIMIT_HERE : TAKE_LIMIT
    const overdueSeconds = isBusy && circuit === 'closed' ? OVERDUE_SECONDS : 0
    let { ids, seen } = await this.#take(limit, overdueSeconds)
    // A probe needs one whose turn it is; those that only waited for another are put off by the look at them.
    while (circuit === 'half-open' && ids.length === 0 && seen > 0) {
      ;({ ids, seen } = await this.#take(limit, overdueSeconds))
    }
    if (ids.length > 0 && (isHere || !(await this.#options.ring(ids)))) await this.#options.deliver(ids)
    return seen
  }

  #take(limit: number, overdueSeconds: number): Promise<{ ids: Id[]; seen: number }> {
    return inTransaction(this.#options.pool, 'take due callbacks', (connection) =>
      takeDueHeads(connection, LARAVEL_TOPIC, limit, this.#pace.nextLookSeconds, overdueSeconds),
    )
  }

  /** Removes what was sent or discarded long ago, in a few small transactions; returns how many it removed. */
  async prune(): Promise<number> {
    let pruned = 0
    this.#hasMoreToPrune = true
    for (let turn = 0; turn < PRUNES_A_TURN && this.#hasMoreToPrune; turn += 1) {
      const found = await inTransaction(this.#options.pool, 'prune callbacks', (connection) =>
        pruneFinished(connection, LARAVEL_TOPIC, PRUNE_LIMIT),
      )
      pruned += found
      this.#hasMoreToPrune = found >= PRUNE_LIMIT
    }
    return pruned
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      let seen = 0
      try {
        seen = await this.runOnce()
      } catch (error) {
        this.#options.log.warn({ err: error }, 'sweep of callbacks failed; the next one will try again')
      }
      if (seen >= TAKE_LIMIT_HERE) continue
      const jitter = 0.5 + Math.random()
      await pause(this.#pace.intervalMs * jitter, undefined, { signal: this.#stop.signal }).catch(
        () => undefined,
      )
    }
  }
}
