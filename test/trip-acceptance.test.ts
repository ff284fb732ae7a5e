import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Pool } from '../db/pools.ts'
import { type Id, newId } from '../src/base/ids.ts'
import { acceptTripIn } from '../src/matching/trips/accept.ts'
import { moveTripIn } from '../src/matching/trips/move.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import {
  createdTrip,
  historyOf,
  inTx,
  laravelStores,
  moveOf,
  offer,
  offerState,
  stampsOf,
  tripRow,
} from './support/trips.ts'

let database: TestDatabase
let pool: Pool

beforeAll(async () => {
  database = await testDatabase('trip-acceptance')
  pool = database.pool
})
afterAll(() => database?.drop())
afterEach(() => {
  vi.useRealTimers()
})

const accept = (tripId: string, driverId: string, offerId: Id) =>
  inTx(pool, (connection) => acceptTripIn(connection, { tripId, driverId, offerId }))
const cancel = (tripId: string) =>
  inTx(pool, (connection) => moveTripIn(connection, tripId, moveOf('cancelled')))
const statesOf = (ids: readonly Id[]) => Promise.all(ids.map((id) => offerState(pool, id)))

describe('acceptTripIn', () => {
  it('gives the trip to the driver of the offer, and ends what else was offered', async () => {
    const { id } = await createdTrip(pool)
    const { id: elsewhere } = await createdTrip(pool)
    const mine = await offer(pool, id, 'd-1')
    const others = [
      await offer(pool, id, 'd-2'),
      await offer(pool, id, 'd-3', { state: 'rejected' }),
      await offer(pool, elsewhere, 'd-1'),
      await offer(pool, elsewhere, 'd-2'),
    ]
    expect(await accept(id, 'd-1', mine)).toMatchObject({
      kind: 'accepted',
      trip: { status: 'accepted', state: 'accepted', driverId: 'd-1', customerId: 'customer-1' },
      before: { status: 'pending', driverId: null },
      steps: [{ from: 'pending', to: 'accepted', observed: false }],
      lost: [{ driverId: 'd-2' }],
      withdrawn: [{ tripId: elsewhere, driverId: 'd-1' }],
    })
    expect(await statesOf([mine, ...others])).toEqual([
      'accepted',
      'lost',
      'rejected',
      'withdrawn',
      'offered',
    ])
    expect(await tripRow(pool, id)).toMatchObject({ driver_id: 'd-1', current_status: 'accepted' })
    expect(await historyOf(pool, id)).toEqual(['>pending', 'pending>accepted'])
    expect(await stampsOf(pool, id)).toEqual(['pending', 'accepted'])
  })

  it('said again by the winner is the same, however far the trip went; after its end it is refused', async () => {
    const { id } = await createdTrip(pool)
    const mine = await offer(pool, id, 'd-again')
    await accept(id, 'd-again', mine)
    expect(await accept(id, 'd-again', mine)).toMatchObject({
      kind: 'already',
      trip: { driverId: 'd-again' },
    })
    await inTx(pool, (connection) => moveTripIn(connection, id, moveOf('ongoing')))
    expect(await accept(id, 'd-again', mine)).toMatchObject({ kind: 'already', trip: { state: 'ongoing' } })
    await cancel(id)
    const refusal = { kind: 'not_allowed', from: 'cancelled', to: 'accepted' }
    expect(await accept(id, 'd-again', mine)).toEqual(refusal)
    expect(await historyOf(pool, id)).toHaveLength(4)
  })

  it('is refused to those who come later, and to those whose offers are over', async () => {
    const { id } = await createdTrip(pool)
    const [winner, loser] = [await offer(pool, id, 'd-win'), await offer(pool, id, 'd-lose')]
    const rejected = await offer(pool, id, 'd-no', { state: 'rejected' })
    const expired = await offer(pool, id, 'd-slow', { state: 'expired' })
    expect(await accept(id, 'd-no', rejected)).toEqual({ kind: 'offer_closed' })
    expect(await accept(id, 'd-slow', expired)).toEqual({ kind: 'offer_expired' })
    await accept(id, 'd-win', winner)
    expect(await accept(id, 'd-lose', loser)).toEqual({ kind: 'taken' })
    const late = await offer(pool, id, 'd-late')
    expect(await accept(id, 'd-late', late)).toEqual({ kind: 'taken' })
    expect(await offerState(pool, late)).toBe('offered')
  })

  it("knows no offer but the driver's own of this very trip", async () => {
    const { id } = await createdTrip(pool)
    const { id: other } = await createdTrip(pool)
    const his = await offer(pool, id, 'd-his')
    expect(await accept(id, 'd-thief', his)).toEqual({ kind: 'offer_unknown' })
    expect(await accept(other, 'd-his', his)).toEqual({ kind: 'offer_unknown' })
    expect(await accept(id, 'd-his', newId())).toEqual({ kind: 'offer_unknown' })
    expect(await accept('nobody', 'd-his', his)).toEqual({ kind: 'unknown' })
    expect((await tripRow(pool, id)).driver_id).toBeNull()
  })

  it.each([
    ['past', -1, '2020-01-01T00:00:00Z', 'offer_expired'],
    ['to come', 60, '2040-01-01T00:00:00Z', 'accepted'],
  ])(
    "with a deadline that is %s on the database's clock heeds no other clock",
    async (_, seconds, now, kind) => {
      const { id } = await createdTrip(pool)
      const mine = await offer(pool, id, `d-${kind}`, { seconds })
      vi.useFakeTimers({ toFake: ['Date'], now: new Date(now) })
      expect((await accept(id, `d-${kind}`, mine)).kind).toBe(kind)
    },
  )

  it('is refused while Laravel has named another driver, though the trip still waits', async () => {
    const { id } = await createdTrip(pool)
    await pool.query("UPDATE trip_requests SET driver_id = 'd-named' WHERE id = ?", [id])
    expect(await accept(id, 'd-free', await offer(pool, id, 'd-free'))).toEqual({ kind: 'taken' })
    expect((await tripRow(pool, id)).driver_id).toBe('d-named')
  })

  it('by a driver to whom Laravel has given the trip meanwhile is no loss: it is his', async () => {
    const { id } = await createdTrip(pool)
    const mine = await offer(pool, id, 'd-given')
    await pool.query(
      "UPDATE trip_requests SET driver_id = 'd-given', current_status = 'accepted' WHERE id = ?",
      [id],
    )
    expect(await accept(id, 'd-given', mine)).toMatchObject({
      kind: 'already',
      trip: { driverId: 'd-given' },
    })
    expect(await historyOf(pool, id)).toEqual(['>pending'])
    expect(await accept(id, 'd-else', await offer(pool, id, 'd-else'))).toEqual({ kind: 'taken' })
  })

  it('is refused once Laravel has cancelled the trip, though nobody told and the offer lives', async () => {
    const { id } = await createdTrip(pool)
    await pool.query("UPDATE trip_requests SET current_status = 'cancelled' WHERE id = ?", [id])
    const refusal = { kind: 'not_allowed', from: 'cancelled', to: 'accepted' }
    expect(await accept(id, 'd-hope', await offer(pool, id, 'd-hope'))).toEqual(refusal)
    expect(await tripRow(pool, id)).toMatchObject({ current_status: 'cancelled', driver_id: null })
  })

  it('is refused to a driver who is on another ride, by whomever it was given, and nothing else is', async () => {
    const { id } = await createdTrip(pool)
    await laravelStores(pool, 'by-laravel', { current_status: 'ongoing', driver_id: 'd-busy' })
    const mine = await offer(pool, id, 'd-busy')
    const refused = await inTx(pool, async (connection) => {
      const result = await acceptTripIn(connection, { tripId: id, driverId: 'd-busy', offerId: mine })
      // The transaction is open and well: what is written now, such as the answer of a key, is committed.
      await connection.query("UPDATE trip_requests SET otp = 'kept' WHERE id = ?", [id])
      return result
    })
    expect(refused).toEqual({ kind: 'driver_busy' })
    const row = await tripRow(pool, id)
    expect(row).toMatchObject({ current_status: 'pending', driver_id: null, otp: 'kept' })
    expect(await historyOf(pool, id)).toEqual(['>pending'])
    await pool.query("UPDATE trip_requests SET type = 'parcel' WHERE id = 'by-laravel'")
    expect((await accept(id, 'd-busy', mine)).kind).toBe('accepted')
  })

  it('tells a driver whose offer was withdrawn why', async () => {
    const [first, second, over] = [await createdTrip(pool), await createdTrip(pool), await createdTrip(pool)]
    const [mine, other] = [await offer(pool, first.id, 'd-two'), await offer(pool, second.id, 'd-two')]
    await accept(first.id, 'd-two', mine)
    expect(await accept(second.id, 'd-two', other)).toEqual({ kind: 'driver_busy' })
    await cancel(first.id)
    expect(await accept(second.id, 'd-two', other)).toEqual({ kind: 'offer_closed' })
    const gone = await offer(pool, over.id, 'd-two')
    await cancel(over.id)
    const refusal = { kind: 'not_allowed', from: 'cancelled', to: 'accepted' }
    expect(await accept(over.id, 'd-two', gone)).toEqual(refusal)
  })

  it('of a trip that nobody told of begins its history with what stands', async () => {
    await laravelStores(pool, 'untold')
    expect((await accept('untold', 'd-untold', await offer(pool, 'untold', 'd-untold'))).kind).toBe(
      'accepted',
    )
    expect(await historyOf(pool, 'untold')).toEqual(['>pending!', 'pending>accepted'])
  })
})
