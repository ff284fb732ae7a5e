import { setTimeout as pause } from 'node:timers/promises'
import { isUnavailable } from '../../db/errors.ts'
import type { RowDataPacket } from '../../db/rows.ts'
import { idToText } from '../../src/base/ids.ts'
import type { TripAct, TripAnswer, TripOperation } from '../support/linearizability/trip-acts.ts'
import { createdTrip, offer } from '../support/trips.ts'
import type { Chance } from './chance.ts'
import { Asker, type Heard, type Try } from './matching-asker.ts'
import { laravelCancels, laravelGives, laravelNames } from './matching-hand.ts'
import { laravelSays } from './matching-laravel.ts'
import { Phone } from './matching-phone.ts'
import type { Plan, PlannedAct } from './matching-plan.ts'
import type { MatchingScene } from './matching-scene.ts'

/** What came of a plan. */
export interface Played {
  readonly tripIds: readonly string[]
  readonly riderId: string
  readonly driverIds: readonly string[]
  readonly history: readonly TripOperation[]
  /** Laravel wrote into its own table and told nobody: histories and offers know nothing of that until the next step. */
  readonly isByHand: boolean
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

/** The moments of src/base/checkpoint.ts at which a process is killed. */
const MOMENTS = ['once:claimed', 'once:handled', 'once:commit-sent', 'once:committed'] as const
const MOMENT_MS = 2_000
const OPENING_MS = 90_000

/** One run: a rider, his trips, and the drivers who want them. */
export class MatchingRun {
  readonly #scene: MatchingScene
  readonly #plan: Plan
  readonly #chance: Chance
  readonly #asker: Asker
  readonly #riderId: string
  readonly #driverIds: readonly string[]
  readonly #rider: Phone
  readonly #drivers: readonly Phone[]
  readonly #history: TripOperation[] = []
  readonly #faults: string[] = []
  /** Each driver's offer of each trip, and its deadline on performance.now(). */
  readonly #offers = new Map<string, { readonly id: string; readonly expiresAtMs: number }>()
  #tripIds: readonly string[] = []

  constructor({ scene, plan, chance, name }: RunOptions) {
    this.#scene = scene
    this.#plan = plan
    this.#chance = chance
    this.#asker = new Asker({ chance, urls: () => scene.urls })
    this.#riderId = `${name}-rider`
    this.#driverIds = Array.from({ length: plan.drivers }, (_, index) => `${name}-d${index}`)
    this.#rider = new Phone(this.#riderId, 'customer')
    this.#drivers = this.#driverIds.map((id) => new Phone(id, 'driver'))
  }

  async play(): Promise<Played> {
    const { trips, offers, acts } = this.#plan
    const { pool } = this.#scene.database
    const customerId = this.#riderId
    const created = await Promise.all(Array.from({ length: trips }, () => createdTrip(pool, { customerId })))
    this.#tripIds = created.map(({ id }) => id)
    try {
      await Promise.all([...this.#drivers, this.#rider].map((phone) => this.#opened(phone)))
      await Promise.all(offers.map((one) => insisting(() => this.#offer(one.trip, one.driver, one.ms))))
      await Promise.all([...acts.map((one) => this.#act(one)), this.#kill()])
      await Promise.all(this.#tripIds.map((_, trip) => this.#read(trip, 'calm')))
    } finally {
      for (const phone of [this.#rider, ...this.#drivers]) phone.close()
    }
    return {
      ...{ tripIds: this.#tripIds, riderId: this.#riderId, driverIds: this.#driverIds },
      ...{ history: this.#history, faults: this.#faults },
      isByHand: acts.some(({ door }) => door === 'hand'),
    }
  }

  async #opened(phone: Phone): Promise<void> {
    const endMs = performance.now() + OPENING_MS
    while (performance.now() < endMs) {
      const { urls } = this.#scene
      if (urls.length > 0 && (await phone.open(this.#chance.pick(urls)))) return
      await pause(20)
    }
    throw new Error('nobody is let in')
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
    const attempt = this.#attempt(planned)
    if (attempt === null) return
    const answer = await this.#record(this.#actOf(planned), async () =>
      answerOf(await this.#asker.ask(attempt, fate)),
    )
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
    return this.#record(this.#actOf(planned), async () => ({ word: await insisting(write) }))
  }

  /** How it is said; null where he was not offered it. */
  #attempt({ kind, door, trip, driver }: PlannedAct): Try | null {
    const rideId = this.#trip(trip)
    const driverId = this.#driver(driver)
    const offerId = this.#offers.get(`${trip} ${driver}`)?.id
    const isByOffer = kind === 'accept' || kind === 'offer' || kind === 'reject'
    if (isByOffer && offerId === undefined) return null
    const post =
      (path: string, body: unknown): Try =>
      (url, id, cut) =>
        laravelSays(url, id, `/internal/trips/${rideId}/${path}`, body, cut)
    const say =
      (phone: Phone | undefined, event: string, data: unknown): Try =>
      (url, id, cut) =>
        phone === undefined ? Promise.resolve('lost') : phone.say(url, id, event, data, cut)
    const phone = this.#drivers[driver]
    switch (kind) {
      case 'accept':
      case 'offer':
        if (door === 'http') return post('accept', { driverId, offerId })
        return say(phone, 'driver:accept:ride', { rideId, offerId })
      case 'reject':
        return say(phone, 'driver:reject:ride', { rideId, offerId })
      case 'cancel':
        return door === 'http'
          ? post('cancel', { by: 'system' })
          : say(this.#rider, 'ride:cancel', { rideId })
      case 'start':
        return post('transition', { transition: 'started', driverId })
      case 'release':
        return say(phone, 'ride:cancel', { rideId })
      case 'arrive':
        return say(phone, 'driver:arrived', { rideId })
      case 'complete':
        return say(phone, 'ride:complete', { rideId })
      default:
        return null
    }
  }

  #actOf({ kind, trip, driver }: PlannedAct): TripAct {
    const tripId = this.#trip(trip)
    const driverId = this.#driver(driver)
    if (kind === 'cancel') return { kind, tripId }
    if (kind !== 'accept' && kind !== 'offer') return { kind, tripId, driverId } as TripAct
    const expiresAtMs = this.#offers.get(`${trip} ${driver}`)?.expiresAtMs
    return { kind: 'accept', tripId, driverId, ...(expiresAtMs === undefined ? {} : { expiresAtMs }) }
  }

  #read(trip: number, fate: PlannedAct['fate']): Promise<unknown> {
    const path = `/internal/trips/${this.#trip(trip)}`
    const attempt: Try = (url, id, cut) => laravelSays(url, id, path, null, cut)
    const heard = async () => answerOf(await this.#asker.ask(attempt, fate, false), 'trip')
    return this.#record({ kind: 'read', tripId: this.#trip(trip) }, heard)
  }

  /** Null: nobody heard. */
  async #record(act: TripAct, perform: () => Promise<TripAnswer | null>): Promise<TripAnswer | null> {
    const callMs = performance.now()
    let answer: TripAnswer | null = null
    try {
      answer = await perform()
      if (answer?.word === 'unknown_event') return null
    } catch (error) {
      this.#faults.push(`${act.kind} ${act.tripId}: ${error instanceof Error ? error.message : error}`)
    }
    const heard = answer === null ? null : { answer, returnMs: performance.now() }
    this.#history.push({ act, callMs, heard })
    return answer
  }

  async #kill(): Promise<void> {
    const { kill } = this.#plan
    if (kill === null) return
    const moment = MOMENTS[kill.moment ?? -1]
    const passing = this.#chance.between(1, 4)
    await pause(kill.afterMs)
    await this.#scene.kill(this.#chance.between(0, 1), async (node) => {
      if (moment === undefined) return node.kill()
      // Where nobody comes by any more it dies all the same.
      await node.dieAt(moment, passing, MOMENT_MS).catch(() => node.kill())
    })
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

function answerOf(heard: Heard | null, member?: string): TripAnswer | null {
  if (heard === null) return null
  const { word, data } = heard
  const trip = member === undefined ? data : data[member]
  return word === 'ok' && trip?.status
    ? { word, stands: { status: trip.status, driverId: trip.driverId } }
    : { word }
}
