/** The driver pool's times. Milliseconds. */
export interface PoolTempo {
  /** The index has one key for each span of so long, and a search reads the newest two. The same in all processes. */
  readonly bucketMs: number
  /** Between two writes to the index. */
  readonly flushMs: number
  /** Who was written so long ago is written again, so that he is always in one of the newest two buckets. */
  readonly againMs: number
  /** Who was not heard of for so long is not found, and is not written any more. */
  readonly staleMs: number
  /** How often a driver's position goes to the database. */
  readonly storeMs: number
  /** How long it is believed that a driver is on no ride, or on which one. */
  readonly rideMs: number
  /** How long everything else is believed that the database says of him. */
  readonly standingMs: number
  /** Between two looks at who has to be stored or read. */
  readonly turnMs: number
}

/**
 * A phone that waits is asked after five seconds of silence (the heartbeat's `silenceMs`), and has about five to answer. Somebody who lives is
 * written again before the bucket that he is in is no longer searched.
 */
export const POOL_TEMPO: PoolTempo = {
  bucketMs: 5_000,
  flushMs: 500,
  againMs: 4_000,
  staleMs: 10_000,
  storeMs: 8_000,
  rideMs: 3_000,
  standingMs: 30_000,
  turnMs: 1_000,
}
