import type { CommandPool } from '../../../db/pools.ts'
import { inTransaction, withConnection } from '../../../db/transaction.ts'
import type { Log } from '../../base/log.ts'
import { Loop } from '../../base/loop.ts'
import { createSampler } from '../../base/sampler.ts'
import { within } from '../../base/within.ts'
import type { Workplace } from '../drivers/geo-index.ts'
import { someOverdueOffers } from '../offers/expire.ts'
import { type OfferAnswer, Standings } from '../offers/standings.ts'
import type { Performer } from '../trips/perform.ts'
import type { CandidateSources } from './candidates.ts'
import { claimDueSearches, oldestSearches } from './dispatch-store.ts'
import { expireAndTell } from './ended-offers.ts'
import { playRound, type RoundTools } from './rounds.ts'
import { playWindows } from './windows.ts'

export interface DispatcherOptions
  extends Omit<CandidateSources, 'pool'>,
    Pick<Performer, 'callbacks' | 'ring' | 'publish' | 'rules'>,
    Pick<RoundTools, 'decide' | 'metrics'> {
  /** Its own, so that a crowd of commands does not keep offers waiting, nor the other way round. */
  readonly pool: CommandPool
  readonly log: Log
  /** Between two looks for what is due; tests have shorter ones. */
  readonly pollMs?: number
}

/** On average. A deadline is acted on that late. */
const POLL_MS = 250
const FLUSH_MS = 1_000
/** Answers more or less change nothing: nobody who stops waits for them. */
const LAST_FLUSH_MS = 1_000
const STRAYS_MS = 5_000
/** Offers that are that late have no round that would end them. */
const STRAY_MS = 5_000
const STRAYS_A_TURN = 200
/** Searches that a process takes at once, and plays at once. */
const CLAIM = 20
const AT_ONCE = 3
/** A flood of requests is found by the polls. */
const MAX_WAKES = 10_000
/** Whom a driver who has become free may be offered to. */
const OLDEST = 3
/** At most so often: a city that comes online at once is found by the polls. */
const FREED_MS = 300
const MAX_GROUPS = 1_000
const READ_TIMEOUT_MS = 2_000
const LOG_LINES = { perSecond: 1, burst: 10 }

/**
 * Finds drivers for trips. What has to be done when is written in the database, and any process does it, once: a search is taken for a
 * moment, and a decision counts only if nobody has decided since it was begun. Whoever dies in between leaves a search that another
 * takes.
 */
export class Dispatcher {
  readonly #options: DispatcherOptions
  readonly #tools: RoundTools
  readonly #standings: Standings
  readonly #loops: readonly Loop[]
  readonly #lines = createSampler(LOG_LINES)
  /** Trips to look at, in the order in which they came; those in hand may be asked for again. */
  readonly #waiting = new Set<string>()
  readonly #playing = new Map<string, Promise<void>>()
  /** Before that a group's oldest are not asked for again. */
  readonly #freed = new Map<string, number>()
  #isStopping = false

  constructor(options: DispatcherOptions) {
    this.#options = options
    this.#standings = new Standings(options.pool)
    this.#tools = { ...options, answered: (answers) => this.answered(answers) }
    this.#loops = [
      this.#loop('searches', options.pollMs ?? POLL_MS, () => this.runOnce()),
      this.#loop('windows', options.pollMs ?? POLL_MS, () => playWindows(this.#tools)),
      this.#loop('standings', FLUSH_MS, () => this.#standings.flush()),
      this.#loop('strays', STRAYS_MS, () => this.endStrays()),
    ]
  }

  start(): void {
    for (const loop of this.#loops) loop.start()
  }

  /** Ends after what is in hand, for which it waits at most `timeoutMs`; what is left is another's. */
  async stop(timeoutMs: number): Promise<void> {
    this.#isStopping = true
    this.#waiting.clear()
    const loops = this.#loops.map((loop) => loop.stop(timeoutMs))
    await Promise.all([...loops, within(timeoutMs, this.idle())])
    await within(
      LAST_FLUSH_MS,
      this.#standings.flush().catch(() => undefined),
    )
  }

  /** Looks at these trips now. Never throws. */
  wake(tripIds: readonly string[]): void {
    if (this.#isStopping) return
    for (const tripId of tripIds) if (this.#waiting.size < MAX_WAKES) this.#waiting.add(tripId)
    this.#play()
  }

  /** A driver has become free there: whoever waits for longest is looked at, so that nobody else is faster. Never throws. */
  freed({ zoneId, category }: Workplace): void {
    const group = `${category} ${zoneId}`
    const nowMs = performance.now()
    if (this.#isStopping || nowMs < (this.#freed.get(group) ?? 0)) return
    if (this.#freed.size > MAX_GROUPS) this.#freed.clear()
    this.#freed.set(group, nowMs + FREED_MS)
    withConnection(this.#options.pool, 'oldest searches', READ_TIMEOUT_MS, (connection) =>
      oldestSearches(connection, zoneId, category, OLDEST),
    ).then(
      (tripIds) => this.#playInTurn(tripIds),
      // They are looked at soon in any case.
      () => undefined,
    )
  }

  /** What became of offers, for the drivers' standing and for whoever watches. Never throws. */
  answered(answers: readonly OfferAnswer[]): void {
    const { metrics } = this.#options
    this.#standings.note(answers)
    for (const { state, afterMs } of answers) {
      metrics.offersEnded(state, 1)
      if (state === 'accepted' && afterMs !== undefined) metrics.matched(afterMs / 1_000)
    }
  }

  /** One after the other: of two at once the younger might be faster. Never rejects. */
  async #playInTurn(tripIds: readonly string[]): Promise<void> {
    for (const tripId of tripIds) {
      this.wake([tripId])
      await this.#playing.get(tripId)
    }
  }

  /** Plays the searches that are due; resolves when they are played, whatever else came in meanwhile. */
  async runOnce(): Promise<void> {
    const due = await claimDueSearches(this.#options.pool, CLAIM)
    for (const { lateMs } of due) this.#options.metrics.takenUp(lateMs / 1_000)
    this.wake(due.map(({ tripId }) => tripId))
    while (due.some(({ tripId }) => this.#playing.has(tripId) || this.#waiting.has(tripId)))
      await Promise.race(this.#playing.values())
  }

  /** Resolves when nothing is in hand any more. */
  async idle(): Promise<void> {
    while (this.#playing.size > 0) await Promise.race(this.#playing.values())
  }

  /** Ends overdue offers whose trips are looked for no more. */
  async endStrays(): Promise<void> {
    const { pool, publish } = this.#options
    const { told } = await inTransaction(pool, 'end strays', async (connection) =>
      expireAndTell(connection, await someOverdueOffers(connection, STRAY_MS, STRAYS_A_TURN)),
    )
    if (told.pushes.length > 0) await publish(told.pushes)
  }

  #play(): void {
    for (const tripId of this.#waiting) {
      if (this.#playing.size >= AT_ONCE) return
      if (this.#playing.has(tripId)) continue
      this.#waiting.delete(tripId)
      const played = playRound(this.#tools, tripId)
        .catch((err: unknown) => this.#failed('a trip', err))
        .then(() => {
          this.#playing.delete(tripId)
          this.#play()
        })
      this.#playing.set(tripId, played)
    }
  }

  #loop(name: string, intervalMs: number, work: () => Promise<void>): Loop {
    return new Loop({
      turn: async () => {
        await work()
        return false
      },
      intervalMs,
      onError: (err) => this.#failed(name, err),
    })
  }

  #failed(what: string, err: unknown): void {
    this.#options.metrics.failed()
    const permission = this.#lines.allow()
    if (permission)
      this.#options.log.warn({ err, what, ...permission }, 'dispatch failed; it is tried again in a moment')
  }
}
