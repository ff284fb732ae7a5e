import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Pool } from '../db/pools.ts'
import { idToText } from '../src/base/ids.ts'
import { readBidsOf } from '../src/matching/bids/bid-store.ts'
import { performBidAct } from './support/bid-acts.ts'
import { asked, biddingTrip } from './support/bids.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { propertyRuns } from './support/property-runs.ts'
import { inTx, tripRow } from './support/trips.ts'

const TRIPS = [0, 1] as const
const DRIVERS = [0, 1, 2] as const

let database: TestDatabase
let pool: Pool
let runs = 0

beforeAll(async () => {
  database = await testDatabase('bid-model')
  pool = database.pool
})
afterAll(() => database?.drop())

const trip = fc.constantFrom(...TRIPS)
const driver = fc.constantFrom(...DRIVERS)
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      act: fc.constant('place' as const),
      trip,
      driver,
      amount: fc.constantFrom(7_000, 8_000),
    }),
  },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('withdraw' as const), trip, driver }) },
  { weight: 3, arbitrary: fc.record({ act: fc.constant('choose' as const), trip, nth: fc.nat(4) }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('cancel' as const), trip }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('expire' as const), trip }) },
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

type State = 'live' | 'accepted' | 'lost' | 'withdrawn' | 'replaced' | 'expired'
interface ModelBid {
  readonly trip: number
  readonly driver: number
  readonly amount: number
  state: State
}

/** What is to be, in a few lines: trips that wait, offers that live, bids in their order. */
class Model {
  readonly bids: ModelBid[] = []
  readonly driverOf: (number | null)[] = [null, null]
  readonly isCancelled = [false, false]
  /** offered, lost, withdrawn, expired, accepted; of each trip by driver. */
  readonly offers = TRIPS.map(() => DRIVERS.map(() => 'offered'))

  live = (driverId: number) => this.bids.find((bid) => bid.driver === driverId && bid.state === 'live')
  isOpen = (id: number) => !this.isCancelled[id] && this.driverOf[id] === null

  place(on: number, by: number, amount: number): string {
    const offer = this.offers[on]?.[by]
    if (offer === 'withdrawn') return 'offer_closed'
    if (offer === 'lost' || offer === 'accepted' || !this.isOpen(on)) return 'taken'
    if (offer === 'expired') return 'offer_expired'
    const mine = this.live(by)
    if (mine !== undefined && mine.trip !== on) return 'bid_elsewhere'
    if (mine?.amount === amount) return 'already'
    if (mine !== undefined) mine.state = 'replaced'
    this.bids.push({ trip: on, driver: by, amount, state: 'live' })
    return 'placed'
  }

  withdraw(on: number, by: number): string {
    const mine = this.bids.filter((bid) => bid.trip === on && bid.driver === by)
    const last = mine.at(-1)
    if (last === undefined) return 'bid_unknown'
    if (last.state !== 'live') return last.state === 'accepted' ? 'accepted' : 'over'
    last.state = 'withdrawn'
    return 'withdrawn'
  }

  choose(bid: ModelBid): string {
    const { trip: on, driver: by, state } = bid
    if (state === 'accepted' && !this.isCancelled[on]) return 'already'
    if (this.isCancelled[on]) return 'not_allowed'
    if (state === 'lost') return 'taken'
    if (state === 'expired') return 'bid_expired'
    if (state === 'replaced') return 'bid_closed'
    const isRiding = TRIPS.some((id) => this.driverOf[id] === by && !this.isCancelled[id])
    if (state === 'withdrawn') return isRiding ? 'driver_busy' : 'bid_closed'
    this.driverOf[on] = by
    this.end(on, 'lost')
    bid.state = 'accepted'
    for (const id of TRIPS) {
      const his = this.offers[id]
      if (his?.[by] === 'offered') his[by] = 'withdrawn'
    }
    const here = this.offers[on]
    if (here !== undefined) here[by] = 'accepted'
    return 'accepted'
  }

  cancel(on: number): string {
    if (this.isCancelled[on]) return 'unchanged'
    this.isCancelled[on] = true
    this.end(on, 'withdrawn')
    return 'moved'
  }

  end(on: number, offers: 'lost' | 'withdrawn' | 'expired'): void {
    this.offers[on] = (this.offers[on] ?? []).map((state) => (state === 'offered' ? offers : state))
    const state = offers === 'expired' ? 'expired' : 'lost'
    for (const bid of this.bids) if (bid.trip === on && bid.state === 'live') bid.state = state
  }
}

/** Does one step to both, and holds what each says of it against the other. */
async function play(
  model: Model,
  ids: readonly string[],
  names: readonly string[],
  one: Step,
): Promise<void> {
  const tripId = ids[one.trip] ?? ''
  const driverId = 'driver' in one ? (names[one.driver] ?? '') : ''
  const act = (more: object) =>
    inTx(pool, (connection) => performBidAct(connection, { tripId, ...more } as never))
  switch (one.act) {
    case 'place':
      expect(await act({ act: 'place', driverId, amount: one.amount })).toBe(
        model.place(one.trip, one.driver, one.amount),
      )
      break
    case 'withdraw':
      expect(await act({ act: 'withdraw', driverId })).toBe(model.withdraw(one.trip, one.driver))
      break
    case 'choose': {
      const mine = model.bids.filter((bid) => bid.trip === one.trip)
      const bid = mine[one.nth]
      if (bid === undefined) return
      const stored = (await readBidsOf(pool, tripId, 50))[one.nth]
      expect(await act({ act: 'choose', bidId: stored && idToText(stored.id) })).toBe(model.choose(bid))
      break
    }
    case 'cancel':
      expect(await act({ act: 'cancel' })).toBe(model.cancel(one.trip))
      break
    case 'expire':
      await act({ act: 'expire' })
      model.end(one.trip, 'expired')
  }
}

it('whatever drivers, riders and the clock do: bids, trips and their drivers are as the model says', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 20 }), async (steps) => {
      runs += 1
      const names = DRIVERS.map((n) => `d-${runs}-${n}`)
      const ids: string[] = []
      for (const _ of TRIPS) ids.push((await biddingTrip(pool)).id)
      for (const id of ids) for (const name of names) await asked(pool, id, name)
      const model = new Model()
      for (const one of steps) await play(model, ids, names, one)
      for (const on of TRIPS) {
        const stored = (await readBidsOf(pool, ids[on] ?? '', 50)).map(
          (bid) => `${bid.driverId} ${bid.fare.amountMinor} ${bid.state}`,
        )
        const wanted = model.bids.filter((bid) => bid.trip === on)
        expect(stored).toEqual(wanted.map((bid) => `${names[bid.driver]} ${bid.amount} ${bid.state}`))
        const row = await tripRow(pool, ids[on] ?? '')
        const by = model.driverOf[on] ?? null
        expect(row.driver_id).toBe(by === null ? null : names[by])
      }
    }),
    propertyRuns(30),
  )
}, 120_000)
