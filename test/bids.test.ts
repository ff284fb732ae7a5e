import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Pool } from '../db/pools.ts'
import { newId } from '../src/base/ids.ts'
import { liveBiddersAmong } from '../src/matching/bids/bid-store.ts'
import { placeBidIn } from '../src/matching/bids/place.ts'
import { answerOfChoice } from '../src/matching/bids/refusals.ts'
import { moveTripIn } from '../src/matching/trips/move.ts'
import {
  asked,
  availabilityOf,
  biddingTrip,
  bidOf,
  bidsOf,
  choose,
  expireAll,
  laravelBidsOf,
  onDuty,
  place,
  withdraw,
} from './support/bids.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { createdTrip, historyOf, inTx, laravelStores, moveOf, offerState } from './support/trips.ts'

let database: TestDatabase
let pool: Pool

beforeAll(async () => {
  database = await testDatabase('bids')
  pool = database.pool
})
afterAll(() => database?.drop())

const move = (tripId: string, order: Parameters<typeof moveTripIn>[2]) =>
  inTx(pool, (connection) => moveTripIn(connection, tripId, order))

describe('placeBidIn', () => {
  it('reserves the driver until his offer’s deadline, and lets Laravel see the bid', async () => {
    const { id } = await biddingTrip(pool)
    await onDuty(pool, 'd-place')
    const offerId = await asked(pool, id, 'd-place')
    const placed = await place(pool, id, 'd-place', 9_900n)
    expect(placed).toMatchObject({
      kind: 'placed',
      bid: { tripId: id, driverId: 'd-place', customerId: 'customer-1', fare: { amountMinor: 9_900n } },
      ended: [],
    })
    expect('bid' in placed && placed.bid.offerId.equals(offerId)).toBe(true)
    expect(await laravelBidsOf(pool, id)).toEqual(['d-place customer-1 99.000 0'])
    expect(await availabilityOf(pool, 'd-place')).toBe('on_bidding')
    expect(await liveBiddersAmong(pool, ['d-place', 'd-other'])).toEqual(new Set(['d-place']))
    await expireAll(pool, id)
    expect(await liveBiddersAmong(pool, ['d-place'])).toEqual(new Set())
  })

  it('with another amount is another bid in the place of the first; with the same it is the same', async () => {
    const { id } = await biddingTrip(pool)
    const first = await bidOf(pool, id, 'd-more', 9_000n)
    expect(await place(pool, id, 'd-more', 9_000n)).toEqual({ kind: 'already', bid: first })
    const second = await place(pool, id, 'd-more', 8_500n)
    expect(second).toMatchObject({ kind: 'placed', ended: [{ why: 'replaced', bid: { id: first.id } }] })
    expect(await bidsOf(pool, id)).toEqual(['d-more 9000 replaced', 'd-more 8500 live'])
    expect(await laravelBidsOf(pool, id)).toEqual([
      'd-more customer-1 85.000 0',
      'd-more customer-1 90.000 1',
    ])
    // What the rider did not see, he does not get.
    expect(await choose(pool, id, first.id)).toEqual({ kind: 'bid_closed' })
  })

  it('is for those who were asked, in time, and for no one else', async () => {
    const { id } = await biddingTrip(pool)
    expect(await place(pool, id, 'd-stranger')).toEqual({ kind: 'offer_unknown' })
    expect(await place(pool, 'no-such-trip', 'd-stranger')).toEqual({ kind: 'offer_unknown' })
    for (const [state, kind] of [
      ['rejected', 'offer_closed'],
      ['withdrawn', 'offer_closed'],
      ['expired', 'offer_expired'],
      ['lost', 'taken'],
    ] as const) {
      await asked(pool, id, `d-${state}`, { state })
      expect(await place(pool, id, `d-${state}`)).toEqual({ kind })
    }
    await asked(pool, id, 'd-late', { seconds: -1 })
    expect(await place(pool, id, 'd-late')).toEqual({ kind: 'offer_expired' })
    expect(await bidsOf(pool, id)).toEqual([])
  })

  it('is refused for a trip that is taken without a bid, and for one that is taken or over', async () => {
    const { id } = await createdTrip(pool)
    await asked(pool, id, 'd-plain')
    expect(await place(pool, id, 'd-plain')).toEqual({ kind: 'not_bidding' })
    const over = await biddingTrip(pool)
    await asked(pool, over.id, 'd-over')
    await pool.query("UPDATE trip_requests SET current_status = 'cancelled' WHERE id = ?", [over.id])
    expect(await place(pool, over.id, 'd-over')).toEqual({ kind: 'taken' })
  })

  it('is refused in another currency, and above ten times the estimate', async () => {
    const { id } = await biddingTrip(pool)
    await asked(pool, id, 'd-fare')
    expect(await place(pool, id, 'd-fare', 120_501n)).toEqual({
      kind: 'wrong_fare',
      wrong: { kind: 'too_high', most: 120_500n },
    })
    const fare = { amountMinor: 100n, currency: 'USD' }
    expect(
      await inTx(pool, (connection) => placeBidIn(connection, { tripId: id, driverId: 'd-fare', fare })),
    ).toEqual({ kind: 'wrong_fare', wrong: { kind: 'currency', currency: 'EGP' } })
    expect((await place(pool, id, 'd-fare', 120_500n)).kind).toBe('placed')
  })

  it('is refused to who is on a ride, or has a live bid elsewhere; an overdue one is no hindrance', async () => {
    const [one, two] = [await biddingTrip(pool), await biddingTrip(pool)]
    await laravelStores(pool, 'busy-ride', { current_status: 'ongoing', driver_id: 'd-riding' })
    await asked(pool, one.id, 'd-riding')
    expect(await place(pool, one.id, 'd-riding')).toEqual({ kind: 'driver_busy' })
    await bidOf(pool, one.id, 'd-two')
    await asked(pool, two.id, 'd-two')
    expect(await place(pool, two.id, 'd-two')).toEqual({ kind: 'bid_elsewhere' })
    await expireAll(pool, one.id)
    const placed = await place(pool, two.id, 'd-two')
    expect(placed).toMatchObject({ kind: 'placed', ended: [{ why: 'expired', bid: { tripId: one.id } }] })
    expect(await bidsOf(pool, one.id)).toEqual(['d-two 10000 expired'])
  })
})

describe('withdrawBidIn', () => {
  it('lets the driver go, who may bid again', async () => {
    const { id } = await biddingTrip(pool)
    await onDuty(pool, 'd-back')
    const bid = await bidOf(pool, id, 'd-back')
    expect(await withdraw(pool, id, 'd-back')).toMatchObject({
      kind: 'withdrawn',
      ended: [{ bid: { id: bid.id } }],
    })
    expect(await availabilityOf(pool, 'd-back')).toBe('available')
    expect(await choose(pool, id, bid.id)).toEqual({ kind: 'bid_closed' })
    expect((await withdraw(pool, id, 'd-back')).kind).toBe('over')
    expect(await withdraw(pool, id, 'd-never')).toEqual({ kind: 'bid_unknown' })
    expect((await place(pool, id, 'd-back', 7_000n)).kind).toBe('placed')
    expect(await laravelBidsOf(pool, id)).toEqual([
      'd-back customer-1 70.000 0',
      'd-back customer-1 100.000 1',
    ])
  })
})

describe('acceptBidIn', () => {
  it('gives the trip to the driver for what he bid, and ends all else in the same transaction', async () => {
    const [{ id }, elsewhere] = [await biddingTrip(pool), await createdTrip(pool)]
    for (const driver of ['d-won', 'd-lost']) await onDuty(pool, driver)
    const mine = await bidOf(pool, id, 'd-won', 9_500n)
    const other = await bidOf(pool, id, 'd-lost', 9_900n)
    const silent = await asked(pool, id, 'd-silent')
    const his = await asked(pool, elsewhere.id, 'd-won')
    const accepted = await choose(pool, id, mine.id)
    expect(accepted).toMatchObject({
      kind: 'accepted',
      trip: { state: 'accepted', driverId: 'd-won', details: { agreedFareMinor: 9_500n } },
      lost: [{ driverId: 'd-lost' }, { driverId: 'd-silent' }],
    })
    expect(await bidsOf(pool, id)).toEqual(['d-won 9500 accepted', 'd-lost 9900 lost'])
    const states = await Promise.all(
      [mine.offerId, other.offerId, silent, his].map((one) => offerState(pool, one)),
    )
    expect(states).toEqual(['accepted', 'lost', 'lost', 'withdrawn'])
    expect(await historyOf(pool, id)).toEqual(['>pending', 'pending>accepted'])
    expect(await availabilityOf(pool, 'd-lost')).toBe('available')
    expect(await laravelBidsOf(pool, id)).toEqual(['d-won customer-1 95.000 0', 'd-lost customer-1 99.000 1'])
    expect(await choose(pool, id, mine.id)).toMatchObject({ kind: 'already' })
    expect(await choose(pool, id, other.id)).toEqual({ kind: 'taken' })
    expect(await withdraw(pool, id, 'd-won')).toEqual({ kind: 'accepted' })
    expect(await place(pool, id, 'd-lost')).toEqual({ kind: 'taken' })
  })

  it('is over once its driver has given the ride back: the trip waits for other bids, and nobody is told that it is taken', async () => {
    const { id } = await biddingTrip(pool)
    const mine = await bidOf(pool, id, 'd-regrets')
    const other = await bidOf(pool, id, 'd-outlived')
    await choose(pool, id, mine.id)
    const released = { by: { type: 'driver', id: 'd-regrets' }, driverId: 'd-regrets' } as const
    await move(id, moveOf('pending', released))
    for (const bid of [mine, other]) {
      const chosen = await choose(pool, id, bid.id)
      expect(chosen).toEqual({ kind: 'bid_outlived' })
      expect(answerOfChoice(chosen)).toMatchObject({
        code: 'bid_closed',
        detail: expect.stringMatching(/gave it back.*waits/),
      })
    }
    expect(await withdraw(pool, id, 'd-regrets')).toMatchObject({ kind: 'over' })
  })

  it('is for its rider alone, and knows no bid but those of this trip', async () => {
    const [one, two] = [await biddingTrip(pool), await biddingTrip(pool, { customerId: 'customer-2' })]
    const bid = await bidOf(pool, one.id, 'd-whose')
    const unknown = { kind: 'bid_unknown' }
    expect(await choose(pool, two.id, bid.id)).toEqual({ kind: 'unknown' })
    expect(await choose(pool, one.id, newId())).toEqual(unknown)
    expect(await choose(pool, one.id, (await bidOf(pool, two.id, 'd-theirs')).id)).toEqual(unknown)
  })

  it('is refused after the deadline on the database’s clock, and once the trip is over', async () => {
    const [one, two] = [await biddingTrip(pool), await biddingTrip(pool)]
    const [late, gone] = [await bidOf(pool, one.id, 'd-late-1'), await bidOf(pool, two.id, 'd-late-2')]
    await expireAll(pool, one.id)
    expect(await choose(pool, one.id, late.id)).toEqual({ kind: 'bid_expired' })
    await move(two.id, moveOf('cancelled'))
    expect(await choose(pool, two.id, gone.id)).toMatchObject({ kind: 'not_allowed', from: 'cancelled' })
    expect(await bidsOf(pool, two.id)).toEqual(['d-late-2 10000 lost'])
  })

  it('is refused when the driver is on a ride that Laravel gave him, and nothing else is', async () => {
    const { id } = await biddingTrip(pool)
    const [bid, other] = [await bidOf(pool, id, 'd-given'), await bidOf(pool, id, 'd-free')]
    await laravelStores(pool, 'given', { current_status: 'accepted', driver_id: 'd-given' })
    expect(await choose(pool, id, bid.id)).toEqual({ kind: 'driver_busy' })
    expect((await choose(pool, id, other.id)).kind).toBe('accepted')
  })
})
