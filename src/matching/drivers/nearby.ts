/** Degrees. */
export interface Position {
  readonly latitude: number
  readonly longitude: number
}

/** Where to look for drivers. */
export interface NearbyQuery {
  /** The trip's zone and its neighbours. */
  readonly zoneIds: readonly string[]
  readonly category: string
  readonly center: Position
  /** Ascending; the search ends with the first radius that has `limit` drivers, or with the last. */
  readonly radiiMeters: readonly number[]
  readonly limit: number
}

/** A driver who works, and was heard of a moment ago. */
export interface NearbyDriver {
  readonly driverId: string
  readonly zoneId: string
  readonly position: Position
  /** As the crow flies. */
  readonly straightMeters: number
  /** How long ago he was heard of, at most. */
  readonly ageMs: number
}

export interface NearbyDrivers {
  /**
   * The nearest drivers, the nearest first, each once, where he was last. A hint: whether one may be asked is for the database to
   * say. Asks Redis, and MySQL where that does not answer; rejects where neither does.
   */
  search(query: NearbyQuery): Promise<readonly NearbyDriver[]>
}
