import type { Registry } from 'prom-client'
import type { Pool } from '../../db/pools.ts'
import type { RedisAddress } from '../../db/redis.ts'
import { watch } from '../../db/watch.ts'
import { assert } from '../base/assert.ts'
import { type Circuit, CircuitBreaker, type CircuitShape } from '../base/circuit.ts'
import type { Clock } from '../base/clock.ts'
import type { Id } from '../base/ids.ts'
import type { Log } from '../base/log.ts'
import type { Push } from '../feed/envelope.ts'
import { readOutboxBacklog } from '../outbox/backlog.ts'
import { Ring } from '../outbox/ring.ts'
import { type CallbackMetrics, createCallbackMetrics } from './callback-metrics.ts'
import { CallbackClient, type CallbackTarget } from './callback-request.ts'
import { CallbackSettler } from './callback-settlement.ts'
import { type CallbackPace, CallbackSweeper } from './callback-sweep.ts'
import { Courier } from './courier.ts'
import { CALLBACK_QUEUE, LARAVEL_TOPIC } from './queue.ts'

export interface CallbacksOptions {
  readonly target: CallbackTarget
  /** The callbacks' own connections. */
  readonly pool: Pool
  readonly redis: RedisAddress
  /** The database's name, for the queue's. */
  readonly installation: string
  readonly registry: Registry
  readonly log: Log
  readonly clock: Clock
  /** Hears of Redis errors; called often while Redis is away. */
  readonly onRedisError: (error: Error) => void
  readonly concurrency: number
  /** Tells users what is in their feeds by now. Must not reject. */
  readonly publish: (pushes: readonly Push[]) => Promise<unknown>
  readonly tempo?: Partial<CallbackTempo>
}

/** The times of the callbacks. Fault tests have shorter ones, so that they need not wait for them. */
export interface CallbackTempo {
  readonly requestTimeoutMs: number
  readonly leaseSeconds: number
  readonly backoff: { readonly baseMs: number; readonly capMs: number }
  readonly circuit: CircuitShape
  readonly pace: CallbackPace
}

const DEFAULT_TEMPO: CallbackTempo = {
  requestTimeoutMs: 10_000,
  leaseSeconds: 30,
  backoff: { baseMs: 5_000, capMs: 3_600_000 },
  circuit: { failures: 5, errorsAFailure: 10, openMs: 5_000, maxOpenMs: 30_000, probeMs: 30_000 },
  pace: { intervalMs: 1_000, nextLookSeconds: 20 },
}

/** A claim carries so many at once; they are sent side by side all the same. */
const IDS_PER_JOB = 8
/** After the time to stop is over, requests are cut off, and this is for giving their messages back. */
const GIVE_BACK_MS = 1_000

/** Everything that carries the outbox's messages to Laravel, put together. Works on connections and a queue of its own. */
export class Callbacks {
  readonly #options: CallbacksOptions
  readonly #metrics: CallbackMetrics
  readonly #interrupt = new AbortController()
  readonly #ring: Ring
  readonly #breaker: CircuitBreaker
  readonly #courier: Courier
  readonly #sweeper: CallbackSweeper
  readonly #backlogTimer: NodeJS.Timeout

  constructor(options: CallbacksOptions) {
    const { redis, installation, onRedisError, log } = options
    const tempo = { ...DEFAULT_TEMPO, ...options.tempo }
    assert(tempo.requestTimeoutMs < tempo.leaseSeconds * 1_000, 'a request must end before its lease')
    this.#options = options
    this.#metrics = createCallbackMetrics(options.registry)
    const onFailed = (err: Error): void =>
      log.warn({ err }, 'a job of callbacks was given up; they are rung for again')
    this.#ring = new Ring({
      redis,
      name: CALLBACK_QUEUE,
      installation,
      onError: onRedisError,
      onFailed,
      idsPerJob: IDS_PER_JOB,
    })
    this.#breaker = this.#createBreaker(tempo.circuit)
    this.#courier = this.#createCourier(tempo, this.#breaker)
    this.#sweeper = this.#createSweeper(tempo, this.#breaker)
    this.#backlogTimer = watch(
      options.pool,
      'callback backlog',
      (connection) => readOutboxBacklog(connection, LARAVEL_TOPIC),
      this.#metrics.backlog,
    )
  }

  /**
   * Rings for messages that were committed; where Redis does not hear, sends them from here. While the circuit is not closed
   * nobody rings: a dead Laravel would fill Redis, and a sweeper whose circuit is closed finds them in some seconds. Never throws.
   */
  ring(ids: readonly Id[]): void {
    if (ids.length === 0 || this.#breaker.kind !== 'closed') return
    void this.#ringFor(ids).then((heard) => heard || this.#sweeper.takeOver(ids))
  }

  /** Starts the couriers and the sweeper. */
  work(): void {
    this.#ring.answer((ids) => this.#courier.deliver(ids), this.#options.concurrency)
    this.#sweeper.start()
  }

  /**
   * Begins nothing more, waits for what is in flight at most `timeoutMs`, cuts off the rest and gives it back, so that another
   * process sends it at once; then leaves Redis. Never throws.
   */
  async stop(timeoutMs: number): Promise<void> {
    clearInterval(this.#backlogTimer)
    const drainMs = Math.max(timeoutMs - GIVE_BACK_MS, 0)
    const cut = setTimeout(() => this.#interrupt.abort(), drainMs)
    const ended = Promise.all([this.#courier.finish(), this.#sweeper.stop()])
    await Promise.race([
      Promise.all([ended, this.#ring.stopAnswering(timeoutMs)]),
      new Promise((resolve) => setTimeout(resolve, timeoutMs).unref()),
    ])
    clearTimeout(cut)
    await this.#ring.close(0)
  }

  async #ringFor(ids: readonly Id[]): Promise<boolean> {
    const heard = await this.#ring.ring(ids)
    if (!heard) this.#metrics.ringFailed()
    return heard
  }

  #createBreaker(shape: CircuitShape): CircuitBreaker {
    const { clock, log } = this.#options
    const onChange = (kind: Circuit['kind']): void => {
      this.#metrics.circuit(kind)
      if (kind === 'open') {
        // Else this process, which sends nothing, would be the quickest to take the jobs of those that may send.
        this.#ring.rest()
        log.warn('Laravel does not answer well: its circuit is open, and callbacks wait')
      }
      if (kind === 'closed') {
        this.#ring.goOn()
        log.info('Laravel answers again: its circuit is closed')
      }
    }
    return new CircuitBreaker(shape, () => clock.monotonicMs(), onChange)
  }

  #createCourier(tempo: CallbackTempo, breaker: CircuitBreaker): Courier {
    const { pool, log, clock, concurrency, target, publish } = this.#options
    const { requestTimeoutMs, leaseSeconds, backoff } = tempo
    const client = new CallbackClient(target, {
      timeoutMs: requestTimeoutMs,
      nowMs: () => clock.nowMs(),
      interrupt: this.#interrupt.signal,
    })
    return new Courier({
      pool,
      client,
      settler: new CallbackSettler({ pool, log, publish, onAnswer: this.#metrics.answer }),
      breaker,
      log,
      clock,
      concurrency,
      leaseSeconds,
      requestTimeoutMs,
      backoff,
      ring: (ids) => this.ring(ids),
      onSent: this.#metrics.sent,
      onInFlight: this.#metrics.inFlight,
    })
  }

  #createSweeper(tempo: CallbackTempo, breaker: CircuitBreaker): CallbackSweeper {
    const { pool, log } = this.#options
    return new CallbackSweeper({
      pool,
      log,
      ring: (ids) => this.#ringFor(ids),
      depth: () => this.#ring.depth(),
      deliver: (ids) => this.#courier.deliver(ids),
      circuit: () => (breaker.isRefusing ? 'refusing' : breaker.kind === 'closed' ? 'closed' : 'half-open'),
      pace: tempo.pace,
    })
  }
}
