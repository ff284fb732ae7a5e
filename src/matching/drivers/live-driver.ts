import type { Workplace } from './geo-index.ts'
import type { Position } from './nearby.ts'
import type { ActiveRide } from './ride-store.ts'

/** What the pool reads of a driver's socket, and tells it. */
export interface Pulse {
  /** When the socket said anything last, on the monotonic clock. */
  readonly heardAtMs: number
  /** True while the driver waits for a ride: his silence is noticed soon. */
  isAwaited: boolean
}

/** unread: the database was not asked yet. off: he does not work. free: he waits for a ride. riding: he is on one. */
export type Standing = 'unread' | 'off' | 'free' | 'riding'

const NEVER = Number.NEGATIVE_INFINITY

/** A driver whose socket is on this process. Times are of the monotonic clock. Thousands of them are looked at several times a second. */
export class LiveDriver {
  readonly id: string
  /** Of the socket that is here; 0: none is known. */
  fence = 0
  pulse: Pulse | null = null
  standing: Standing = 'unread'
  /** Whether he is asked for rides while he is on none: he is online, and not suspended. */
  works = false
  workplace: Workplace | null = null
  ride: ActiveRide | null = null
  /** Null: he has not said where he is. */
  position: Position | null = null
  /** Metres a second and degrees from north, and when he was there; null: not said. */
  speed: number | null = null
  heading: number | null = null
  locatedAtMs = NEVER
  /** When he was heard of by other ways than his socket. */
  toldAtMs = NEVER
  /** Whether he is somewhere else than the index has him. */
  hasMoved = false
  /** When he was written to the index last, and when he had been heard of then. */
  addedAtMs = NEVER
  addedHeardAtMs = NEVER
  /** When he had been heard of as he was stored last. */
  storedHeardAtMs = NEVER
  storedAtMs = NEVER
  /** When the database was asked for his ride, and for everything. */
  rideReadAtMs = NEVER
  standingReadAtMs = NEVER
  /** One more with each word about him, so that an answer that is older than one is not believed. */
  version = 0

  constructor(id: string) {
    this.id = id
  }

  get heardAtMs(): number {
    return Math.max(this.toldAtMs, this.pulse?.heardAtMs ?? NEVER)
  }

  /** He has to be written to the index as if he never had been. */
  forgetAdded(): void {
    this.hasMoved = true
    this.addedAtMs = NEVER
    this.addedHeardAtMs = NEVER
  }
}
