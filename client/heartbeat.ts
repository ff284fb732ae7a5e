import { Alarm, type ClientClock } from './clock.ts'

/** How long a connection may take to show that it lives after it was asked. */
const PROBE_MS = 5_000

/**
 * Notices a connection that is dead without a close: phones change networks and sleep. After `heartbeatMs` in which nothing was heard the
 * server is asked, and after two of them the connection is given up.
 */
export class Heartbeat {
  readonly #clock: ClientClock
  readonly #ping: () => void
  readonly #silent: () => void
  readonly #alarm: Alarm
  readonly #probe: Alarm
  #periodMs = 0
  #heardMs = 0

  constructor(clock: ClientClock, ping: () => void, silent: () => void) {
    this.#clock = clock
    this.#ping = ping
    this.#silent = silent
    this.#alarm = new Alarm(clock)
    this.#probe = new Alarm(clock)
  }

  start(periodMs: number): void {
    this.#periodMs = periodMs
    this.heard()
    this.#next()
  }

  stop(): void {
    this.#alarm.cancel()
    this.#probe.cancel()
  }

  /** Anything at all came. */
  heard(): void {
    this.#heardMs = this.#clock.nowMs()
    this.#probe.cancel()
  }

  /** Asks at once: the device woke up, or its network changed. */
  probe(): void {
    if (!this.#alarm.isSet || this.#probe.isSet) return
    this.#probe.set(PROBE_MS, () => this.#end())
    this.#ping()
  }

  #next(): void {
    this.#alarm.set(this.#periodMs / 2, () => {
      const idleMs = this.#clock.nowMs() - this.#heardMs
      if (idleMs >= this.#periodMs * 2) return this.#end()
      if (idleMs >= this.#periodMs) this.#ping()
      this.#next()
    })
  }

  #end(): void {
    this.stop()
    this.#silent()
  }
}
