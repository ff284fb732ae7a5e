import { describe, expect, it } from 'vitest'
import { CAIRO } from './city.ts'
import { demandOf } from './demand.ts'
import { fleetOf } from './driver-model.ts'
import { type Evidence, figuresOf } from './figures.ts'
import { randomOf } from './random.ts'
import { pageOf } from './report/page.ts'
import {
  type DriverRecord,
  newDriverRecord,
  newRideRecord,
  type RideEnd,
  type RideRecord,
  type Work,
} from './ride-record.ts'
import type { Outcome } from './run.ts'

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

const evidence: Evidence = {
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

describe('the figures of a simulation', () => {
  const figures = figuresOf(evidence)

  it('count as served what was driven, and leave out who changed his mind or waited at the end', () => {
    expect(figures).toMatchObject({ requests: 6, served: 2, unserved: 2, servedPercent: 50, reassigned: 0 })
    expect(figures.ends).toEqual({ completed: 2, impatient: 1, changed_mind: 1, closed: 1, no_drivers: 1 })
  })

  it('know nothing of what came after the city closed', () => {
    expect(figures.pickupMeters).toMatchObject({ count: 2, mean: 2_000, worst: 3_000 })
    expect(figures.pickupSeconds).toMatchObject({ count: 2, mean: 180, worst: 240 })
    expect(figures.matchSeconds).toMatchObject({ count: 3, mean: 20, worst: 30 })
    expect(figures.waitSeconds).toMatchObject({ count: 1, mean: 130 })
    expect(figures.fairness).toMatchObject({ busyPercent: 12.5, ridesMost: 2, ridesLeast: 0, busyGini: 0.75 })
    expect(figures.fairness.lorenz.at(-1)).toEqual({ drivers: 1, work: 1 })
  })

  it('say of an empty city that there is nothing to say', () => {
    const nothing = { perTrip: [], byState: {} }
    const none = figuresOf({ rides: [], drivers: [], offers: nothing, timeline: [], closedAtMs: 0 })
    expect(none).toMatchObject({ requests: 0, servedPercent: 0, pickupMeters: null, offersPerTrip: null })
  })
})

describe('the report', () => {
  const outcome = (figures = figuresOf(evidence)): Outcome => ({
    ...{ rides: evidence.rides, drivers: evidence.drivers, figures, wallSeconds: 101.234 },
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
  })

  it('is one page that needs nothing from elsewhere and shows no text as markup', () => {
    const page = pageOf(outcome())
    expect(page).not.toMatch(/https?:|src=|@import|url\(/)
    expect(page).not.toContain('<script>')
    expect(page).toContain('seed &#60;1&#62;')
    expect(page).toContain('trip-4: pending &#38; &#34;lost&#34;')
    expect(page).toContain('broken')
    expect(page.match(/<svg /g)).toHaveLength(8)
    expect(page).not.toMatch(/NaN|undefined|Infinity|\[object/)
    for (const tag of ['svg', 'table', 'figure', 'div', 'tr', 'td'])
      expect(page.match(new RegExp(`<${tag}[ >]`, 'g'))?.length).toBe(
        page.match(new RegExp(`</${tag}>`, 'g'))?.length,
      )
  })

  it('is written of an empty city, too', () => {
    const nothing = { perTrip: [], byState: {} }
    const empty = figuresOf({ rides: [], drivers: [], offers: nothing, timeline: [], closedAtMs: 0 })
    expect(pageOf(outcome(empty))).not.toMatch(/NaN|undefined|Infinity/)
  })
})
