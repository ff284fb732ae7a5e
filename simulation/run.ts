import { CAIRO } from './city.ts'
import { CityClock } from './city-clock.ts'
import { demandOf, type RideRequest } from './demand.ts'
import { fleetOf } from './driver-model.ts'
import { type Figures, figuresOf, type Moment } from './figures.ts'
import { checkInvariants, type Invariant, type Witnesses } from './invariants.ts'
import { countOffers } from './offer-counts.ts'
import type { SimulationOptions } from './options.ts'
import { Driver } from './phones/driver.ts'
import { Rider } from './phones/rider.ts'
import type { Town } from './phones/town.ts'
import { randomOf } from './random.ts'
import type { DriverRecord, RideRecord } from './ride-record.ts'
import type { Service } from './service/service.ts'
import { type Picture, pictureOf } from './view/picture.ts'

/** Whoever watches the city. */
export interface Watcher {
  /** What is done now. */
  stage(words: string): void
  /** Every second of the wall's clock. */
  show(picture: Picture): void
}

export interface Outcome {
  readonly options: SimulationOptions
  readonly figures: Figures
  readonly invariants: readonly Invariant[]
  readonly rides: readonly RideRecord[]
  readonly drivers: readonly DriverRecord[]
  /** Warnings and errors of the service. */
  readonly serviceWords: readonly string[]
  /** What phones were refused, or not answered, that should have been. */
  readonly troubles: readonly string[]
  readonly wallSeconds: number
}

const MINUTE_MS = 60_000
const LOOK_MS = 1_000
/** A little slower than the service takes positions, so that none is passed over. */
const POSITION_MS = 1_100
const POSITION_PARTS = 10
const CONNECTING_AT_ONCE = 20
/** By the wall's clock: rides end at once then, but hundreds at the same time. */
const CLOSING_MS = 30_000
/** What is left to be done by timers of the service when the last rider is home. */
const SETTLING_MS = 8_000
const SETTLING_POLL_MS = 250

/** Lets the city live for its minutes, closes it, and looks at what was left behind. */
export async function runSimulation(
  options: SimulationOptions,
  service: Service,
  watcher: Watcher,
): Promise<Outcome> {
  const startedMs = performance.now()
  const { minutes, policy } = options
  const town = townOf(options, service)
  const { city, clock, random } = town
  const requests = demandOf({ city, perMinute: options.requests, minutes, random: random.split('demand') })
  const plans = fleetOf({ city, drivers: options.drivers, minutes, random: random.split('fleet') })
  watcher.stage(`${plans.length} drivers go online`)
  const drivers = plans.map((plan) => new Driver(town, plan))
  await inTurns(drivers, CONNECTING_AT_ONCE, (driver) => driver.begin())
  watcher.stage(`${requests.length} requests in ${minutes} minutes of the city, policy ${policy}`)
  const riders: Rider[] = []
  const timeline: Moment[] = []
  const look = () => {
    const picture = pictureOf(town, drivers, riders, minutes * MINUTE_MS)
    timeline.push(picture.moment)
    watcher.show(picture)
  }
  clock.start()
  const stopTelling = tellPositions(drivers)
  const looking = setInterval(look, LOOK_MS)
  for (const driver of drivers) driver.live()
  const asked = await liveThrough(town, requests, minutes, riders)
  look()
  clearInterval(looking)
  const closedAtMs = clock.nowMs()
  watcher.stage('the city closes: who waits goes home, who rides arrives')
  clock.close()
  await within(CLOSING_MS, Promise.all(asked))
  stopTelling()
  const witnesses = {
    rides: riders.map(({ record }) => record),
    drivers: drivers.map(({ record }) => record),
  }
  watcher.stage('the invariants are checked against the database')
  const invariants = await settled(service, witnesses)
  const offers = await countOffers(service.pool)
  await Promise.all(drivers.map((driver) => driver.close()))
  return {
    ...{ options, ...witnesses, invariants },
    figures: figuresOf({ ...witnesses, offers, timeline, closedAtMs }),
    serviceWords: service.processes.flatMap(({ words }) => words),
    troubles: witnesses.drivers.flatMap(({ plan, troubles }) =>
      troubles.map((one) => `${plan.driverId}: ${one}`),
    ),
    wallSeconds: (performance.now() - startedMs) / 1_000,
  }
}

function townOf({ seed, speed, policy }: SimulationOptions, { processes, jwtSecret }: Service): Town {
  return {
    ...{ city: CAIRO, clock: new CityClock(speed), random: randomOf(seed), policy, jwtSecret },
    ...{ ports: processes.map(({ port }) => port), rides: new Map() },
  }
}

/** Lets the riders come at their times. Resolves at the end of the last minute, with what ends when each of them is home. */
async function liveThrough(
  town: Town,
  requests: readonly RideRequest[],
  minutes: number,
  riders: Rider[],
): Promise<readonly Promise<void>[]> {
  const asked: Promise<void>[] = []
  for (const request of requests) {
    await town.clock.pauseUntil(request.atMs)
    const rider = new Rider(town, request)
    riders.push(rider)
    asked.push(rider.run())
  }
  await town.clock.pauseUntil(minutes * MINUTE_MS)
  return asked
}

/** Each driver once a turn, a tenth of them at a time. Returns what ends it. */
function tellPositions(drivers: readonly Driver[]): () => void {
  let part = 0
  const timer = setInterval(() => {
    for (let index = part; index < drivers.length; index += POSITION_PARTS) drivers[index]?.tellPosition()
    part = (part + 1) % POSITION_PARTS
  }, POSITION_MS / POSITION_PARTS)
  return () => clearInterval(timer)
}

/** The invariants, as soon as they hold, and otherwise as they stand when everything should be done. */
async function settled({ pool }: Service, witnesses: Witnesses): Promise<readonly Invariant[]> {
  const endMs = performance.now() + SETTLING_MS
  for (;;) {
    const invariants = await checkInvariants(pool, witnesses)
    if (invariants.every(({ holds }) => holds) || performance.now() > endMs) return invariants
    await new Promise((resolve) => setTimeout(resolve, SETTLING_POLL_MS))
  }
}

async function inTurns<T>(all: readonly T[], atOnce: number, act: (one: T) => Promise<void>): Promise<void> {
  for (let from = 0; from < all.length; from += atOnce)
    await Promise.all(all.slice(from, from + atOnce).map(act))
}

function within(timeoutMs: number, work: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, timeoutMs)
    void work.then(() => {
      clearTimeout(timer)
      resolve()
    })
  })
}
