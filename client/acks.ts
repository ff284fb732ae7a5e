import { Alarm, type ClientClock } from './clock.ts'

/** One acknowledgement stands for all that came within this time. */
const EVERY_MS = 1_000

/** Tells the server how far the user has seen his feed; what is lost of it is said by the next one. */
export class Acks {
  readonly #alarm: Alarm
  readonly #tell: (seq: number) => boolean
  #seen = 0
  #acked = 0

  /** `tell` hands it to the connection; false: there is none. */
  constructor(clock: ClientClock, tell: (seq: number) => boolean) {
    this.#alarm = new Alarm(clock)
    this.#tell = tell
  }

  /** How far the server knows of; after a lost connection it may be less than was told. */
  connected(acked: number): void {
    this.#acked = acked
    if (this.#seen > acked) this.note(this.#seen)
  }

  /** The application has seen this one. */
  note(seq: number): void {
    this.#seen = seq
    if (!this.#alarm.isSet) this.#alarm.set(EVERY_MS, () => this.flush())
  }

  /** Another feed, or another place in it: what was seen before says nothing. */
  forget(): void {
    this.#seen = 0
    this.#alarm.cancel()
  }

  flush(): void {
    this.#alarm.cancel()
    if (this.#seen > this.#acked && this.#tell(this.#seen)) this.#acked = this.#seen
  }

  stop(): void {
    this.#alarm.cancel()
  }
}
