/** Two clocks: one for people and protocols, one for measuring. */
export interface Clock {
  /** Wall clock, milliseconds since 1970 in UTC. May jump when the machine's time is set. */
  nowMs(): number
  /** Milliseconds since an arbitrary moment; never goes back. For time-outs and durations. */
  monotonicMs(): number
}

/** The machine's clocks. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
}

/** A clock that moves only when it is told to. */
export interface ManualClock extends Clock {
  /** Moves both clocks forward. Throws a RangeError on a negative step: time does not go back here. */
  advance(stepMs: number): void
}

/** A clock for tests: the wall clock starts at `startMs`, the monotonic one at 0. */
export function manualClock(startMs: number): ManualClock {
  let elapsedMs = 0
  return {
    nowMs: () => startMs + elapsedMs,
    monotonicMs: () => elapsedMs,
    advance: (stepMs) => {
      if (stepMs < 0) throw new RangeError('a clock does not go back')
      elapsedMs += stepMs
    },
  }
}
