import { setTimeout as sleep } from 'node:timers/promises'
import { CommandError, type Commands } from '../../client/client.ts'
import { type Journey, journeyOf, type Point, roadMeters } from '../city.ts'
import type { Random } from '../random.ts'
import type { RideRecord, Work } from '../ride-record.ts'
import type { Driver } from './driver.ts'

export interface TakenRide {
  readonly rideId: string
  /** Its rider's. */
  readonly record: RideRecord
}

/** Until the passenger sits, on the city's clock. */
const BOARDING_MEAN_MS = 40_000
/** So long, by the wall's clock, a rider looks for the code on his phone. */
const CODE_WAIT_MS = 3_000
const CODE_POLL_MS = 50
/** A command's own tries take half a minute; a service that is killed and started anew may take longer. */
const TRIES = 3

/** One ride, from the acceptance to its end. */
export class RideJob {
  /** The way that he is on. */
  journey: Journey
  isRiding = false
  readonly #driver: Driver
  readonly #ride: TakenRide
  readonly #random: Random
  readonly #work: Work
  readonly #off = new AbortController()

  constructor(driver: Driver, ride: TakenRide, random: Random) {
    const { clock } = driver.town
    const { pickup } = ride.record.request
    this.#driver = driver
    this.#ride = ride
    this.#random = random
    this.journey = this.#wayTo(driver.point, pickup)
    this.#work = {
      ...{ rideId: ride.rideId, takenAtMs: clock.nowMs(), pickupMeters: roadMeters(driver.point, pickup) },
      pickupMs: this.journey.endMs - this.journey.startMs,
      ...{ arrivedAtMs: null, startedAtMs: null, endedAtMs: null, how: 'under_way', isAfterClosing: false },
    }
    driver.record.works.push(this.#work)
  }

  isOf(rideId: string): boolean {
    return this.#ride.rideId === rideId
  }

  /** Others have ended it. */
  callOff(): void {
    this.#off.abort()
  }

  /** Never rejects. Resolves when he is free again. */
  async run(): Promise<void> {
    const { clock } = this.#driver.town
    try {
      this.#work.how = await this.#drive()
    } catch (error) {
      const isGone =
        this.#off.signal.aborted || (error instanceof CommandError && error.outcome === 'refused')
      this.#work.how = isGone ? 'gone' : 'lost'
      if (!this.#off.signal.aborted) this.#driver.trouble(error)
    }
    this.#work.endedAtMs = clock.nowMs()
    this.#work.isAfterClosing = clock.isClosed
    this.#stand()
  }

  async #drive(): Promise<'completed' | 'gave_up' | 'gone'> {
    const { clock } = this.#driver.town
    const { pickup, destination } = this.#ride.record.request
    if (!(await this.#approach())) return this.#off.signal.aborted ? 'gone' : this.#giveUp()
    if (!(await this.#say('driver:arrived'))) return 'gone'
    this.#work.arrivedAtMs = clock.nowMs()
    if (!(await clock.pause(this.#random.exponential(BOARDING_MEAN_MS), this.#off.signal))) return 'gone'
    await this.#askCode()
    if (!(await this.#say('ride:start', { otp: this.#ride.record.otp }))) return 'gone'
    this.#work.startedAtMs = clock.nowMs()
    this.isRiding = true
    this.journey = this.#wayTo(pickup, destination)
    if (!(await clock.pauseUntil(this.journey.endMs, this.#off.signal))) return 'gone'
    return (await this.#say('ride:complete')) ? 'completed' : 'gone'
  }

  /** False: he did not get there. */
  async #approach(): Promise<boolean> {
    const { town, plan } = this.#driver
    const { startMs, endMs } = this.journey
    const givesUpAtMs = this.#random.chance(plan.givesUp) ? this.#random.between(startMs, endMs) : null
    const isThere = await town.clock.pauseUntil(givesUpAtMs ?? endMs, this.#off.signal)
    return isThere && (givesUpAtMs === null || town.clock.isClosed)
  }

  async #giveUp(): Promise<'gave_up' | 'gone'> {
    return (await this.#say('ride:cancel', { reason: 'driver_gave_up' })) ? 'gave_up' : 'gone'
  }

  /** Until it is answered; false where the ride is over meanwhile. */
  async #say<Event extends 'driver:arrived' | 'ride:start' | 'ride:complete' | 'ride:cancel'>(
    event: Event,
    more: Omit<Commands[Event], 'rideId'> = {} as Omit<Commands[Event], 'rideId'>,
  ): Promise<boolean> {
    const { rideId } = this.#ride
    let id: string | undefined
    for (let turn = 1; ; turn += 1) {
      if (this.#off.signal.aborted) return false
      try {
        const command = { rideId, ...more } as Commands[Event]
        await this.#driver.phone.say(event, command, id === undefined ? {} : { id })
        return true
      } catch (error) {
        const mayHelp = error instanceof CommandError && error.outcome === 'unknown'
        if (!mayHelp || turn === TRIES) throw error
        id = error.commandId
      }
    }
  }

  async #askCode(): Promise<void> {
    const untilMs = performance.now() + CODE_WAIT_MS
    while (this.#ride.record.otp === null && performance.now() < untilMs && !this.#off.signal.aborted)
      await sleep(CODE_POLL_MS)
  }

  #wayTo(from: Point, to: Point): Journey {
    const { town, plan } = this.#driver
    return journeyOf(from, to, town.clock.nowMs(), plan.speedKmh)
  }

  /** Where he is now he stays. */
  #stand(): void {
    const { point, town, plan } = this.#driver
    this.journey = journeyOf(point, point, town.clock.nowMs(), plan.speedKmh)
  }
}
