import { setImmediate as immediate, setTimeout as pause } from 'node:timers/promises'
import { isRefusal, type RedisNode } from '../../../db/redis.ts'

export interface PulseOptions {
  /** Of the role `subscriber`, whose commands are given up after a while. */
  readonly redis: RedisNode
  readonly intervalMs: number
  /** The link answers, or at least brings something. */
  readonly onAlive: () => void
  /** It does neither. The pulse has stopped. */
  readonly onDead: (error: Error) => void
}

/** A link that brings messages and answers nothing is half dead, and is called dead after so many beats. */
const MAX_MISSED_BEATS = 3

/** Asks a subscriber's connection whether it lives: one that died without a goodbye is silent, as quiet channels are. */
export class Pulse {
  readonly #options: PulseOptions
  /** Of the present connection; null without one. */
  #beats: AbortController | null = null

  constructor(options: PulseOptions) {
    this.#options = options
  }

  /** For a connection that has just been made. */
  start(): void {
    this.stop()
    this.#beats = new AbortController()
    void this.#run(this.#beats.signal)
  }

  stop(): void {
    this.#beats?.abort()
    this.#beats = null
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { intervalMs, onAlive, onDead } = this.#options
    for (let missed = 0; !signal.aborted; ) {
      await pause(intervalMs, undefined, { signal, ref: false }).catch(() => undefined)
      if (signal.aborted) return
      const beat = await this.#ask()
      if (signal.aborted) return
      missed = beat.error === null ? 0 : missed + 1
      if (beat.error !== null && (beat.isSilent || missed >= MAX_MISSED_BEATS)) {
        this.stop()
        onDead(beat.error)
      } else onAlive()
    }
  }

  /** `isSilent`: not one byte came since it was asked. */
  async #ask(): Promise<{ error: Error | null; isSilent: boolean }> {
    const { redis } = this.#options
    const { stream } = redis
    const before = stream.bytesRead
    try {
      await redis.ping()
      return { error: null, isSilent: false }
    } catch (error) {
      // Redis answered: the link is well, whatever the answer.
      if (isRefusal(error)) return { error: null, isSilent: false }
      // What came while this process was busy is read before anybody is called dead.
      await immediate()
      return { error: error as Error, isSilent: stream.bytesRead === before }
    }
  }
}
