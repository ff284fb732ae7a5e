import type { Clock } from '../base/clock.ts'
import { CLOSE } from './close-codes.ts'
import type { Connection } from './connection.ts'
import type { RealtimeMetrics } from './metrics.ts'

export interface HeartbeatOptions {
  /** The connections of this process. */
  readonly connections: ReadonlySet<Connection>
  readonly clock: Clock
  readonly metrics: Pick<RealtimeMetrics, 'silent'>
  readonly tempo?: Partial<HeartbeatTempo> | undefined
}

export interface HeartbeatTempo {
  readonly pingMs: number
  /** A driver who waits for a ride is pinged after so much silence. */
  readonly silenceMs: number
  readonly pongMs: number
  readonly warningMs: number
  readonly graceMs: number
  readonly turnMs: number
}

/**
 * A ping keeps the address translation of mobile carriers alive, the shortest of which forget after half a minute. Who does not
 * answer in eight seconds is gone: his phone finds a new connection sooner than he finds out. A driver who waits for a ride is asked
 * sooner, so that none is offered one who is gone, and none is passed over because he stands still.
 * A client is warned a minute before its token ends, and has 25 seconds beyond it to renew it in band.
 */
export const HEARTBEAT: HeartbeatTempo = {
  pingMs: 25_000,
  silenceMs: 5_000,
  pongMs: 8_000,
  warningMs: 60_000,
  graceMs: 25_000,
  turnMs: 1_000,
}

/** One timer for all sockets: pings them, ends the dead ones, and those whose token is over. */
export class Heartbeat {
  readonly #options: HeartbeatOptions
  readonly #tempo: HeartbeatTempo
  #timer: NodeJS.Timeout | undefined
  #lookedAtMs = Number.POSITIVE_INFINITY

  constructor(options: HeartbeatOptions) {
    this.#options = options
    this.#tempo = { ...HEARTBEAT, ...options.tempo }
  }

  start(): void {
    this.#timer ??= setInterval(() => this.runOnce(), this.#tempo.turnMs)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** One look at every socket. */
  runOnce(): void {
    const { clock, connections } = this.#options
    const nowMs = Math.round(clock.monotonicMs())
    const wallMs = clock.nowMs()
    // Answers that came while the process stood still are read after this look.
    const stoodStill = nowMs - this.#lookedAtMs >= this.#tempo.pongMs / 2
    this.#lookedAtMs = nowMs
    for (const connection of connections) {
      this.#lookAtLife(connection, nowMs, stoodStill)
      this.#lookAtToken(connection, wallMs)
    }
  }

  #lookAtLife(connection: Connection, nowMs: number, stoodStill: boolean): void {
    const { pongMs } = this.#tempo
    const isAnswered = connection.heardAtMs >= connection.pingedAtMs
    // While many of his commands wait he is not read: he has his time to answer from when he is again.
    if (!isAnswered && (stoodStill || connection.ws.isPaused)) connection.pingedAtMs = nowMs
    else if (!isAnswered && nowMs - connection.pingedAtMs >= pongMs) {
      this.#options.metrics.silent()
      connection.ws.terminate()
    } else if (isAnswered && this.#isPingDue(connection, nowMs) && connection.isOpen) {
      connection.pingedAtMs = nowMs
      connection.ws.ping()
    }
  }

  #isPingDue({ isAwaited, pingedAtMs, heardAtMs }: Connection, nowMs: number): boolean {
    const { pingMs, silenceMs } = this.#tempo
    return nowMs - pingedAtMs >= pingMs || (isAwaited && nowMs - heardAtMs >= silenceMs)
  }

  #lookAtToken(connection: Connection, wallMs: number): void {
    const { warningMs, graceMs } = this.#tempo
    const { expiresAtMs } = connection.user
    if (wallMs >= expiresAtMs + graceMs) connection.close(CLOSE.tokenOver, 'the token is over')
    else if (!connection.isWarned && connection.isReady && wallMs >= expiresAtMs - warningMs) {
      connection.isWarned = true
      const data = { expiresAt: expiresAtMs, graceMs }
      connection.say(JSON.stringify({ event: 'auth:expiring', data }))
    }
  }
}
