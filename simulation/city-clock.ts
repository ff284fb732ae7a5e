/**
 * The city's time: so many times faster than the wall's, from 0 on once it is started, in milliseconds. Once the city is closed everybody is where he wanted
 * to be at once: no pause takes any time.
 */
export class CityClock {
  readonly speed: number
  #startedMs: number | null = null
  readonly #pauses = new Set<() => void>()
  #isClosed = false

  constructor(speed: number) {
    this.speed = speed
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  start(): void {
    this.#startedMs = performance.now()
  }

  nowMs(): number {
    return this.#startedMs === null ? 0 : (performance.now() - this.#startedMs) * this.speed
  }

  /** Waits for so much of the city's time. True: it is over, or the city is closed. False: it was called off. */
  pause(cityMs: number, calledOff?: AbortSignal): Promise<boolean> {
    if (calledOff?.aborted) return Promise.resolve(false)
    if (this.#isClosed) return Promise.resolve(true)
    return new Promise((resolve) => {
      const end = (isOver: boolean) => {
        clearTimeout(timer)
        this.#pauses.delete(over)
        calledOff?.removeEventListener('abort', off)
        resolve(isOver)
      }
      const over = () => end(true)
      const off = () => end(false)
      const timer = setTimeout(over, Math.max(0, cityMs) / this.speed)
      this.#pauses.add(over)
      calledOff?.addEventListener('abort', off)
    })
  }

  pauseUntil(cityMs: number, calledOff?: AbortSignal): Promise<boolean> {
    return this.pause(cityMs - this.nowMs(), calledOff)
  }

  close(): void {
    this.#isClosed = true
    for (const over of [...this.#pauses]) over()
  }
}
