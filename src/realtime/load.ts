import type { Clock } from '../base/clock.ts'

/** Calm: everything. strained: positions are held back. overloaded: no new connections either. Webhooks always. */
export type Load = 'calm' | 'strained' | 'overloaded'

export interface LoadOptions {
  readonly clock: Clock
  /** Hears of every change, and how late the event loop was (milliseconds, smoothed). */
  readonly onChange: (load: Load, lagMs: number) => void
}

const TURN_MS = 100
/** How much a new measurement counts: one collection of garbage changes nothing, a second of trouble does. */
const WEIGHT = 0.2
const STRAINED_MS = 100
const OVERLOADED_MS = 300
/** It has to be clearly better before it counts as better, or it would go to and fro. */
const RELIEF = 0.5

/** How late a process does what it wants to do, which is how late its webhooks are answered. */
export class LoadMonitor {
  readonly #options: LoadOptions
  #timer: NodeJS.Timeout | undefined
  #expectedMs = 0
  #lagMs = 0
  #load: Load = 'calm'

  constructor(options: LoadOptions) {
    this.#options = options
  }

  get load(): Load {
    return this.#load
  }

  start(): void {
    this.#expectedMs = this.#options.clock.monotonicMs() + TURN_MS
    this.#timer ??= setInterval(() => this.#turn(), TURN_MS)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** One measurement: how late a turn was, in milliseconds. */
  measured(lateMs: number): void {
    this.#lagMs += (Math.max(lateMs, 0) - this.#lagMs) * WEIGHT
    const load = loadOf(this.#lagMs, this.#load)
    if (load === this.#load) return
    this.#load = load
    this.#options.onChange(load, Math.round(this.#lagMs))
  }

  #turn(): void {
    const nowMs = this.#options.clock.monotonicMs()
    this.measured(nowMs - this.#expectedMs)
    this.#expectedMs = nowMs + TURN_MS
  }
}

/** Pure. Up at the bounds themselves, down at half of them. */
export function loadOf(lagMs: number, before: Load): Load {
  if (lagMs >= OVERLOADED_MS) return 'overloaded'
  if (before === 'overloaded' && lagMs >= OVERLOADED_MS * RELIEF) return 'overloaded'
  if (lagMs >= STRAINED_MS) return 'strained'
  return before !== 'calm' && lagMs >= STRAINED_MS * RELIEF ? 'strained' : 'calm'
}
