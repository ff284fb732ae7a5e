import { setTimeout as pause } from 'node:timers/promises'
import { DISPATCH_POLICIES } from '../../src/matching/trips/trip.ts'
import { type Street, StreetDriver, StreetRider } from './dispatched-people.ts'
import { unended } from './dispatched-truth.ts'
import { Asker } from './matching-asker.ts'
import { killPlanned } from './matching-kill.ts'
import { laravelSays } from './matching-laravel.ts'
import { answerOf, Recorder } from './matching-recorder.ts'
import type { Played, RunOptions } from './matching-run.ts'
import { QUICK_ZONES } from './matching-scene.ts'
import { wrongTables } from './matching-truth.ts'

/** So long somebody begins something. */
const STORM_MS = 4_000
const LOOK_MS = 200
/** A search has six seconds and, where its process dies, three more at most; the machine may be slow. */
const PATIENCE_MS = 40_000

/** One run in which the processes find the drivers: who asks, drives, gives up and is away is drawn from the chance. */
export class DispatchedRun {
  readonly #options: RunOptions
  readonly #street: Street
  readonly #drivers: readonly StreetDriver[]
  readonly #riders: readonly StreetRider[]
  readonly #works: Promise<unknown>[] = []
  #isOver = false

  constructor(options: RunOptions) {
    const { scene, plan, chance, name } = options
    const urls = () => scene.urls
    const told = new Recorder()
    const blame = (error: unknown): void => {
      told.faults.push(String(error))
    }
    this.#options = options
    this.#street = {
      ...{ zoneId: `${QUICK_ZONES}${name}`, chance, urls, told, asker: new Asker({ chance, urls }) },
      isOver: () => this.#isOver,
      begin: (work) => {
        this.#works.push(work.catch(blame))
      },
    }
    this.#drivers = Array.from(
      { length: plan.drivers },
      (_, index) => new StreetDriver(`${name}-d${index}`, this.#street),
    )
    this.#riders = Array.from(
      { length: plan.trips },
      (_, index) => new StreetRider(`${name}-rider${index}`, this.#street),
    )
  }

  async play(): Promise<Played> {
    const { scene, plan, chance } = this.#options
    const { begin, told } = this.#street
    try {
      await Promise.all(this.#drivers.map((driver) => driver.work()))
      begin(this.#look())
      begin(killPlanned(scene, plan.kill, chance))
      await Promise.all(this.#ask())
      await pause(STORM_MS)
      this.#isOver = true
      await this.#settled()
      const patienceMs = told.faults.length > 0 ? 0 : PATIENCE_MS
      told.faults.push(...(await unended(scene.database.pool, this.#played().tripIds, patienceMs)))
      await Promise.all(this.#played().tripIds.map((tripId) => this.#read(tripId)))
    } finally {
      this.#isOver = true
      for (const { phone } of [...this.#drivers, ...this.#riders]) phone.close()
    }
    const played = this.#played()
    // Nobody was found, or it took too long: that the service does by itself.
    for (const tripId of played.tripIds) told.mayHappen({ kind: 'unserved', tripId }, 0)
    return played
  }

  /** All by one policy, or each by his own. */
  #ask(): Promise<unknown>[] {
    const { chance } = this.#options
    const common = chance.pick([...DISPATCH_POLICIES, null])
    return this.#riders.map((rider) =>
      rider.after(400, () => rider.ask(common ?? chance.pick(DISPATCH_POLICIES))),
    )
  }

  /** The tables again and again, in the middle of it. */
  async #look(): Promise<void> {
    const { pool } = this.#options.scene.database
    const { faults } = this.#street.told
    while (!this.#isOver && faults.length === 0) {
      await pause(LOOK_MS)
      // What is told while they are read is no part of it.
      const played = { ...this.#played(), history: [...this.#street.told.history] }
      if (played.tripIds.length > 0) faults.push(...(await wrongTables(pool, played)))
    }
  }

  /** What was begun may begin more. */
  async #settled(): Promise<void> {
    let count = -1
    while (count < this.#works.length) {
      count = this.#works.length
      await Promise.all(this.#works)
    }
  }

  #read(tripId: string): Promise<unknown> {
    const { told, asker } = this.#street
    const path = `/internal/trips/${tripId}`
    return told.record({ kind: 'read', tripId }, async () => {
      const heard = await asker.ask((url, id, cut) => laravelSays(url, id, path, null, cut), 'calm', false)
      return answerOf(heard, 'trip')
    })
  }

  #played(): Played {
    const asked = this.#riders.flatMap(({ id, rideId }) => (rideId === null ? [] : [{ id, rideId }]))
    const { history, faults } = this.#street.told
    return {
      tripIds: asked.map(({ rideId }) => rideId),
      riderIds: asked.map(({ id }) => id),
      driverIds: this.#drivers.map(({ id }) => id),
      ...{ history, faults, isByHand: false, isDispatched: true },
    }
  }
}
