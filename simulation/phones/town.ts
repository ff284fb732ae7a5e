import type { DispatchPolicy } from '../../src/matching/trips/trip.ts'
import type { City } from '../city.ts'
import type { CityClock } from '../city-clock.ts'
import type { Random } from '../random.ts'
import type { RideRecord } from '../ride-record.ts'

/** What everybody in the simulated city shares. */
export interface Town {
  readonly city: City
  readonly clock: CityClock
  readonly random: Random
  readonly policy: DispatchPolicy
  /** Where the processes of the service listen. */
  readonly ports: readonly number[]
  readonly jwtSecret: string
  /** By ride: the rider tells his driver the code when they meet. */
  readonly rides: Map<string, RideRecord>
}

/** The one zone and category of the city. */
export const ZONE = 'cairo'
export const CATEGORY = 'car'
export const CURRENCY = 'EGP'
