import { type Reading, readAtOneMoment } from '../../db/moment.ts'
import type { CommandPool } from '../../db/pools.ts'
import { type FeedStanding, feedStandings } from '../feed/acks.ts'
import type { Bid } from '../matching/bids/bid.ts'
import { bidJson } from '../matching/bids/json.ts'
import { liveBids } from '../matching/bids/live-bids.ts'
import { type DriverDuty, driverDuties } from '../matching/drivers/driver-store.ts'
import { type LiveOffer, liveOffers } from '../matching/offers/live-offers.ts'
import { type OpenTrip, openTripIds, openTrips, type TripSide } from '../matching/trips/open-trips.ts'
import { type PaymentStanding, paymentsOfTrips, recentPayments } from '../payments/recent-payments.ts'
import type { TokenUser, UserType } from './door/token.ts'
import { withoutLate } from './late.ts'
import type { Snapshot } from './protocol/snapshot.ts'

/** Whom it is about: what a greeting needs to know of him. */
export type Greeted = Pick<TokenUser, 'userId' | 'userType'>

/** What a connection begins with: all of one moment. */
export interface Greeting {
  /** The number of the user's last message: all that it and those before it tell is in the snapshot, and nothing later. */
  readonly head: number
  /** How far of the feed the user's clients have acknowledged. */
  readonly acked: number
  readonly snapshot: Snapshot
}

export interface GreeterOptions {
  readonly pool: CommandPool
}

interface Question {
  readonly user: Greeted
  readonly askedAtMs: number
  readonly resolve: (greeting: Greeting) => void
  readonly reject: (error: unknown) => void
}

/** Users in one round trip. Above some dozens a longer list saves little more. */
const MAX_USERS = 200
/** While so many are answered, those who come wait together for the next: a reconnection of thousands takes no more connections. */
const MAX_READS = 4
/**
 * Beside a read in hand another one begins only for so many: together they cost a few microseconds each, and one alone as much as
 * twenty of them. Who waits for his company waits some milliseconds.
 */
const COMPANY = 50
/** A client gives a handshake some seconds; whoever was not greeted by then tries again. */
const READ_TIMEOUT_MS = 5_000

/**
 * Greets users. Those who connect at the same moment, or while others are being greeted, share one round trip and one
 * snapshot of the database.
 */
export class Greeter {
  readonly #pool: CommandPool
  readonly #waiting: Question[] = []
  #reads = 0
  #scheduled = false

  constructor({ pool }: GreeterOptions) {
    this.#pool = pool
  }

  /**
   * How things stand with the user at some moment after this call: head, acknowledged number and snapshot of the very same one.
   * Waits for no transaction. Throws what the database throws, and a StatementTimeout after five seconds of reading, or of waiting
   * behind reads that are not answered.
   */
  read(user: Greeted): Promise<Greeting> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ user, askedAtMs: performance.now(), resolve, reject })
      this.#schedule()
    })
  }

  /** At the end of this turn of the event loop, when all that came with him have asked. */
  #schedule(): void {
    if (this.#scheduled || !this.#isTime) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      while (this.#isTime) void this.#answer()
    })
  }

  get #isTime(): boolean {
    const waiting = this.#waiting.length
    if (this.#reads === 0) return waiting > 0
    return this.#reads < MAX_READS && waiting >= COMPANY
  }

  /** Never rejects: whoever asked is told. */
  async #answer(): Promise<void> {
    const questions = withoutLate(this.#waiting.splice(0, MAX_USERS), 'greet', READ_TIMEOUT_MS)
    if (questions.length === 0) return
    this.#reads += 1
    try {
      const greet = await readGreetings(
        this.#pool,
        questions.map(({ user }) => user),
      )
      for (const { user, resolve } of questions) resolve(greet(user))
    } catch (error) {
      for (const { reject } of questions) reject(error)
    } finally {
      this.#reads -= 1
      this.#schedule()
    }
  }
}

const NO_FEED: FeedStanding = { head: 0, acked: 0 }
/** Nobody has written that he works. */
const OFF_DUTY = { isOnline: false, availability: null }

async function readGreetings(
  pool: CommandPool,
  users: readonly Greeted[],
): Promise<(user: Greeted) => Greeting> {
  const customers = idsOf(users, 'customer')
  const drivers = idsOf(users, 'driver')
  const [feeds, offers, duties, bids, chosenFrom, ...sides] = await readAtOneMoment(
    pool,
    'greet',
    READ_TIMEOUT_MS,
    [
      feedStandings([...new Set(users.map(({ userId }) => userId))]),
      drivers.length === 0 ? null : liveOffers(drivers),
      drivers.length === 0 ? null : driverDuties(drivers),
      drivers.length === 0 ? null : liveBids('driver', drivers),
      customers.length === 0 ? null : liveBids('customer', customers),
      ...readingsOf('customer_id', customers),
      ...readingsOf('driver_id', drivers),
    ],
  )
  const [trips, payments, ofTrips, driverTrips, driverPayments, driverTripPayments] = sides
  const standings: Readonly<Record<UserType, Standings>> = {
    customer: { ...NO_STANDINGS, trips, payments, ofTrips, bids: chosenFrom },
    driver: {
      ...{ trips: driverTrips, payments: driverPayments, ofTrips: driverTripPayments },
      ...{ offers, bids, duties },
    },
    admin: NO_STANDINGS,
  }
  return ({ userId, userType }) => ({
    ...(feeds.get(userId) ?? NO_FEED),
    snapshot: snapshotOf(userId, standings[userType]),
  })
}

function idsOf(users: readonly Greeted[], type: UserType): string[] {
  return [...new Set(users.filter(({ userType }) => userType === type).map(({ userId }) => userId))]
}

/** Of nobody, nothing is asked. */
function readingsOf(
  side: TripSide,
  userIds: readonly string[],
): [
  Reading<Map<string, OpenTrip>> | null,
  Reading<Map<string, PaymentStanding[]>> | null,
  Reading<Map<string, PaymentStanding[]>> | null,
] {
  if (userIds.length === 0) return [null, null, null]
  return [
    openTrips(side, userIds),
    recentPayments(side, userIds),
    paymentsOfTrips(openTripIds(side, userIds)),
  ]
}

/** What was read of all users of one kind; null where there was none of them. */
interface Standings {
  readonly trips: ReadonlyMap<string, OpenTrip> | null
  readonly payments: ReadonlyMap<string, PaymentStanding[]> | null
  /** By the trip's id. */
  readonly ofTrips: ReadonlyMap<string, PaymentStanding[]> | null
  readonly offers: ReadonlyMap<string, LiveOffer[]> | null
  /** Those that a rider may choose from, or the driver's own. */
  readonly bids: ReadonlyMap<string, Bid[]> | null
  readonly duties: ReadonlyMap<string, DriverDuty> | null
}

const NO_STANDINGS: Standings = {
  ...{ trips: null, payments: null, ofTrips: null },
  ...{ offers: null, bids: null, duties: null },
}

function snapshotOf(userId: string, standings: Standings): Snapshot {
  const { trips, payments, ofTrips, offers, bids, duties } = standings
  const trip = trips?.get(userId) ?? null
  const ofTrip = trip === null ? [] : (ofTrips?.get(trip.rideId) ?? [])
  return {
    trip,
    offers: offers?.get(userId) ?? [],
    bids: (bids?.get(userId) ?? []).map(bidJson),
    payments: merged(ofTrip, payments?.get(userId) ?? []),
    ...(duties === null ? {} : { driver: duties.get(userId) ?? OFF_DUTY }),
  }
}

/** Both are the newest first, by their ids, which ascend with time. */
function merged(ofTrip: readonly PaymentStanding[], recent: PaymentStanding[]): PaymentStanding[] {
  if (ofTrip.length === 0) return recent
  const known = new Set(recent.map(({ paymentId }) => paymentId))
  const others = ofTrip.filter(({ paymentId }) => !known.has(paymentId))
  if (others.length === 0) return recent
  return [...recent, ...others].sort((a, b) => (a.paymentId < b.paymentId ? 1 : -1))
}
