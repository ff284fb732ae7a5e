import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { openPool, type Pool } from '../db/pools.ts'
import type { RowDataPacket } from '../db/rows.ts'
import { inTransaction } from '../db/transaction.ts'
import { idToText } from '../src/base/ids.ts'
import { type BidAct, performBidAct } from './support/bid-acts.ts'
import { asked, biddingTrip, bidOf, bidsOf } from './support/bids.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { createdTrip, offer, tripRow } from './support/trips.ts'
import { ask, killWorkers, startWorker } from './support/workers.ts'

const ROUNDS = 6
const MANY = 8

let database: TestDatabase
let pool: Pool
let pools: Pool[]

beforeAll(async () => {
  database = await testDatabase('bid-races')
  pool = database.pool
  pools = [1, 2].map(() => openPool(database.address, { connectionLimit: 8, lockWaitSeconds: 5 }))
})
afterEach(() => killWorkers())
afterAll(async () => {
  for (const one of pools ?? []) await one.end()
  await database?.drop()
})

/** Every act in either of two processes, at the same time; what each came to, in their order. */
async function raceOfProcesses(acts: readonly BidAct[]): Promise<string[]> {
  const workers = await Promise.all([startWorker('bid-acts'), startWorker('bid-acts')])
  const kinds = await Promise.all(
    workers.map((worker, index) =>
      ask<string[]>(worker, {
        address: database.address,
        acts: acts.filter((_, place) => place % 2 === index),
      }),
    ),
  )
  return acts.map((_, place) => kinds[place % 2]?.[Math.floor(place / 2)] ?? 'lost')
}

/** The same over two pools of this process, which costs no start of another. */
function race(acts: readonly BidAct[]): Promise<string[]> {
  return Promise.all(
    acts.map((act, place) =>
      inTransaction(pools[place % 2] ?? pool, 'act', (connection) => performBidAct(connection, act), PATIENT),
    ),
  )
}

const PATIENT = { timeoutMs: 30_000, attempts: 20 }

async function rows(sql: string): Promise<RowDataPacket[]> {
  return (await pool.query<RowDataPacket[]>(sql))[0]
}

/** Whatever was done at once: a driver has one ride and one live bid, and nothing is live of a trip that does not wait. */
async function expectSound(): Promise<void> {
  const rides = `SELECT driver_id FROM trip_requests WHERE current_status = 'accepted' GROUP BY driver_id HAVING COUNT(*) > 1`
  const live = `SELECT b.driver_id FROM trip_bids AS b JOIN trip_requests AS t ON t.id = b.trip_id
    WHERE b.state = 'live' AND (t.current_status <> 'pending' OR b.driver_id IN (SELECT driver_id FROM trip_requests
      WHERE current_status = 'accepted' AND driver_id IS NOT NULL))`
  const chosen = `SELECT t.id FROM trip_requests AS t LEFT JOIN trip_bids AS b ON b.trip_id = t.id AND b.state = 'accepted'
    WHERE b.id IS NOT NULL AND (t.current_status NOT IN ('accepted', 'cancelled') OR t.driver_id <> b.driver_id)`
  const offers = `SELECT o.id FROM trip_offers AS o JOIN trip_requests AS t ON t.id = o.trip_id
    WHERE o.state = 'offered' AND t.current_status <> 'pending'`
  for (const sql of [rides, live, chosen, offers]) expect(await rows(sql), sql).toEqual([])
}

const choose = (tripId: string, bid: { id: Buffer }): BidAct => ({
  ...{ act: 'choose', tripId, bidId: idToText(bid.id) },
})

it('one trip whose bids are all accepted at once, over two processes, has one driver', async () => {
  for (let round = 0; round < 2; round += 1) {
    const { id } = await biddingTrip(pool)
    const bids = []
    for (let n = 0; n < MANY; n += 1) bids.push(await bidOf(pool, id, `one-${round}-${n}`))
    const kinds = await raceOfProcesses(bids.map((bid) => choose(id, bid)))
    expect(kinds.toSorted()).toEqual(['accepted', ...Array(MANY - 1).fill('taken')])
    const states = (await bidsOf(pool, id)).map((line) => line.split(' ')[2])
    expect(states.toSorted()).toEqual(['accepted', ...Array(MANY - 1).fill('lost')])
  }
  await expectSound()
})

it('one driver who bids for many trips at once has one live bid', async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const driverId = `bids-${round}`
    const acts: BidAct[] = []
    for (let n = 0; n < MANY; n += 1) {
      const { id: tripId } = await biddingTrip(pool)
      await asked(pool, tripId, driverId)
      acts.push({ act: 'place', tripId, driverId, amount: 9_000 })
    }
    expect((await race(acts)).toSorted()).toEqual([...Array(MANY - 1).fill('bid_elsewhere'), 'placed'])
  }
  await expectSound()
})

it('two riders do not get one driver, whatever he withdraws, places and accepts meanwhile', async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const driverId = `moves-${round}`
    const [one, two, three] = [await biddingTrip(pool), await biddingTrip(pool), await createdTrip(pool)]
    const bid = await bidOf(pool, one.id, driverId)
    await asked(pool, two.id, driverId)
    const offerId = idToText(await offer(pool, three.id, driverId))
    await race([
      choose(one.id, bid),
      { act: 'withdraw', tripId: one.id, driverId },
      { act: 'place', tripId: two.id, driverId, amount: 8_000 },
      { act: 'accept', tripId: three.id, driverId, offerId },
      { act: 'place', tripId: two.id, driverId, amount: 7_000 },
      choose(one.id, bid),
    ])
    const second = await rows(`SELECT id FROM trip_bids WHERE trip_id = '${two.id}' AND state = 'live'`)
    if (second[0] !== undefined) await race([choose(two.id, { id: second[0].id }), choose(one.id, bid)])
    await expectSound()
  }
})

it('a choice and a cancellation at once: the trip is cancelled, and its driver is free', async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const { id } = await biddingTrip(pool)
    const [bid, other] = [await bidOf(pool, id, `c-${round}`), await bidOf(pool, id, `c-other-${round}`)]
    const [chosen, cancelled] = await race([
      choose(id, bid),
      { act: 'cancel', tripId: id },
      choose(id, other),
    ])
    expect(cancelled).toBe('moved')
    expect(['accepted', 'taken', 'not_allowed']).toContain(chosen)
    expect((await tripRow(pool, id)).current_status).toBe('cancelled')
    await expectSound()
  }
})

it('a choice and the deadline at once: either the bid is accepted, or nothing is', async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const { id } = await biddingTrip(pool)
    const bid = await bidOf(pool, id, `e-${round}`)
    const [chosen] = await race([choose(id, bid), { act: 'expire', tripId: id }])
    const [state] = (await bidsOf(pool, id)).map((line) => line.split(' ')[2])
    expect([chosen, state]).toEqual(
      chosen === 'accepted' ? ['accepted', 'accepted'] : ['bid_expired', 'expired'],
    )
    await expectSound()
  }
})

it('a choice and the driver’s acceptance of another trip at once: he has one of them', async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const [{ id }, other] = [await biddingTrip(pool), await createdTrip(pool)]
    const driverId = `a-${round}`
    const bid = await bidOf(pool, id, driverId)
    const offerId = idToText(await offer(pool, other.id, driverId))
    const kinds = await race([choose(id, bid), { act: 'accept', tripId: other.id, driverId, offerId }])
    expect(kinds.toSorted()).toEqual(['accepted', 'driver_busy'])
    await expectSound()
  }
})
