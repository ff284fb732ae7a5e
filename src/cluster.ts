import cluster, { type Worker } from 'node:cluster'
import type { Registry } from 'prom-client'
import type { Log } from './base/log.ts'
import { answerPrimary, answerWorkers } from './cluster/metrics.ts'
import { SAME_KEYSTROKE_MS } from './signals.ts'

export { clusterMetrics } from './cluster/metrics.ts'

/** A worker that lived for less was probably never well: its successor waits. */
const QUICK_DEATH_MS = 5_000
const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 30_000
/** What a worker gets beyond its own time-out before it is killed. With 30 s it stays below pm2's kill_timeout of 35 s. */
const GRACE_MS = 2_000

export interface PrimaryOptions {
  readonly workers: number
  /** Arguments of the workers; those of this process by default. */
  readonly entryArgs?: readonly string[]
  /** What the workers' environment has beyond this process's own. */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly log: Log
  /** What a worker may take to drain. */
  readonly shutdownTimeoutMs: number
  /** To how many addresses each worker listens, one after the other; one by default. */
  readonly listeners?: number
  /**
   * Called once, when every worker listens to all of them; with their ports, in the order in which a worker listens, which
   * matters when they were left to the system.
   */
  readonly onReady?: (ports: readonly number[]) => void
  /** Called when no worker is left, before the promise resolves. */
  readonly onStopped?: () => Promise<void>
}

/** Whether this process was forked by a primary. */
export function isClusterWorker(): boolean {
  return cluster.isWorker
}

/**
 * Forks the workers (this program again), replaces those that fall, and drains them all on one SIGINT or SIGTERM. A second
 * signal, more than a second later, kills them. Resolves when no worker is left, with the exit code: 0 when all drained
 * cleanly, otherwise 1.
 */
export async function runPrimary(options: PrimaryOptions): Promise<number> {
  // The default, JSON, would turn a metric's NaN into null.
  cluster.setupPrimary({
    serialization: 'advanced',
    ...(options.entryArgs === undefined ? {} : { args: [...options.entryArgs] }),
  })
  return await new Primary(options).run()
}

/** How long the successor of a worker waits, after so many quick deaths in a row: not, 0.5 s, 1 s, … 30 s. */
export function restartDelayMs(quickDeaths: number): number {
  return quickDeaths === 0 ? 0 : Math.min(FIRST_WAIT_MS * 2 ** (quickDeaths - 1), LONGEST_WAIT_MS)
}

/** The place of one worker, over all its successors. */
interface Slot {
  worker: Worker | null
  startedAtMs: number
  quickDeaths: number
  /** Where it listens, in the order in which it began to. */
  ports: number[]
  timer: NodeJS.Timeout | undefined
}

class Primary {
  readonly #options: PrimaryOptions
  readonly #slots: Slot[]
  readonly #signalled = Promise.withResolvers<void>()
  readonly #emptied = Promise.withResolvers<void>()
  readonly #forced = Promise.withResolvers<void>()
  #signalledAtMs: number | null = null
  #isReady = false
  #isClean = true
  #restarts = 0

  constructor(options: PrimaryOptions) {
    this.#options = options
    this.#slots = Array.from({ length: options.workers }, () => ({
      worker: null,
      startedAtMs: 0,
      quickDeaths: 0,
      ports: [],
      timer: undefined,
    }))
  }

  async run(): Promise<number> {
    const hear = (signal: NodeJS.Signals): void => this.#hear(signal)
    process.on('SIGINT', hear).on('SIGTERM', hear)
    const endAnswers = answerWorkers(() => this.#restarts)
    for (const slot of this.#slots) this.#fork(slot)
    await this.#signalled.promise
    await this.#drain()
    await Promise.race([this.#options.onStopped?.(), this.#forced.promise])
    endAnswers()
    process.off('SIGINT', hear).off('SIGTERM', hear)
    return this.#isClean ? 0 : 1
  }

  #hear(signal: string): void {
    const nowMs = performance.now()
    if (this.#signalledAtMs === null) {
      this.#signalledAtMs = nowMs
      this.#options.log.info({ signal }, 'asked to stop: draining the workers')
      this.#signalled.resolve()
    } else if (nowMs - this.#signalledAtMs > SAME_KEYSTROKE_MS) {
      this.#options.log.warn({ signal }, 'asked again: killing the workers')
      this.#killAll()
      this.#forced.resolve()
    }
  }

  async #drain(): Promise<void> {
    for (const { timer } of this.#slots) clearTimeout(timer)
    // A signal and not a message: a worker that is not installed yet has nothing to drain, and the signal ends it.
    for (const { worker } of this.#slots) worker?.process.kill('SIGTERM')
    const deadline = setTimeout(() => {
      this.#options.log.error('workers did not drain in time: killing them')
      this.#killAll()
    }, this.#options.shutdownTimeoutMs + GRACE_MS)
    this.#noteIfEmpty()
    await this.#emptied.promise
    clearTimeout(deadline)
  }

  #killAll(): void {
    this.#isClean = false
    for (const { worker } of this.#slots) worker?.process.kill('SIGKILL')
  }

  #fork(slot: Slot): void {
    slot.startedAtMs = performance.now()
    slot.ports = []
    const worker = cluster.fork(this.#options.env)
    slot.worker = worker
    worker.on('listening', ({ port }) => this.#noteListening(slot, port))
    worker.on('exit', (code, signal) => this.#noteExit(slot, worker, code, signal))
    worker.on('error', (error) => {
      this.#options.log.error({ err: error, workerPid: worker.process.pid }, 'worker error')
      // A process that could not be started has no pid and never exits.
      if (worker.process.pid === undefined) this.#noteExit(slot, worker, null, null)
    })
  }

  #noteListening(slot: Slot, port: number): void {
    slot.ports.push(port)
    const { listeners = 1, onReady } = this.#options
    if (this.#isReady || !this.#slots.every(({ ports }) => ports.length >= listeners)) return
    this.#isReady = true
    onReady?.(slot.ports)
  }

  #noteExit(slot: Slot, worker: Worker, code: number | null, signal: string | null): void {
    if (slot.worker !== worker) return
    slot.worker = null
    slot.ports = []
    const exit = { workerPid: worker.process.pid, code, signal }
    if (this.#signalledAtMs === null) this.#replace(slot, exit)
    else this.#noteLeave(exit)
  }

  #noteLeave(exit: { readonly code: number | null; readonly signal: string | null }): void {
    const isClean = exit.code === 0 || exit.signal === 'SIGTERM'
    if (!isClean) this.#isClean = false
    this.#options.log[isClean ? 'info' : 'error'](exit, 'worker left')
    this.#noteIfEmpty()
  }

  #replace(slot: Slot, exit: object): void {
    const isQuick = performance.now() - slot.startedAtMs < QUICK_DEATH_MS
    slot.quickDeaths = isQuick ? slot.quickDeaths + 1 : 0
    const waitMs = restartDelayMs(slot.quickDeaths)
    this.#restarts += 1
    this.#options.log.error({ ...exit, waitMs }, 'worker fell: replacing it')
    slot.timer = setTimeout(() => this.#fork(slot), waitMs)
  }

  #noteIfEmpty(): void {
    if (this.#slots.every(({ worker }) => worker === null)) this.#emptied.resolve()
  }
}

export type DrainReason = 'asked' | 'primary_died'

export interface WorkerOptions {
  /** Answers what is in flight and closes everything. Called once. */
  readonly drain: (reason: DrainReason) => Promise<void>
  readonly log: Log
  /** What this worker has to say when the cluster's metrics are asked for. */
  readonly registry: Registry
  /** After so long the worker ends without having drained; for when no primary is left to kill it. */
  readonly timeoutMs?: number
}

const DEFAULT_DRAIN_TIMEOUT_MS = 32_000

/**
 * Makes this worker drain and leave when its primary asks (SIGTERM) or dies. SIGINT is ignored: a terminal sends it to
 * every process at once, and the primary's word decides. Exits with 0 after a drain, with 1 when it failed or took too long.
 */
export function installWorker({ drain, log, registry, timeoutMs }: WorkerOptions): void {
  let isLeaving = false
  const leave = (reason: DrainReason): void => {
    if (isLeaving) return
    isLeaving = true
    log.info({ reason }, 'worker draining')
    setTimeout(() => {
      log.error('worker could not drain in time')
      process.exit(1)
    }, timeoutMs ?? DEFAULT_DRAIN_TIMEOUT_MS).unref()
    drain(reason).then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error }, 'worker failed to drain')
        process.exit(1)
      },
    )
  }
  answerPrimary(registry)
  process.on('SIGINT', () => undefined)
  process.on('SIGTERM', () => leave('asked'))
  // Otherwise node ends a worker at once when its primary is gone (lib/internal/cluster/child.js).
  if (cluster.worker) cluster.worker.exitedAfterDisconnect = true
  process.on('disconnect', () => leave('primary_died'))
  if (!process.connected) leave('primary_died')
}
