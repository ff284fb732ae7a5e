import type { Pool, PoolConnection } from '../../../db/pools.ts'
import { inTransaction, withConnection } from '../../../db/transaction.ts'
import { assert } from '../../base/assert.ts'
import { idToText, newId } from '../../base/ids.ts'
import type { Log } from '../../base/log.ts'
import { Loop } from '../../base/loop.ts'
import { createSampler } from '../../base/sampler.ts'
import { within } from '../../base/within.ts'
import type { Told } from '../../matching/trips/announce.ts'
import { dropLease, readLeases, renewLease, takeLease } from './lease-store.ts'
import { compareSessions, judgeSession } from './presence-check.ts'
import type { EvictionReason, PresenceMetrics, Turn } from './presence-metrics.ts'
import {
  assertSessions,
  closeSessions,
  type OwnSession,
  readConnected,
  readSessions,
} from './presence-store.ts'
import { sweepPresence } from './presence-sweep.ts'
import { PRESENCE_TEMPO, type PresenceTempo } from './presence-tempo.ts'
import { SessionWriter } from './session-writer.ts'

export interface PresenceOptions {
  /** Four connections are used at once at most; if others can take them all, leases are lost under load. */
  readonly pool: Pool
  readonly log: Log
  readonly metrics: PresenceMetrics
  /**
   * Close this driver's sockets on this process whose fence is lower. `replaced`: a newer socket owns the session, and he must not come
   * back with this one. `lapsed`: he has no session any more, and should connect again at once. May be called for sockets that are gone.
   */
  readonly evict: (userId: string, below: number, reason: EvictionReason) => void
  /** Tells riders and the dispatcher what drivers who are gone held. Must not reject. */
  readonly tell: (told: Told) => Promise<unknown>
  readonly tempo?: Partial<PresenceTempo>
}

/** A database that is away fails three turns a second. */
const LOG_LINES = { perSecond: 1 / 30, burst: 3 }
/** Longer, and a renewal that hangs would cost the lease before the next one is tried. */
const RENEW_TIMEOUT_MS = 1_000
const CHECK_TIMEOUT_MS = 5_000

/**
 * Which drivers are connected, over all processes: the newest socket of a driver owns his session by a fence that only rises; a
 * driver without a socket is waited for and then offline; a process that dies is noticed by its lease. The database's word
 * counts, and this process compares its sockets with it all the time, so that whatever was not heard is mended.
 */
export class Presence {
  /** Names this life of this process. */
  readonly nodeId: string = idToText(newId())
  readonly #options: PresenceOptions
  readonly #tempo: PresenceTempo
  readonly #writer: SessionWriter
  readonly #loops: readonly Loop[]
  /** Each driver's newest socket here, by its fence. */
  readonly #here = new Map<string, number>()
  /** Whose sockets are being opened, and how many. */
  readonly #opening = new Map<string, number>()
  readonly #lines = createSampler(LOG_LINES)
  #live: readonly string[] = [this.nodeId]
  #isStopping = false
  #hasLease = false
  #mustAssert = false

  constructor(options: PresenceOptions) {
    this.#options = options
    this.#tempo = { ...PRESENCE_TEMPO, ...options.tempo }
    this.#writer = new SessionWriter({
      pool: options.pool,
      nodeId: this.nodeId,
      graceMs: this.#tempo.graceMs,
      metrics: options.metrics,
      renew: (connection) => this.#keepLease(connection),
      onError: (err) => options.log.warn({ err }, 'closed sockets could not be noted; the next check does'),
    })
    this.#loops = [
      this.#loop('renew', this.#tempo.renewMs, () => this.renew()),
      this.#loop('check', this.#tempo.checkMs, () => this.check()),
      this.#loop('sweep', this.#tempo.sweepMs, () => this.sweep()),
    ]
  }

  start(): void {
    for (const loop of this.#loops) loop.start()
  }

  /**
   * A driver's socket opened here; resolves with its fence, by which it owns his session. His older sockets are evicted, those of other
   * processes when they hear or ask. Rejects when the database does not answer within some seconds: the socket must not be let in.
   * Once it has resolved, closed() must follow when the socket is gone.
   */
  async opened(userId: string): Promise<number> {
    assert(!this.#isStopping, 'a process that ends lets nobody in')
    this.#opening.set(userId, (this.#opening.get(userId) ?? 0) + 1)
    try {
      const fence = await this.#writer.opened(userId)
      const older = this.#here.get(userId)
      this.#here.set(userId, fence)
      if (older !== undefined) this.#evict(userId, fence, 'replaced')
      return fence
    } finally {
      const left = (this.#opening.get(userId) ?? 1) - 1
      if (left > 0) this.#opening.set(userId, left)
      else this.#opening.delete(userId)
    }
  }

  /** The socket with this fence is gone. If it still owns the session, its driver is disconnected and his grace begins. Never throws. */
  closed(userId: string, fence: number): void {
    if (this.#here.get(userId) !== fence) return
    this.#here.delete(userId)
    this.#writer.closed([userId, fence])
  }

  /** Resolves when the openings and closings that were said so far are written, or given up. */
  settled(): Promise<void> {
    return this.#writer.settled()
  }

  /** The processes that hold sockets, this one among them, as of about a second ago; while the database is away, as of then. */
  liveNodes(): readonly string[] {
    return this.#live
  }

  /** One renewal; takes a new lease where it is lost, and then says at once which sockets are here. */
  async renew(): Promise<void> {
    const { pool } = this.#options
    const leases = await withConnection(pool, 'renew lease', RENEW_TIMEOUT_MS, async (connection) => {
      await this.#keepLease(connection)
      return readLeases(connection, this.#tempo)
    })
    const steadyMs = leases.find(({ nodeId }) => nodeId === this.nodeId)?.steadyMs ?? 0
    const live = leases.filter(({ isLive }) => isLive).map(({ nodeId }) => nodeId)
    // After an outage the others are as alive as before until they had time to say so.
    this.#live = steadyMs >= this.#tempo.leaseMs ? live : [...new Set([...this.#live, ...live])]
    this.#options.metrics.steady(steadyMs / 1_000)
    this.#options.metrics.sessions(this.#here.size)
    if (this.#mustAssert) await this.check()
  }

  /** One comparison of the sockets here with what the database says; mends whatever differs. */
  async check(): Promise<void> {
    this.#mustAssert = false
    const before = new Map(this.#here)
    try {
      const connected = await withConnection(
        this.#options.pool,
        'check sessions',
        CHECK_TIMEOUT_MS,
        (connection) => readConnected(connection, this.nodeId),
      )
      const { strays, missing } = compareSessions(connected, before, this.#here, (userId) =>
        this.#opening.has(userId),
      )
      for (const session of strays) this.#writer.closed(session)
      if (missing.length > 0) await this.#mend(missing)
    } catch (error) {
      this.#mustAssert = before.size > 0
      throw error
    }
  }

  /** One look for leases and graces that are over; true when there is more to do at once. */
  sweep(): Promise<boolean> {
    const { pool, metrics, tell } = this.#options
    return sweepPresence({ pool, metrics, tell, nodeId: this.nodeId, tempo: this.#tempo })
  }

  /**
   * Ends within `timeoutMs`: drivers whose sockets are still here are disconnected, and their graces begin; the lease goes last. What
   * cannot be written is found by the other processes when the lease is over. Never throws.
   */
  async stop(timeoutMs: number): Promise<void> {
    this.#isStopping = true
    const endMs = performance.now() + timeoutMs
    await Promise.all(this.#loops.map((loop) => loop.stop(timeoutMs)))
    for (const [userId, fence] of [...this.#here]) this.closed(userId, fence)
    await within(endMs - performance.now(), this.#leave()).catch((err: unknown) =>
      this.#options.log.warn({ err }, 'the lease could not be given back; it ends by itself'),
    )
  }

  async #leave(): Promise<void> {
    await this.#writer.settled()
    const { pool } = this.#options
    await inTransaction(pool, 'leave', async (connection) => {
      // The lease's row first, as whoever ends a dead one does.
      await dropLease(connection, this.nodeId)
      const left = await readConnected(connection, this.nodeId)
      await closeSessions(connection, [...left], this.#tempo.graceMs)
    })
  }

  async #mend(missing: readonly OwnSession[]): Promise<void> {
    const { pool, metrics } = this.#options
    const sessions = await withConnection(pool, 'read sessions', CHECK_TIMEOUT_MS, (connection) =>
      readSessions(
        connection,
        missing.map(([userId]) => userId),
      ),
    )
    const toAssert: OwnSession[] = []
    for (const [userId, fence] of missing) {
      const finding = judgeSession(fence, sessions.get(userId))
      // Another check, or the socket's own end, may have been faster.
      if (this.#here.get(userId) !== fence) continue
      if (finding.kind === 'assert') toAssert.push([userId, fence])
      if (finding.kind !== 'evict') continue
      this.#here.delete(userId)
      this.#evict(userId, finding.below, finding.reason)
    }
    if (toAssert.length === 0) return
    const count = await inTransaction(pool, 'assert sessions', async (connection) => {
      const asserted = await assertSessions(connection, toAssert)
      await this.#keepLease(connection)
      return asserted
    })
    metrics.moved('connected', 'check', count)
  }

  async #keepLease(connection: PoolConnection): Promise<void> {
    if (await renewLease(connection, this.nodeId, this.#tempo)) return
    await takeLease(connection, this.nodeId, this.#tempo)
    if (this.#hasLease) {
      this.#mustAssert = true
      this.#options.metrics.leaseLost()
      this.#options.log.warn({ nodeId: this.nodeId }, 'the lease of this process was over; it took a new one')
    }
    this.#hasLease = true
  }

  #evict(userId: string, below: number, reason: EvictionReason): void {
    this.#options.metrics.evicted(reason)
    this.#options.evict(userId, below, reason)
  }

  #loop(turn: Turn, intervalMs: number, work: () => Promise<unknown>): Loop {
    return new Loop({
      turn: async () => (await work()) === true,
      intervalMs,
      onError: (err) => {
        this.#options.metrics.turnFailed(turn)
        const permission = this.#lines.allow()
        if (permission)
          this.#options.log.warn(
            { err, turn, ...permission },
            'presence: a turn failed; the next one tries again',
          )
      },
    })
  }
}
