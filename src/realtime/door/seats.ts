import { createHash } from 'node:crypto'
import type { Redis } from '../../../db/redis.ts'
import { type Clock, systemClock } from '../../base/clock.ts'
import { flatText } from '../../base/flat-text.ts'
import type { Log } from '../../base/log.ts'
import { Loop } from '../../base/loop.ts'
import type { SeatMetrics } from './seat-metrics.ts'
import { type SeatQuestion, seatCommand } from './seat-script.ts'
import type { TokenUser } from './token.ts'

/** Sockets that may be open at once over all processes. */
export interface SeatRules {
  /** Of a rider or an admin; null: any number. */
  readonly perUser: number | null
  /** Of an IPv4 address or an IPv6 /64; null: any number. */
  readonly perNetwork: number | null
}

export interface SeatsOptions {
  /** A client of the role `limits`, which never waits long. */
  readonly redis: Redis
  /** Keeps installations that share a Redis apart. */
  readonly installation: string
  readonly rules: SeatRules
  readonly nodeId: string
  /** The processes whose counts count; Presence.liveNodes(). */
  readonly liveNodes: () => readonly string[]
  readonly metrics: SeatMetrics
  readonly log: Log
  readonly clock?: Clock
  readonly tempo?: Partial<SeatTempo>
}

/** For whoever counts nobody. */
export const NO_SEAT_RULES: SeatRules = { perUser: null, perNetwork: null }

/** Milliseconds. */
export interface SeatTempo {
  /** Between two looks whether Redis has lost what it was told. */
  readonly lookMs: number
  /** All counts are told anew so often, far below their lifetime in Redis. */
  readonly tellAllMs: number
}

export type SeatVerdict = 'taken' | 'user_full' | 'network_full'

const TEMPO: SeatTempo = { lookMs: 2_000, tellAllMs: 900_000 }
/** A Redis that did not answer is left alone for so long, and then asked by one handshake. */
const PAUSE_MS = 1_000
/** Of what is told without being waited for; a mass of goodbyes must not delay a handshake's question by much. */
const BATCH = 200
/** After a break Redis may still carry out what was sent in vain before it, so that what was told meanwhile is told twice. */
const TELLINGS_AFTER_A_BREAK = 2

/**
 * Who has how many sockets open, over all processes: each tells Redis its own counts, and the sum of those of live processes is held to
 * the limits. With Redis away each process holds its own counts to them. A driver's sockets take no seats of his: the
 * newest closes the older ones, so that dead ones can never lock him out.
 */
export class Seats {
  readonly #options: SeatsOptions
  readonly #clock: Clock
  readonly #tempo: SeatTempo
  readonly #ask: (question: SeatQuestion) => Promise<boolean>
  readonly #loop: Loop
  /** What this process has, by what the Redis key ends with. */
  readonly #counts = new Map<string, number>()
  /** Keys of which Redis was told something else. */
  #untold = new Set<string>()
  #isTelling = false
  #pausedUntilMs: number | null = null
  #tellings = 0
  #toldAllAtMs: number

  constructor(options: SeatsOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#tempo = { ...TEMPO, ...options.tempo }
    this.#ask = seatCommand(options.redis)
    this.#toldAllAtMs = this.#clock.monotonicMs()
    this.#loop = new Loop({
      turn: () => this.look().then(() => false),
      intervalMs: this.#tempo.lookMs,
      onError: (error) => this.#pause(error),
    })
  }

  start(): void {
    this.#loop.start()
  }

  /** What is left in Redis counts for nobody once this process's lease is given back. */
  stop(timeoutMs: number): Promise<void> {
    return this.#loop.stop(timeoutMs)
  }

  /**
   * Takes a seat of the user and one of his network (null: of none), or neither; free() gives both back. Asks Redis one question a key,
   * both in one write, and waits for it no longer than its client does; where this process alone has all that is allowed, Redis is not asked.
   * Never throws.
   */
  async take(user: TokenUser, network: string | null): Promise<SeatVerdict> {
    const seats = this.#seatsOf(user, network)
    if (seats.length === 0) return this.#said('taken', 'here')
    const full = seats.find(({ key, limit }) => this.#countOf(key) >= limit)
    if (full) return this.#said(full.verdict, 'here')
    for (const { key } of seats) this.#counts.set(key, this.#countOf(key) + 1)
    const answers = await this.#askAll(seats)
    if (answers === null) {
      this.#tell(seats.map(({ key }) => key))
      return this.#said('taken', 'insurance')
    }
    const refused = seats.find((_, index) => !answers[index])
    if (!refused) return this.#said('taken', 'redis')
    this.#release(seats)
    return this.#said(refused.verdict, 'redis')
  }

  /** Gives back what take() gave, with the same arguments. Never throws. */
  free(user: TokenUser, network: string | null): void {
    this.#release(this.#seatsOf(user, network))
  }

  /** Whether Redis still has what it was told: if not, all of it is told again. Throws when Redis does not answer. */
  async look(): Promise<void> {
    const { redis, installation, nodeId } = this.#options
    // At the very start nothing was told yet, so that nothing can be lost.
    if (redis.status === 'connecting' || redis.status === 'connect') return
    const isNew = await redis.set(
      `onceline-${installation}:seats:told:${nodeId}`,
      '1',
      'PX',
      this.#tempo.tellAllMs * 2,
      'NX',
    )
    this.#resume()
    const nowMs = this.#clock.monotonicMs()
    if (isNew === 'OK') this.#tellings = Math.max(this.#tellings, 1)
    if (nowMs - this.#toldAllAtMs >= this.#tempo.tellAllMs) this.#tellings = Math.max(this.#tellings, 1)
    if (this.#tellings > 0) {
      this.#tellings -= 1
      this.#toldAllAtMs = nowMs
      this.#tell(this.#counts.keys())
    } else this.#tell([])
  }

  #seatsOf({ userId, userType }: TokenUser, network: string | null): Seat[] {
    const { perUser, perNetwork } = this.#options.rules
    const seats: Seat[] = []
    if (userType !== 'driver' && perUser !== null)
      seats.push({ key: keyOf('user', userId), limit: perUser, verdict: 'user_full' })
    if (network !== null && perNetwork !== null)
      seats.push({ key: keyOf('network', network), limit: perNetwork, verdict: 'network_full' })
    return seats
  }

  /** null: Redis does not answer, or is not to be asked now. */
  async #askAll(seats: readonly Seat[]): Promise<boolean[] | null> {
    if (this.#pausedUntilMs !== null) {
      const nowMs = this.#clock.monotonicMs()
      if (nowMs < this.#pausedUntilMs) return null
      // This handshake asks for all; those that come while it waits do not.
      this.#pausedUntilMs = nowMs + PAUSE_MS
    }
    try {
      const answers = await Promise.all(seats.map(({ key, limit }) => this.#ask(this.#question(key, limit))))
      this.#resume()
      return answers
    } catch (error) {
      this.#pause(error)
      return null
    }
  }

  #question(key: string, limit: number | null): SeatQuestion {
    const { installation, nodeId, liveNodes } = this.#options
    const place = `onceline-${installation}:seats:${key}`
    return { key: place, nodeId, mine: this.#countOf(key), limit, liveNodes: liveNodes() }
  }

  #release(seats: readonly Seat[]): void {
    for (const { key } of seats) {
      const left = this.#countOf(key) - 1
      if (left > 0) this.#counts.set(key, left)
      else this.#counts.delete(key)
    }
    this.#tell(seats.map(({ key }) => key))
  }

  /** Redis is told these counts as they are when it is their turn; what it does not hear is told when it is back. */
  #tell(keys: Iterable<string>): void {
    for (const key of keys) this.#untold.add(key)
    if (this.#isTelling || this.#untold.size === 0 || this.#pausedUntilMs !== null) return
    this.#isTelling = true
    setImmediate(() => void this.#tellAll())
  }

  async #tellAll(): Promise<void> {
    while (this.#untold.size > 0 && this.#pausedUntilMs === null) {
      const keys = [...this.#untold].slice(0, BATCH)
      for (const key of keys) this.#untold.delete(key)
      try {
        await Promise.all(keys.map((key) => this.#ask(this.#question(key, null))))
      } catch (error) {
        for (const key of keys) this.#untold.add(key)
        this.#pause(error)
      }
    }
    this.#isTelling = false
  }

  #pause(error: unknown): void {
    if (this.#pausedUntilMs === null)
      this.#options.log.warn(
        { err: error },
        'seats: Redis does not answer, so each process counts for itself',
      )
    this.#pausedUntilMs = this.#clock.monotonicMs() + PAUSE_MS
  }

  #resume(): void {
    if (this.#pausedUntilMs === null) return
    this.#pausedUntilMs = null
    this.#tellings = TELLINGS_AFTER_A_BREAK
    this.#options.log.info('seats are counted in Redis again')
  }

  #countOf(key: string): number {
    return this.#counts.get(key) ?? 0
  }

  #said(verdict: SeatVerdict, by: 'redis' | 'insurance' | 'here'): SeatVerdict {
    this.#options.metrics.decided(verdict, by)
    return verdict
  }
}

interface Seat {
  readonly key: string
  readonly limit: number
  readonly verdict: Exclude<SeatVerdict, 'taken'>
}

/** 128 bits: Redis is shared, and needs no list of who is connected from where. */
function keyOf(kind: 'user' | 'network', name: string): string {
  const hash = createHash('sha256').update(name).digest('base64url').slice(0, 22)
  return flatText(`${kind}:${hash}`)
}
