type Range = readonly [min: number, max: number]

/** How far each number of dispatch may go, in the environment and in the rules file. */
export const DISPATCH_LIMITS = {
  radiusKm: [0.1, 100],
  maxDrivers: [1, 100],
  // Whoever waits for longer has taken another car.
  matchTimeoutSeconds: [5, 3_600],
  noDriversSeconds: [1, 3_600],
  // A phone needs a second or two to show it and to answer.
  offerSeconds: [3, 600],
  biddingSeconds: [5, 3_600],
  windowMs: [200, 30_000],
  retryMs: [200, 60_000],
  weight: [0, 3_600],
  roadFactor: [1, 10],
  speedKmh: [1, 200],
  feeAfterSeconds: [0, 86_400],
  feeMinor: [1, 1_000_000_000],
} as const satisfies Record<string, Range>

/** Steps of a search's radius. */
export const MAX_RADII = 10
export const MAX_ZONES = 1_000
export const MAX_CATEGORIES = 50
export const MAX_NEIGHBOURS = 20
