/** The times of presence, in milliseconds; what they bound is measured on the database's clock. */
export interface PresenceTempo {
  /** How long a process counts as alive after it last said so. */
  readonly leaseMs: number
  /** On average between two renewals; a turn waits half to one and a half of it. */
  readonly renewMs: number
  /** The longest gap between two renewals that counts as steady; see presence-sweep.ts. */
  readonly steadyGapMs: number
  /** How long a driver without a socket is waited for. */
  readonly graceMs: number
  /** On average between two looks for leases and graces that are over. */
  readonly sweepMs: number
  /** On average between two comparisons of this process's sockets with what the database says of them. */
  readonly checkMs: number
}

/**
 * A kill -9 is noticed after 5 s at most and acted on 1.2 s later at most, so within the 7 s that are promised. Of a lease's 5 s a
 * gap may take 3.5: whoever was held up by the same database then still had 1.5 s to renew.
 */
export const PRESENCE_TEMPO: PresenceTempo = {
  leaseMs: 5_000,
  renewMs: 1_200,
  steadyGapMs: 3_500,
  graceMs: 30_000,
  sweepMs: 800,
  checkMs: 2_000,
}
