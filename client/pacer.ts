import { Alarm, type ClientClock } from './clock.ts'

/** What a server lets through that does not say. */
const DEFAULT_PER_SECOND = 50
/** Commands have half of it; positions, acknowledgements and pings need no reply and come between. */
const SHARE = 0.5
const WINDOW_MS = 1_000

/** Lets commands out no faster than the server takes them, so that a full queue does not end the connection that it waited for. */
export class Pacer {
  readonly #clock: ClientClock
  readonly #alarm: Alarm
  readonly #onRoom: () => void
  #capacity = 1
  #left = 0
  #windowStartMs = 0

  /** `onRoom` is called when there is room again after take() has refused. */
  constructor(clock: ClientClock, onRoom: () => void) {
    this.#clock = clock
    this.#alarm = new Alarm(clock)
    this.#onRoom = onRoom
  }

  start(messagesPerSecond = DEFAULT_PER_SECOND): void {
    this.#capacity = Math.max(1, Math.floor(messagesPerSecond * SHARE))
    this.#left = this.#capacity
    this.#windowStartMs = this.#clock.nowMs()
  }

  stop(): void {
    this.#alarm.cancel()
  }

  /** May one more go? */
  take(): boolean {
    const sinceMs = this.#clock.nowMs() - this.#windowStartMs
    if (sinceMs >= WINDOW_MS || sinceMs < 0) {
      this.#left = this.#capacity
      this.#windowStartMs = this.#clock.nowMs()
    }
    if (this.#left > 0) {
      this.#left -= 1
      return true
    }
    if (!this.#alarm.isSet) this.#alarm.set(Math.max(1, WINDOW_MS - sinceMs), this.#onRoom)
    return false
  }
}
