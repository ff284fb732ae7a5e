import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Pool } from '../db/pools.ts'
import type { RowDataPacket } from '../db/rows.ts'
import { newId } from '../src/base/ids.ts'
import { bidMessagesOf } from '../src/matching/bids/bid-announcement.ts'
import { insertBid } from '../src/matching/bids/bid-store.ts'
import { expireBidsOf, withdrawBidsOf } from '../src/matching/bids/end.ts'
import { closeSearchIn } from '../src/matching/dispatch/end-search.ts'
import { setDriverOnline, setDriversOffline } from '../src/matching/drivers/driver-store.ts'
import { acceptTripIn } from '../src/matching/trips/accept.ts'
import { moveTripIn } from '../src/matching/trips/move.ts'
import {
  asked,
  availabilityOf,
  biddingTrip,
  bidOf,
  bidsOf,
  choose,
  onDuty,
  withdraw,
} from './support/bids.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { createdTrip, inTx, moveOf, offer } from './support/trips.ts'

let database: TestDatabase
let pool: Pool

beforeAll(async () => {
  database = await testDatabase('bid-ends')
  pool = database.pool
})
afterAll(() => database?.drop())

const move = (tripId: string, order: Parameters<typeof moveTripIn>[2]) =>
  inTx(pool, (connection) => moveTripIn(connection, tripId, order))

describe('a live bid', () => {
  it('is its driver’s only one by the database’s own means, whoever writes another', async () => {
    const [one, two] = [await biddingTrip(pool), await biddingTrip(pool)]
    const bid = await bidOf(pool, one.id, 'd-only')
    const another = inTx(pool, (connection) => insertBid(connection, { ...bid, id: newId(), tripId: two.id }))
    await expect(another).rejects.toThrow(/one_live_bid_per_driver/)
    await withdraw(pool, one.id, 'd-only')
    await inTx(pool, (connection) => insertBid(connection, { ...bid, id: newId(), tripId: two.id }))
  })

  it('makes its offer none that can be accepted', async () => {
    const { id } = await biddingTrip(pool)
    const offerId = await asked(pool, id, 'd-accepts')
    const accepted = inTx(pool, (connection) =>
      acceptTripIn(connection, { tripId: id, driverId: 'd-accepts', offerId }),
    )
    expect(await accepted).toEqual({ kind: 'bid_required' })
  })

  it('is withdrawn when its driver accepts another trip, or Laravel gives him one', async () => {
    for (const how of ['accepts', 'is given'] as const) {
      const [{ id }, other] = [await biddingTrip(pool), await createdTrip(pool)]
      const driverId = `d-${how.length}`
      const bid = await bidOf(pool, id, driverId)
      const offerId = await offer(pool, other.id, driverId)
      const taken = await (how === 'accepts'
        ? inTx(pool, (connection) => acceptTripIn(connection, { tripId: other.id, driverId, offerId }))
        : move(other.id, moveOf('accepted', { driverId })))
      const bids = 'bids' in taken ? taken.bids : []
      expect(bids).toMatchObject([{ why: 'took_another', bid: { id: bid.id } }])
      expect(bidMessagesOf(bids)).toMatchObject([
        { userId: 'customer-1', event: 'bid:withdrawn', data: { rideId: id, reason: 'took_another' } },
      ])
      expect(await choose(pool, id, bid.id)).toEqual({ kind: 'driver_busy' })
    }
  })

  it.each([
    ['expired', expireBidsOf, ['bid:withdrawn', 'bid:lost']],
    ['withdrawn', withdrawBidsOf, ['bid:withdrawn']],
  ] as const)('ends with its offer: %s', async (state, endOf, events) => {
    const { id } = await biddingTrip(pool)
    await onDuty(pool, `d-ends-${state}`)
    const [bid, other] = [await bidOf(pool, id, `d-ends-${state}`), await bidOf(pool, id, `d-stays-${state}`)]
    const ended = await inTx(pool, (connection) => endOf(connection, [bid.offerId]))
    expect(bidMessagesOf(ended).map(({ event }) => event)).toEqual(events)
    expect(await bidsOf(pool, id)).toEqual([`d-ends-${state} 10000 ${state}`, `d-stays-${state} 10000 live`])
    expect(await availabilityOf(pool, `d-ends-${state}`)).toBe('available')
    expect((await choose(pool, id, other.id)).kind).toBe('accepted')
  })

  it('still reserves its driver when he says again that he works, or after a pause', async () => {
    const { id } = await biddingTrip(pool)
    await onDuty(pool, 'd-again')
    await bidOf(pool, id, 'd-again')
    await inTx(pool, (connection) => setDriverOnline(connection, 'd-again'))
    expect(await availabilityOf(pool, 'd-again')).toBe('on_bidding')
    await inTx(pool, (connection) => setDriversOffline(connection, ['d-again']))
    await inTx(pool, (connection) => setDriverOnline(connection, 'd-again'))
    expect(await availabilityOf(pool, 'd-again')).toBe('on_bidding')
    await withdraw(pool, id, 'd-again')
    expect(await availabilityOf(pool, 'd-again')).toBe('available')
  })

  it('ends with the search, where Laravel gave the trip away without telling', async () => {
    const { id } = await biddingTrip(pool)
    await onDuty(pool, 'd-untold')
    await bidOf(pool, id, 'd-untold')
    await pool.query(
      "UPDATE trip_requests SET current_status = 'accepted', driver_id = 'other' WHERE id = ?",
      [id],
    )
    const told = await inTx(pool, (connection) => closeSearchIn(connection, id))
    expect(await bidsOf(pool, id)).toEqual(['d-untold 10000 lost'])
    expect(await availabilityOf(pool, 'd-untold')).toBe('available')
    expect(JSON.stringify(told.pushes)).toContain('d-untold')
    const [messages] = await pool.query<RowDataPacket[]>(
      "SELECT event FROM feed_messages WHERE user_id = 'd-untold'",
    )
    expect(messages.map(({ event }) => event)).toEqual(['bid:lost'])
  })

  it('ends with its trip, and its driver hears why', async () => {
    const { id } = await biddingTrip(pool)
    await bidOf(pool, id, 'd-told')
    const moved = await move(id, moveOf('cancelled'))
    expect(bidMessagesOf('bids' in moved ? moved.bids : [])).toMatchObject([
      { userId: 'd-told', event: 'bid:lost', data: { rideId: id, reason: 'ended' } },
    ])
  })
})
