import { headingOf, type Journey, type Point, pointAt, positionOf } from '../city.ts'
import type { DriverPlan, Outage } from '../driver-model.ts'
import type { Random } from '../random.ts'
import { type DriverRecord, newDriverRecord } from '../ride-record.ts'
import { OfferBook } from './offer-book.ts'
import { Phone } from './phone.ts'
import { RideJob, type TakenRide } from './ride-job.ts'
import { CATEGORY, type Town, ZONE } from './town.ts'
import { Wandering } from './wandering.ts'

/** What a driver is doing, for whoever looks at the city. */
export type Doing = 'away' | 'idle' | 'to_pickup' | 'riding'

/** A driver at work: wanders, answers offers, drives riders, and has a phone that is not always there. */
export class Driver {
  readonly plan: DriverPlan
  readonly record: DriverRecord
  readonly phone: Phone
  readonly town: Town
  readonly #random: Random
  readonly #offers: OfferBook
  readonly #rests = new AbortController()
  /** Rides that he has heard of as his, so that he drives each once. */
  readonly #known = new Set<string>()
  #wandering: Wandering
  #job: RideJob | null = null
  #isOnBreak = true
  #isRested = true

  constructor(town: Town, plan: DriverPlan) {
    this.town = town
    this.plan = plan
    this.record = newDriverRecord(plan)
    this.phone = new Phone(town, plan.driverId, 'driver', plan.index)
    this.#random = town.random.split('driver', plan.index)
    this.#wandering = this.#wanderFrom(plan.start, 0)
    this.#offers = new OfferBook(this, this.#random.split('offers'))
  }

  /** Connects and begins to work. Rejects where he cannot. */
  async begin(): Promise<void> {
    const { client } = this.phone
    client.onError((error) => this.trouble(error))
    client.on('ready', ({ snapshot }) => {
      if (snapshot.driver?.isOnline === false) void this.#workAgain()
      const { trip } = snapshot
      if (trip?.driverId === this.plan.driverId && trip.state === 'accepted') this.given(trip.rideId)
    })
    client.on('ride:driver_assigned', ({ rideId, driverId }) => {
      if (driverId === this.plan.driverId) this.given(rideId)
    })
    for (const event of ['ride:cancelled', 'ride:redispatched'] as const)
      client.on(event, ({ rideId }) => this.#job?.isOf(rideId) && this.#job.callOff())
    this.#offers.listen(client)
    client.connect()
    await client.opened()
    await this.#work()
  }

  /** From now on the city's clock runs, and his phone is not always there. */
  live(): void {
    void this.#haveOutages()
  }

  get isFree(): boolean {
    return this.#job === null && !this.#isOnBreak && !this.town.clock.isClosed
  }

  get doing(): Doing {
    if (this.#job !== null) return this.#job.isRiding ? 'riding' : 'to_pickup'
    return this.#isOnBreak || !this.phone.isHeard ? 'away' : 'idle'
  }

  get point(): Point {
    const nowMs = this.town.clock.nowMs()
    return pointAt(this.#journeyAt(nowMs), nowMs)
  }

  /** Says where he is, if anybody would hear it. At most once a second. */
  tellPosition(): void {
    if (!this.phone.isHeard || this.#isOnBreak) return
    const nowMs = this.town.clock.nowMs()
    const journey = this.#journeyAt(nowMs)
    const isMoving = journey.startMs <= nowMs && nowMs < journey.endMs
    this.phone.client.tell('driver:location', {
      ...positionOf(this.town.city, pointAt(journey, nowMs)),
      speed: isMoving ? this.plan.speedKmh / 3.6 : 0,
      heading: headingOf(journey),
    })
  }

  /** The ride is his: drives it, once, however often he hears of it. */
  given(rideId: string): void {
    if (this.#known.has(rideId)) return
    this.#known.add(rideId)
    if (this.#job !== null) {
      this.record.overlaps.push(rideId)
      return
    }
    const ride = this.#rideOf(rideId)
    if (ride === null) this.trouble(new Error(`given ${rideId}, of which nobody knows`))
    else this.#drive(new RideJob(this, ride, this.#random.split('ride', rideOrdinal(this.record))))
  }

  trouble(error: unknown): void {
    if (this.record.troubles.length < MOST_TROUBLES)
      this.record.troubles.push(error instanceof Error ? error.message : String(error))
  }

  /** Goes home. */
  close(): Promise<void> {
    this.#rests.abort()
    return this.phone.close()
  }

  /** Where the ride begins and ends he reads in what its rider wrote. */
  #rideOf(rideId: string): TakenRide | null {
    const ride = this.town.rides.get(rideId)
    return ride === undefined ? null : { rideId, record: ride }
  }

  #drive(job: RideJob): void {
    this.#job = job
    void job.run().then(() => {
      this.#wandering = this.#wanderFrom(this.point, this.town.clock.nowMs())
      this.#job = null
    })
  }

  #journeyAt(nowMs: number): Journey {
    return this.#job?.journey ?? this.#wandering.journeyAt(nowMs)
  }

  #wanderFrom(point: Point, nowMs: number): Wandering {
    const random = this.#random.split('wandering', this.#known.size)
    return new Wandering(this.town.city, random, this.plan.speedKmh, point, nowMs)
  }

  async #work(): Promise<void> {
    const position = positionOf(this.town.city, this.point)
    await this.phone.say('driver:online', { ...position, category: CATEGORY, zoneId: ZONE })
    this.#isOnBreak = false
  }

  /** He was away for so long that he is taken for gone. */
  async #workAgain(): Promise<void> {
    if (!this.#isRested || this.#isOnBreak) return
    await this.#work().catch((error: unknown) => this.trouble(error))
  }

  async #haveOutages(): Promise<void> {
    const { clock } = this.town
    const { signal } = this.#rests
    for (const outage of this.plan.outages) {
      if (!(await clock.pauseUntil(outage.fromMs, signal)) || clock.isClosed) return
      await this.#have(outage, signal).catch((error: unknown) => this.trouble(error))
    }
  }

  async #have({ kind, toMs }: Outage, signal: AbortSignal): Promise<void> {
    const { clock } = this.town
    if (kind === 'break') {
      // Nobody rests with a passenger on board.
      if (this.#job !== null) return
      this.#isRested = false
      this.#isOnBreak = true
      await this.phone.say('driver:offline', {})
    } else if (kind === 'silent') this.phone.fallSilent()
    else this.phone.breakDown()
    await clock.pauseUntil(toMs, signal)
    this.phone.mend()
    if (kind !== 'break' || clock.isClosed) return
    this.#isRested = true
    await this.#work()
  }
}

const MOST_TROUBLES = 20

function rideOrdinal({ works }: DriverRecord): number {
  return works.length
}
