import { CAIRO } from '../../simulation/city.ts'
import { demandOf } from '../../simulation/demand.ts'
import { fleetOf } from '../../simulation/driver-model.ts'
import { type Evidence, figuresOf } from '../../simulation/figures.ts'
import { randomOf } from '../../simulation/random.ts'
import {
  type DriverRecord,
  newDriverRecord,
  newRideRecord,
  type RideEnd,
  type RideRecord,
  type Work,
} from '../../simulation/ride-record.ts'
import type { Outcome } from '../../simulation/run.ts'

const CLOSED_MS = 600_000
const requests = demandOf({ city: CAIRO, perMinute: 30, minutes: 10, random: randomOf(1) })
const plans = fleetOf({ city: CAIRO, drivers: 4, minutes: 10, random: randomOf(1) })

function ride(
  index: number,
  how: RideEnd,
  matchedAfterMs: number | null,
  arrivedAfterMs: number | null,
): RideRecord {
  const request = requests[index]
  if (request === undefined) throw new Error('too few requests')
  const record = newRideRecord(request)
  record.rideId = `trip-${index}`
  record.askedAtMs = 10_000
  if (matchedAfterMs !== null)
    record.matches.push({
      driverId: 'driver-0001',
      atMs: 10_000 + matchedAfterMs,
      arrivedAtMs: arrivedAfterMs === null ? null : 10_000 + arrivedAfterMs,
    })
  record.end = { how, atMs: 500_000, isAfterClosing: false }
  return record
}

function driver(index: number, works: readonly Partial<Work>[]): DriverRecord {
  const plan = plans[index]
  if (plan === undefined) throw new Error('too few drivers')
  const record = newDriverRecord(plan)
  const blank: Work = {
    ...{
      rideId: 'trip',
      takenAtMs: 0,
      pickupMeters: 0,
      pickupMs: 0,
      arrivedAtMs: null,
      startedAtMs: null,
      endedAtMs: null,
    },
    ...{ how: 'completed', isAfterClosing: false },
  }
  record.works.push(...works.map((work) => ({ ...blank, ...work })))
  return record
}

/** Six requests and four drivers. */
export const EVENING: Evidence = {
  rides: [
    ride(0, 'completed', 10_000, 130_000),
    ride(1, 'completed', 20_000, CLOSED_MS),
    ride(2, 'impatient', null, null),
    ride(3, 'changed_mind', 30_000, null),
    ride(4, 'closed', null, null),
    ride(5, 'no_drivers', null, null),
  ],
  drivers: [
    driver(0, [
      { rideId: 'trip-0', takenAtMs: 20_000, pickupMeters: 1_000, arrivedAtMs: 140_000, endedAtMs: 220_000 },
      {
        takenAtMs: 500_000,
        pickupMeters: 3_000,
        pickupMs: 240_000,
        arrivedAtMs: 650_000,
        endedAtMs: 900_000,
      },
    ]),
    driver(1, [{ takenAtMs: 610_000, pickupMeters: 9_000 }]),
    driver(2, []),
    driver(3, []),
  ],
  offers: { perTrip: [1, 2, 3, 1, 0, 5], byState: { accepted: 3, expired: 9 } },
  timeline: [
    { atMs: 0, waiting: 0, idle: 4, toPickup: 0, riding: 0, away: 0 },
    { atMs: 300_000, waiting: 2, idle: 2, toPickup: 1, riding: 1, away: 0 },
    { atMs: CLOSED_MS, waiting: 1, idle: 1, toPickup: 1, riding: 1, away: 1 },
  ],
  closedAtMs: CLOSED_MS,
}

/** What the simulator would say of it: one invariant is broken, and some texts look like markup. */
export function outcomeOf(figures = figuresOf(EVENING)): Outcome {
  return {
    ...{ rides: EVENING.rides, drivers: EVENING.drivers, figures, wallSeconds: 101.234 },
    options: {
      ...{
        drivers: 4,
        requests: 30,
        minutes: 10,
        policy: 'batch',
        seed: '<1>',
        speed: 6,
        processes: 2,
        out: null,
      },
    },
    invariants: [
      { title: 'No driver had two trips at once', holds: true, seen: '3', broken: [] },
      { title: 'Every trip has ended', holds: false, seen: '6', broken: ['trip-4: pending & "lost"'] },
    ],
    ...{ serviceWords: [], troubles: ['driver-0001: <script>alert(1)</script>'] },
  }
}
