import { CommandError } from '../../client/client.ts'
import { positionOf } from '../city.ts'
import type { RideRequest } from '../demand.ts'
import { newRideRecord, RIDE_ENDS, type RideEnd, type RideRecord } from '../ride-record.ts'
import { Phone } from './phone.ts'
import { CATEGORY, CURRENCY, type Town, ZONE } from './town.ts'

/** So long a rider looks at bids before he takes the cheapest, on the city's clock. */
const CHOOSING_MS = 15_000

interface Bid {
  readonly bidId: string
  readonly amountMinor: number
}

/** Somebody who wants a ride: asks, waits, and rides, or gives up. */
export class Rider {
  readonly record: RideRecord
  readonly #town: Town
  readonly #phone: Phone
  /** Called off when a driver is found, and begun anew when he leaves. */
  #waiting = new AbortController()
  readonly #over = new AbortController()
  #bids: Bid[] = []
  #isChoosing = false

  constructor(town: Town, request: RideRequest) {
    this.#town = town
    this.record = newRideRecord(request)
    this.#phone = new Phone(town, request.riderId, 'customer', request.index)
  }

  /** Resolves when his request is over, whatever came of it. Never rejects. */
  async run(): Promise<void> {
    const { clock } = this.#town
    this.#listen()
    this.#phone.client.connect()
    const over = new Promise<void>((resolve) => this.#over.signal.addEventListener('abort', () => resolve()))
    const deadline = clock.isClosed ? this.#end('closed') : this.#ask()
    await Promise.all([over, deadline])
    this.#waiting.abort()
    await this.#phone.close()
  }

  async #ask(): Promise<void> {
    const { city, clock, rides } = this.#town
    const { pickup, destination, estimatedFareMinor } = this.record.request
    this.record.askedAtMs = clock.nowMs()
    try {
      const ride = await this.#phone.say('ride:request', {
        ...{
          category: CATEGORY,
          zoneId: ZONE,
          estimatedFareMinor,
          currency: CURRENCY,
          paymentMethod: 'cash',
        },
        ...{ pickup: positionOf(city, pickup), destination: positionOf(city, destination) },
      })
      this.record.rideId = String(ride.rideId)
      rides.set(this.record.rideId, this.record)
    } catch (error) {
      return this.#end('refused', error)
    }
    void this.#beImpatient()
  }

  #listen(): void {
    const { client } = this.#phone
    const { record } = this
    const nowMs = () => this.#town.clock.nowMs()
    client.on('ride:driver_assigned', ({ driverId }) => driverId !== null && this.#matched(driverId))
    client.on('ride:driver_details', ({ otp }) => {
      record.otp = otp
    })
    client.on('ride:driver_arrived', () => {
      const match = record.matches.at(-1)
      if (match !== undefined) match.arrivedAtMs ??= nowMs()
    })
    client.on('ride:started', () => {
      record.startedAtMs = nowMs()
    })
    client.on('ride:completed', () => this.#end('completed'))
    client.on('ride:no_drivers', () => this.#end('no_drivers'))
    client.on('ride:timeout', () => this.#end('timed_out'))
    client.on('ride:cancelled', ({ reason }) => this.#cancelled(reason))
    client.on('ride:redispatched', () => this.#lostDriver())
    client.on('bid:new', (bid) => this.#heardBid(bid))
  }

  #matched(driverId: string): void {
    this.#waiting.abort()
    this.record.isWaiting = false
    this.record.matches.push({ driverId, atMs: this.#town.clock.nowMs(), arrivedAtMs: null })
    void this.#changeMind()
  }

  /** His driver gave the ride up, and another one is looked for. */
  #lostDriver(): void {
    if (this.record.end !== null || !this.#waiting.signal.aborted) return
    this.#waiting = new AbortController()
    this.#bids = []
    this.record.otp = null
    void this.#beImpatient()
  }

  async #beImpatient(): Promise<void> {
    const { clock } = this.#town
    const { signal } = this.#waiting
    this.record.isWaiting = true
    if (!(await clock.pause(this.record.request.patienceMs, signal))) return
    await this.#cancel(clock.isClosed ? 'closed' : 'impatient')
  }

  async #changeMind(): Promise<void> {
    const { clock } = this.#town
    const { regretMs } = this.record.request
    if (regretMs === null || !(await clock.pause(regretMs, this.#over.signal))) return
    if (!clock.isClosed && this.record.startedAtMs === null) await this.#cancel('changed_mind')
  }

  /** Where it is too late for that he rides. */
  async #cancel(reason: 'closed' | 'impatient' | 'changed_mind'): Promise<void> {
    const { rideId, end } = this.record
    if (rideId === null || end !== null) return
    try {
      await this.#phone.say('ride:cancel', { rideId, reason })
      this.#end(reason)
    } catch (error) {
      if (!(error instanceof CommandError) || error.outcome !== 'refused') this.#end('cancelled', error)
    }
  }

  #heardBid(bid: Bid): void {
    this.#bids.push(bid)
    if (this.#isChoosing) return
    this.#isChoosing = true
    void this.#choose().finally(() => {
      this.#isChoosing = false
    })
  }

  /** The cheapest that is still to be had. */
  async #choose(): Promise<void> {
    const { rideId } = this.record
    if (rideId === null || !(await this.#town.clock.pause(CHOOSING_MS, this.#waiting.signal))) return
    for (;;) {
      const cheapest = this.#bids.toSorted((a, b) => a.amountMinor - b.amountMinor)[0]
      if (cheapest === undefined || this.#waiting.signal.aborted || this.record.end !== null) return
      this.#bids = this.#bids.filter((bid) => bid !== cheapest)
      try {
        await this.#phone.say('bid:accept', { rideId, bidId: cheapest.bidId })
        return
      } catch {
        // Withdrawn, or its driver is taken: the next one.
      }
    }
  }

  #cancelled(reason: string | null): void {
    this.#end(RIDE_ENDS.find((how) => how === reason) ?? 'cancelled')
  }

  #end(how: RideEnd, error?: unknown): void {
    if (this.record.end !== null) return
    const { clock } = this.#town
    this.record.isWaiting = false
    this.record.end = { how, atMs: clock.nowMs(), isAfterClosing: clock.isClosed }
    if (error !== undefined) this.record.trouble = error instanceof Error ? error.message : String(error)
    this.#over.abort()
  }
}
