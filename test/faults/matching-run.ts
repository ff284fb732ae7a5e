import { setTimeout as pause } from 'node:timers/promises'
import { isUnavailable } from '../../db/errors.ts'
import type { RowDataPacket } from '../../db/rows.ts'
import { idToText } from '../../src/base/ids.ts'
import { biddingTrip } from '../support/bids.ts'
import type { TripAct, TripOperation } from '../support/linearizability/trip-acts.ts'
import { createdTrip, offer } from '../support/trips.ts'
import type { Chance } from './chance.ts'
import { Asker, type Try } from './matching-asker.ts'
import { BidBook, type NamedBid } from './matching-bid-book.ts'
import { laravelCancels, laravelGives, laravelNames } from './matching-hand.ts'
import { killPlanned } from './matching-kill.ts'
import { laravelSays } from './matching-laravel.ts'
import type { Plan, PlannedAct } from './matching-plan.ts'
import { answerOf, Recorder } from './matching-recorder.ts'
import type { MatchingScene } from './matching-scene.ts'
import { type Topic, Voices } from './matching-voices.ts'

/** What came of a plan. */
export interface Played {
  readonly tripIds: readonly string[]
  /** Whose each trip is, in their order. */
  readonly riderIds: readonly string[]
  readonly driverIds: readonly string[]
  readonly history: readonly TripOperation[]
  /** Laravel wrote into its own table and told nobody: histories and offers know nothing of that until the next step. */
  readonly isByHand: boolean
  /** The processes look for drivers, and for each trip that waits. */
  readonly isDispatched?: boolean
  /** What was wrong already while it was played. */
  readonly faults: readonly string[]
}

export interface RunOptions {
  readonly scene: MatchingScene
  readonly plan: Plan
  readonly chance: Chance
  /** No other run has it: the names of its people begin so. */
  readonly name: string
}

const SETUP_BID = { kind: 'bid', afterMs: 0, door: 'socket', fate: 'calm' } as const

/** One run: riders, their trips, and the drivers who want them. */
export class MatchingRun {
  readonly #scene: MatchingScene
  readonly #plan: Plan
  readonly #chance: Chance
  readonly #asker: Asker
  readonly #riderIds: readonly string[]
  readonly #driverIds: readonly string[]
  readonly #voices: Voices
  readonly #bids = new BidBook()
  readonly #told = new Recorder()
  /** Each driver's offer of each trip, and its deadline on performance.now(). */
  readonly #offers = new Map<string, { readonly id: string; readonly expiresAtMs: number }>()
  #tripIds: readonly string[] = []

  constructor({ scene, plan, chance, name }: RunOptions) {
    this.#scene = scene
    this.#plan = plan
    this.#chance = chance
    this.#asker = new Asker({ chance, urls: () => scene.urls })
    const riders = plan.riders ?? 1
    this.#riderIds = Array.from({ length: plan.trips }, (_, index) => `${name}-rider${index % riders}`)
    this.#driverIds = Array.from({ length: plan.drivers }, (_, index) => `${name}-d${index}`)
    this.#voices = new Voices(chance, () => scene.urls, [...new Set(this.#riderIds)], this.#driverIds)
  }

  async play(): Promise<Played> {
    const { offers, acts, bids = [], bidding = 0 } = this.#plan
    await this.#prepare()
    try {
      await this.#voices.open(bidding > 0)
      await Promise.all(offers.map((one) => insisting(() => this.#offer(one.trip, one.driver, one.ms))))
      await Promise.all(bids.map((one) => this.#act({ ...one, ...SETUP_BID })))
      await Promise.all([
        ...acts.map((one) => this.#act(one)),
        killPlanned(this.#scene, this.#plan.kill, this.#chance),
      ])
      await Promise.all(this.#tripIds.map((_, trip) => this.#read(trip, 'calm')))
    } finally {
      this.#voices.close()
    }
    return {
      ...{ tripIds: this.#tripIds, riderIds: this.#riderIds, driverIds: this.#driverIds },
      ...{ history: this.#told.history, faults: this.#told.faults },
      isByHand: acts.some(({ door }) => door === 'hand'),
    }
  }

  /** Drivers who work, and trips that wait; for those that are bid for the processes look, too, and find nobody on the map. */
  async #prepare(): Promise<void> {
    const { pool } = this.#scene.database
    const { bidding = 0 } = this.#plan
    const rows = this.#driverIds.map((id) => [id, '1', 'available'])
    await insisting(() =>
      pool.query('INSERT INTO driver_details (user_id, is_online, availability_status) VALUES ?', [rows]),
    )
    const created = this.#riderIds.map((customerId, trip) =>
      trip < bidding ? biddingTrip(pool, { customerId }) : createdTrip(pool, { customerId }),
    )
    this.#tripIds = (await Promise.all(created)).map(({ id }) => id)
  }

  async #offer(trip: number, driver: number, ms?: number): Promise<void> {
    const { pool } = this.#scene.database
    const id = await offer(pool, this.#trip(trip), this.#driver(driver), {
      seconds: ms === undefined ? 60 : ms / 1_000,
    })
    const [[row]] = await pool.query<RowDataPacket[]>('SELECT expires_at FROM trip_offers WHERE id = ?', [id])
    const expiresAtMs = row?.expires_at.getTime() - Date.now() + performance.now()
    this.#offers.set(`${trip} ${driver}`, { id: idToText(id), expiresAtMs })
  }

  async #act(planned: PlannedAct): Promise<unknown> {
    const { afterMs, trip, driver, kind, door, fate } = planned
    await pause(afterMs)
    if (kind === 'read') return this.#read(trip, fate)
    if (door === 'hand') return this.#byHand(planned)
    if (kind === 'offer') await insisting(() => this.#offer(trip, driver))
    const bid = kind === 'bid' ? this.#bids.next() : this.#bids.known(trip, driver, planned.which)
    const attempt = this.#voices.attempt(planned, this.#topic(planned, bid))
    if (attempt === null) return
    const answer = await this.#told.record(this.#actOf(planned, bid), async () => {
      const heard = await this.#asker.ask(attempt, fate)
      if (kind === 'bid' && heard?.word === 'ok') this.#bids.note(trip, driver, bid, heard.data)
      return answerOf(heard)
    })
    // Whoever was told looks at once, at either process.
    if (answer?.word === 'ok' && fate === 'calm') await this.#read(trip, fate)
  }

  #byHand(planned: PlannedAct): Promise<unknown> {
    const { pool } = this.#scene.database
    const tripId = this.#trip(planned.trip)
    const driverId = this.#driver(planned.driver)
    const write = {
      give: () => laravelGives(pool, tripId, driverId),
      name: () => laravelNames(pool, tripId, driverId),
      cancel: () => laravelCancels(pool, tripId),
    }[planned.kind as 'give' | 'name' | 'cancel']
    return this.#told.record(this.#actOf(planned), async () => ({ word: await insisting(write) }))
  }

  #topic({ trip, driver }: PlannedAct, bid: NamedBid | undefined): Topic {
    return {
      ...{ rideId: this.#trip(trip), riderId: this.#riderIds[trip] ?? '', driverId: this.#driver(driver) },
      offerId: this.#offers.get(`${trip} ${driver}`)?.id,
      ...{ bidId: bid?.id, amountMinor: bid?.amountMinor ?? 0 },
    }
  }

  #actOf({ kind, trip, driver }: PlannedAct, bid?: NamedBid): TripAct {
    const tripId = this.#trip(trip)
    const driverId = this.#driver(driver)
    const expiresAtMs = this.#offers.get(`${trip} ${driver}`)?.expiresAtMs
    const until = expiresAtMs === undefined ? {} : { expiresAtMs }
    if (kind === 'cancel') return { kind, tripId }
    if (kind === 'bid' || kind === 'choose') return { kind, tripId, driverId, bid: bid?.name ?? '', ...until }
    if (kind !== 'accept' && kind !== 'offer') return { kind, tripId, driverId } as TripAct
    return { kind: 'accept', tripId, driverId, ...until }
  }

  #read(trip: number, fate: PlannedAct['fate']): Promise<unknown> {
    const path = `/internal/trips/${this.#trip(trip)}`
    const attempt: Try = (url, id, cut) => laravelSays(url, id, path, null, cut)
    const heard = async () => answerOf(await this.#asker.ask(attempt, fate, false), 'trip')
    return this.#told.record({ kind: 'read', tripId: this.#trip(trip) }, heard)
  }

  #trip(index: number): string {
    return this.#tripIds[index] ?? ''
  }

  #driver(index: number): string {
    return this.#driverIds[index] ?? ''
  }
}

/** A database on a machine that is busy takes no connection now and then: nothing was done, so it is tried again. */
async function insisting<T>(work: () => Promise<T>, tries = 5): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (tries === 1 || !isUnavailable(error)) throw error
    return insisting(work, tries - 1)
  }
}
