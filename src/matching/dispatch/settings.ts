import type { DispatchPolicy, Fare } from '../trips/trip.ts'

/** How drivers are found in one zone for one category. Times in milliseconds. */
export interface DispatchSettings {
  readonly policy: DispatchPolicy
  /** Zones whose drivers may be asked, too. */
  readonly neighbours: readonly string[]
  /** Ascending: the search begins with the first and ends with the last. */
  readonly searchRadiiMeters: readonly number[]
  /** How many are asked at once by `broadcast` and `bidding`. */
  readonly maxDrivers: number
  /** How long a driver may think. */
  readonly offerMs: number
  /** How long drivers may bid, and the rider choose. */
  readonly biddingMs: number
  /** Of `batch`: trips and drivers are matched this often. */
  readonly windowMs: number
  /** Until the next try when there was nobody to ask. */
  readonly retryMs: number
  /** Nobody could be asked for so long: `ride:no_drivers`. */
  readonly noDriversMs: number
  /** Nobody took it for so long: `ride:timeout`. */
  readonly matchTimeoutMs: number
  readonly weights: DispatchWeights
  readonly route: RouteSettings
  /** What a rider owes who cancels late; null: nothing. */
  readonly cancellationFee: CancellationFeeSettings | null
}

/** What counts beside the time to the pickup, each in seconds of it. */
export interface DispatchWeights {
  /** Added to who accepts nothing; half of it to who accepts every second offer. */
  readonly declines: number
  /** Added to who has just ended a ride; half of it to who has waited for half an hour, nothing after an hour. */
  readonly idle: number
  /** Added for each second since the driver was heard of. */
  readonly age: number
  /** Taken, by `batch`, for each second that the trip has waited, so that no trip starves. */
  readonly wait: number
}

/** The default estimator: straight line × `roadFactor` at `speedKmh`. */
export interface RouteSettings {
  readonly roadFactor: number
  readonly speedKmh: number
}

export interface CancellationFeeSettings {
  /** Since the acceptance; before that nothing is owed. */
  readonly afterMs: number
  readonly fee: Fare
}

/** The settings of every zone and category. */
export interface DispatchRules {
  /** Never throws: what is not named has the defaults. */
  settingsOf(zoneId: string | null, category: string): DispatchSettings
}

export const DEFAULT_SETTINGS: DispatchSettings = {
  policy: 'broadcast',
  neighbours: [],
  searchRadiiMeters: [1_000, 2_000, 4_000, 7_000, 10_000],
  maxDrivers: 10,
  offerMs: 15_000,
  biddingMs: 60_000,
  windowMs: 2_000,
  retryMs: 2_000,
  noDriversMs: 60_000,
  matchTimeoutMs: 120_000,
  weights: { declines: 60, idle: 30, age: 1, wait: 2 },
  route: { roadFactor: 1.3, speedKmh: 25 },
  cancellationFee: null,
}

/** Everywhere the same. */
export const DEFAULT_RULES: DispatchRules = { settingsOf: () => DEFAULT_SETTINGS }
