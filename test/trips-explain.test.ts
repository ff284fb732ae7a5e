import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Pool } from '../db/pools.ts'
import { newId } from '../src/base/ids.ts'
import { endBids, insertBid } from '../src/matching/bids/bid-store.ts'
import { acceptTripIn } from '../src/matching/trips/accept.ts'
import { moveTripIn } from '../src/matching/trips/move.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { answerOffer, candidateOf, decideFor } from './support/decisions.ts'
import { explained } from './support/explanations.ts'
import { createdTrip, inTx, moveOf } from './support/trips.ts'

let database: TestDatabase
let pool: Pool

beforeAll(async () => {
  database = await testDatabase('trips-explain')
  pool = database.pool
})
afterAll(() => database?.drop())

describe('the story of a trip', () => {
  it('says who could be asked, at what cost, who was, and what came of it', async () => {
    const { id: tripId } = await createdTrip(pool)
    const [near, far] = [candidateOf('d-near', 100), candidateOf('d-far', 300, { acceptanceRate: 0.5 })]
    const first = await decideFor(
      pool,
      [{ tripId, candidates: [far, near], excluded: [{ driverId: 'd-busy', why: 'on_ride' }] }],
      { policy: 'nearest' },
    )
    await answerOffer(pool, first.get(tripId)?.get('d-near'), 'rejected', { reason: 'too \u001b[31mfar' })
    const again = await decideFor(
      pool,
      [{ tripId, candidates: [far], excluded: [{ driverId: 'd-near', why: 'was_asked' }], waitedMs: 4_300 }],
      { policy: 'nearest', round: 1 },
    )
    const offerId = again.get(tripId)?.get('d-far')
    if (offerId === undefined) throw new Error('nobody was asked')
    await inTx(pool, (connection) => acceptTripIn(connection, { tripId, driverId: 'd-far', offerId }))
    await answerOffer(pool, offerId, 'accepted', { afterSeconds: 6 })

    const { json, text } = await explained(pool, tripId)
    expect(json.decisions).toMatchObject([
      {
        round: 0,
        policy: 'nearest',
        outcome: 'offered',
        candidates: [
          { rank: 1, driverId: 'd-near', cost: 101, offer: { state: 'rejected', afterMs: 4_000 } },
          { rank: 2, driverId: 'd-far', cost: 331, offer: null },
        ],
        excluded: [{ driverId: 'd-busy', why: 'on_ride' }],
      },
      {
        round: 1,
        candidates: [{ rank: 1, driverId: 'd-far', offer: { state: 'accepted', afterMs: 6_000 } }],
      },
    ])
    expect(json.decisions[0]).not.toHaveProperty('replay')
    expect(json.ending).toBe(
      'Driver d-far has it: he was asked as number 1 of 1, 5 min away at a cost of 331.0, and accepted after 6 s; ' +
        'of the others who were asked 1 rejected.',
    )
    for (const part of [
      'Decision 1, ',
      'nearest asked 1 of 2',
      'not asked, on a ride: d-busy',
      'not asked, was asked for this trip before: d-near',
      'within 1, 2, 4, 7, 10 km; at most 10 at once, 15 s each',
      json.ending,
    ])
      expect(text).toContain(part)
    expect(text).toMatch(
      /^1 +d-near +700 m +1 min 40 s +1 s ago +100 % +1 h +101\.0 +rejected +4 s +too \\u001b\[31mfar$/m,
    )
    expect(text).not.toContain('made again')
  })

  it('of a trip that found nobody says who was near, and why not he', async () => {
    const { id: tripId } = await createdTrip(pool)
    const excluded = [
      { driverId: 'd-1', why: 'has_offers' },
      { driverId: 'd-2', why: 'has_offers' },
      { driverId: 'd-3', why: 'offline' },
    ] as const
    await decideFor(pool, [{ tripId, excluded }], { policy: 'broadcast' })
    await decideFor(pool, [{ tripId, waitedMs: 61_000 }], {
      policy: 'broadcast',
      round: 1,
      outcome: 'no_drivers',
    })
    await cancelled(tripId, 'no_drivers')
    const { json, text } = await explained(pool, tripId)
    expect(json.ending).toMatch(
      /^Nobody could be asked for .*, and it ended as no_drivers; of those who were near 2 has offers, 1 offline\.$/,
    )
    expect(text).toContain('gave up: nobody could be asked for too long (no_drivers)')
    expect(text).toContain('nobody who could be asked')
  })

  it('of a trip that nobody took says who was asked', async () => {
    const { id: tripId } = await createdTrip(pool)
    const asked = await decideFor(
      pool,
      [{ tripId, candidates: [candidateOf('d-4', 60), candidateOf('d-5', 70)] }],
      { policy: 'broadcast' },
    )
    await answerOffer(pool, asked.get(tripId)?.get('d-4'), 'expired', { afterSeconds: 15 })
    await answerOffer(pool, asked.get(tripId)?.get('d-5'), 'rejected')
    await cancelled(tripId, 'timed_out')
    const { json } = await explained(pool, tripId)
    expect(json.ending).toMatch(
      /^After .* with 2 offers to 2 drivers it ended as timed_out: 1 expired, 1 rejected\.$/,
    )
  })

  it('of a trip that is bid for says what the rider chose from', async () => {
    const { id: tripId, customerId } = await createdTrip(pool)
    const asked = await decideFor(
      pool,
      [{ tripId, candidates: [candidateOf('d-6', 60), candidateOf('d-7', 70)] }],
      { policy: 'bidding' },
    )
    for (const [driverId, amountMinor] of [
      ['d-6', 13_000n],
      ['d-7', 11_000n],
    ] as const) {
      const offerId = asked.get(tripId)?.get(driverId) ?? newId()
      const bid = {
        ...{ id: newId(), tripId, customerId: customerId ?? '', driverId, offerId },
        ...{ fare: { amountMinor, currency: 'EGP' }, distanceMeters: 700, etaSeconds: 100 },
        expiresAt: new Date(Date.now() + 60_000),
      }
      await inTx(pool, async (connection) => {
        await insertBid(connection, bid)
        await endBids(connection, [bid.id], driverId === 'd-6' ? 'accepted' : 'lost')
      })
    }
    await pool.query(`UPDATE trip_requests SET driver_id = 'd-6', current_status = 'accepted' WHERE id = ?`, [
      tripId,
    ])
    await answerOffer(pool, asked.get(tripId)?.get('d-6'), 'accepted')
    await answerOffer(pool, asked.get(tripId)?.get('d-7'), 'lost')
    const { json, text } = await explained(pool, tripId)
    expect(json.ending).toContain(
      'and the rider chose his bid of 130.00 EGP, of 2, the lowest of them 110.00 EGP; of the others who were asked 1 lost.',
    )
    expect(json.bids).toMatchObject([
      { driverId: 'd-6', amountMinor: 13_000, state: 'accepted' },
      { driverId: 'd-7', amountMinor: 11_000, state: 'lost' },
    ])
    expect(text).toMatch(/d-7 +110\.00 EGP +1 min 40 s +lost/)
  })

  it('that goes on says when it is looked at again, and one without a search that nobody looks', async () => {
    const { id: tripId } = await createdTrip(pool)
    await pool.query('DELETE FROM trip_dispatches WHERE trip_id = ?', [tripId])
    expect((await explained(pool, tripId)).json.ending).toBe('It waits, and nobody looks for a driver.')
    await pool.query(
      `INSERT INTO trip_dispatches (trip_id, zone_id, category, policy, round, asked, since, deadline_at, next_at)
       VALUES (?, 'zone-1', 'car', 'batch', 1, 1, '2026-11-30 10:00:00', '2026-11-30 10:02:00', '2026-11-30 10:00:15.5')`,
      [tripId],
    )
    const { json } = await explained(pool, tripId)
    expect(json.ending).toBe(
      'A driver is looked for by batch: 1 decision, 1 offer so far; the next look is at 10:00:15.500Z, the last at 10:02:00.000Z.',
    )
    expect(json.search).toMatchObject({
      policy: 'batch',
      zoneId: 'zone-1',
      nextAt: '2026-11-30T10:00:15.500Z',
    })
    await cancelled(tripId, 'changed my mind')
    expect((await explained(pool, tripId)).json.ending).toContain(
      '(changed my mind); 0 offers to 0 drivers had been made.',
    )
  })
})

async function cancelled(tripId: string, reason: string): Promise<void> {
  const order = moveOf('cancelled', { by: { type: 'system', id: null }, reason })
  await inTx(pool, (connection) => moveTripIn(connection, tripId, order))
}
