import { setTimeout as pause } from 'node:timers/promises'
import type { Pool } from '../../db/pools.ts'
import { inTransaction, withConnection } from '../../db/transaction.ts'
import type { Id } from '../base/ids.ts'
import type { Log } from '../base/log.ts'
import { within } from '../base/within.ts'
import { reopenEvents, takeDueEvents } from './event-store.ts'
import { findMissedMeetings, unpark } from './park.ts'
import { findResumedEvents, RESUME_LIMIT } from './pauses.ts'

export interface SweeperOptions {
  readonly pool: Pool
  readonly log: Log
  /** False when Redis did not hear. */
  readonly ring: (ids: readonly Id[]) => Promise<boolean>
  /** Jobs that wait for a worker; null when Redis is away. */
  readonly depth: () => Promise<number | null>
  /** Does the work here and now, for when there is no doorbell. */
  readonly process: (ids: readonly Id[]) => Promise<void>
  readonly pace?: SweepPace
}

/** How often the sweeper turns, and how long it leaves an event alone that it rang for. */
export interface SweepPace {
  readonly intervalMs: number
  readonly nextLookSeconds: number
}

const TAKE_LIMIT = 2_000
/** Batches that are worked on here at once for want of a doorbell; more than that is left for the next turn. */
const MAX_TAKEN_OVER = 4
const BATCH = 50
/** An event that was rung again is looked at again after ten seconds, since a batch takes milliseconds. */
const DEFAULT_PACE: SweepPace = { intervalMs: 1_000, nextLookSeconds: 10 }
/** While so many jobs wait, the workers are probably alive and busy: ringing again would only lengthen the queue. */
const BUSY_JOBS = 200
/** What a busy queue leaves undone for so long is worked on here: the jobs may be another's, and the workers asleep. */
const OVERDUE_SECONDS = 30
/** Meetings that both sides missed are rare (a process died between commit and look), so they may wait a little. */
const SLOW_EVERY = 10
/** A frozen database must not freeze the sweeper for longer. */
const LOOK_TIMEOUT_MS = 10_000
const FIRST_ID: Id = Buffer.alloc(16)

/**
 * Rings again for whatever MySQL calls unfinished. Every process runs one; rows are taken with SKIP LOCKED, so they share
 * the work. With Redis away it does the work itself.
 */
export class Sweeper {
  readonly #options: SweeperOptions
  readonly #pace: SweepPace
  readonly #stop = new AbortController()
  readonly #takenOver = new Set<Promise<void>>()
  #running: Promise<void> | null = null
  #turn = 0
  #meetingsFrom: Id = FIRST_ID

  constructor(options: SweeperOptions) {
    this.#options = options
    this.#pace = options.pace ?? DEFAULT_PACE
  }

  start(): void {
    this.#running = this.#run()
  }

  /** Ends after the turn in hand, for which it waits at most `timeoutMs`. */
  async stop(timeoutMs: number): Promise<void> {
    this.#stop.abort()
    const inHand = Promise.all([this.#running, ...this.#takenOver])
    await within(timeoutMs, inHand)
  }

  /**
   * The doorbell did not ring for these: works on them at once, if there is room and this sweeper runs. Otherwise they are
   * due soon all the same. Never throws.
   */
  takeOver(ids: readonly Id[]): void {
    if (this.#running === null || this.#takenOver.size >= MAX_TAKEN_OVER) return
    const work = this.#processHere(ids).catch((error: unknown) => {
      this.#options.log.warn(
        { err: error },
        'events could not be processed without Redis; the next sweep will try again',
      )
    })
    this.#takenOver.add(work)
    void work.finally(() => this.#takenOver.delete(work))
  }

  /** One turn; returns how many events it rang for. Tests call it instead of waiting. */
  async runOnce(): Promise<number> {
    this.#turn += 1
    if (this.#turn % SLOW_EVERY === 1) {
      await this.joinWhatWasMissed().catch((error: unknown) => {
        this.#options.log.warn(
          { err: error },
          'the search for missed meetings failed; a later turn will try again',
        )
      })
    }
    return this.ringDueEvents()
  }

  /** Takes events whose time has come and rings for them; with a busy queue only those that are long overdue, to do them here. */
  async ringDueEvents(): Promise<number> {
    const depth = await this.#options.depth()
    const isBusy = depth !== null && depth >= BUSY_JOBS
    const ids = await inTransaction(this.#options.pool, 'take due events', (connection) =>
      takeDueEvents(connection, TAKE_LIMIT, this.#pace.nextLookSeconds, isBusy ? OVERDUE_SECONDS : 0),
    )
    if (ids.length === 0) return 0
    if (isBusy || depth === null || !(await this.#options.ring(ids))) await this.#processHere(ids)
    return ids.length
  }

  /** Parked events whose payment or capture is there, and events of gateways that are no longer paused, go back to work. */
  async joinWhatWasMissed(): Promise<void> {
    const { pool } = this.#options
    const { matched, last } = await withConnection(
      pool,
      'find missed meetings',
      LOOK_TIMEOUT_MS,
      (connection) => findMissedMeetings(connection, this.#meetingsFrom),
    )
    this.#meetingsFrom = last ?? FIRST_ID
    await unpark(pool, matched)
    await this.#reopenResumed()
  }

  /** Page by page until none is left: an account that was paused for a day has many, and its resumption promises them all. */
  async #reopenResumed(): Promise<void> {
    for (let found = RESUME_LIMIT; found === RESUME_LIMIT && !this.#stop.signal.aborted; ) {
      found = await inTransaction(this.#options.pool, 'reopen resumed events', async (connection) => {
        const resumed = await findResumedEvents(connection)
        await reopenEvents(connection, resumed, ['paused'])
        return resumed.length
      })
    }
  }

  async #processHere(ids: readonly Id[]): Promise<void> {
    for (let start = 0; start < ids.length && !this.#stop.signal.aborted; start += BATCH) {
      await this.#options.process(ids.slice(start, start + BATCH))
    }
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      let rang = 0
      try {
        rang = await this.runOnce()
      } catch (error) {
        this.#options.log.warn({ err: error }, 'sweep failed; the next one will try again')
      }
      if (rang === TAKE_LIMIT) continue
      const jitter = 0.5 + Math.random()
      await pause(this.#pace.intervalMs * jitter, undefined, { signal: this.#stop.signal }).catch(
        () => undefined,
      )
    }
  }
}
