import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readDecisionsOf, readWindowOf } from '../src/matching/dispatch/decision-reader.ts'
import { readOngoingSearch } from '../src/matching/dispatch/search-reader.ts'
import { readOfferStories } from '../src/matching/offers/offer-history.ts'
import { moveTripIn } from '../src/matching/trips/move.ts'
import { listTrips } from '../src/matching/trips/trip-list.ts'
import { type CliEnv, envOf, onceline, oncelineJson } from './support/cli.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { answerOffer, candidateOf, decideFor } from './support/decisions.ts'
import { keysOf } from './support/explain.ts'
import { createdTrip, inTx, moveOf } from './support/trips.ts'

/** Every process compiles its modules, on two cores that others use too. */
const TIMEOUT_MS = 60_000
let database: TestDatabase
let env: CliEnv

beforeAll(async () => {
  database = await testDatabase('trips-cli')
  env = envOf(database)
})
afterAll(() => database?.drop())

describe('onceline trips', { timeout: TIMEOUT_MS }, () => {
  it('lists, shows and explains', async () => {
    const { id: tripId } = await createdTrip(database.pool, { zoneId: 'giza' })
    const candidates = [candidateOf('d-1', 60), candidateOf('d-2', 70)]
    const asked = await decideFor(database.pool, [{ tripId, zoneId: 'giza', candidates }], {
      policy: 'broadcast',
    })
    await answerOffer(database.pool, asked.get(tripId)?.get('d-2'), 'rejected', { reason: 'lunch' })

    const listed = await oncelineJson(env, 'trips', 'list', '--zone', 'giza', '--state', 'pending')
    expect(listed).toMatchObject({
      code: 0,
      json: {
        trips: [
          { id: tripId, state: 'pending', zoneId: 'giza', estimatedFareMinor: 12_050, currency: 'EGP' },
        ],
        next: null,
      },
    })
    const shown = await onceline(env, 'trips', 'show', tripId)
    expect(shown.code).toBe(0)
    expect(shown.stdout.toString()).toMatch(/d-2 +700 m +1 min 40 s +rejected +4 s +lunch/)
    const told = await oncelineJson(env, 'trips', 'explain', tripId, '--replay')
    expect(told).toMatchObject({
      code: 0,
      json: {
        decisions: [
          {
            candidates: [
              { rank: 1, driverId: 'd-1', offer: { state: 'offered' } },
              { rank: 2, driverId: 'd-2', offer: { state: 'rejected', reason: 'lunch' } },
            ],
            replay: { verdict: 'same' },
          },
        ],
      },
    })
    expect((await onceline(env, 'trips', 'explain', tripId)).stdout.toString()).toContain('Decision 1, ')
    await database.pool.query(
      `UPDATE dispatch_decisions SET document = REPLACE(document, '"cost":61', '"cost":60') WHERE trip_id = ?`,
      [tripId],
    )
    const differs = await oncelineJson(env, 'trips', 'explain', tripId, '--replay')
    expect(differs).toMatchObject({ code: 1, json: { decisions: [{ replay: { verdict: 'differs' } }] } })
    const unknown = await oncelineJson(env, 'trips', 'explain', randomUUID())
    expect(unknown).toMatchObject({ code: 1, json: { error: { code: 'not_found' } } })
  })
})

describe('the list of trips', () => {
  it('has the newest first, page by page, by state and zone', async () => {
    const zoneId = 'zone-of-the-list'
    const ids: string[] = []
    for (let count = 0; count < 7; count += 1) ids.unshift((await createdTrip(database.pool, { zoneId })).id)
    // Some of the same moment: the id decides.
    await database.pool.query(`UPDATE trip_details SET created_at = '2026-11-01' WHERE trip_id IN (?)`, [
      ids.slice(4),
    ])
    const order = [...ids.slice(0, 4), ...ids.slice(4).toSorted().toReversed()]
    const page = async (after?: string) => {
      const found = await listTrips(database.pool, { zoneId }, { limit: 3, after })
      return { ids: found?.trips.map(({ id }) => id), next: found?.next }
    }
    expect(await page()).toEqual({ ids: order.slice(0, 3), next: order[2] })
    expect(await page(order[2])).toEqual({ ids: order.slice(3, 6), next: order[5] })
    expect(await page(order[5])).toEqual({ ids: order.slice(6), next: null })
    expect(await listTrips(database.pool, {}, { limit: 3, after: randomUUID() })).toBeNull()

    const [first = '', second = '', third = ''] = ids
    await inTx(database.pool, (connection) => moveTripIn(connection, first, moveOf('cancelled')))
    await database.pool.query(`UPDATE trip_requests SET current_status = 'halted' WHERE id = ?`, [second])
    await database.pool.query('UPDATE trip_requests SET deleted_at = UTC_TIMESTAMP() WHERE id = ?', [third])
    const all = await listTrips(database.pool, { zoneId }, { limit: 50 })
    expect(all?.trips.slice(0, 2)).toMatchObject([
      { id: first, state: 'cancelled' },
      { id: second, state: null, status: 'halted' },
    ])
    expect(all?.trips).toHaveLength(6)
    const cancelled = await listTrips(database.pool, { zoneId, state: 'cancelled' }, { limit: 50 })
    expect(cancelled?.trips.map(({ id }) => id)).toEqual([first])
    expect((await listTrips(database.pool, { zoneId: 'nowhere' }, { limit: 50 }))?.trips).toEqual([])
  })
})

describe('what explains a trip', () => {
  it('is read by indexes', async () => {
    const { id: tripId } = await createdTrip(database.pool)
    for (let count = 0; count < 100; count += 1) {
      const other = { tripId: randomUUID(), candidates: [candidateOf(`d-${count}`, 60)] }
      await decideFor(database.pool, [other], { policy: 'batch', windowNumber: count })
    }
    await decideFor(database.pool, [{ tripId, candidates: [candidateOf('d-x', 60)] }], {
      policy: 'batch',
      windowNumber: 4,
    })
    await Promise.all(Array.from({ length: 100 }, () => createdTrip(database.pool)))
    const rows = Array.from({ length: 100 }, (_, index) => [index === 7 ? tripId : randomUUID()])
    await database.pool.query(
      `INSERT INTO trip_dispatches (trip_id, zone_id, category, policy, round, asked, since, deadline_at, next_at)
       VALUES ${rows.map(() => "(?, 'z', 'car', 'batch', 0, 0, UTC_TIMESTAMP(3), UTC_TIMESTAMP(3), UTC_TIMESTAMP(3))").join(', ')}
       ON DUPLICATE KEY UPDATE asked = 0`,
      rows,
    )
    await database.pool.query(
      'ANALYZE TABLE dispatch_decisions, trip_offers, trip_details, trip_requests, trip_transitions, trip_dispatches',
    )
    const [decision] = await readDecisionsOf(database.pool, tripId, 10)
    if (decision === undefined) throw new Error('nothing is kept')
    const keys = (work: Parameters<typeof keysOf>[1], answer?: unknown) => keysOf(database, work, answer)
    expect(await keys((connection) => readDecisionsOf(connection, tripId, 10))).toEqual([
      ['decisions_by_trip'],
    ])
    expect(await keys((connection) => readWindowOf(connection, decision))).toEqual([['PRIMARY']])
    expect(await keys((connection) => readOfferStories(connection, tripId, 10))).toEqual([['offers_by_trip']])
    expect(await keys((connection) => readOngoingSearch(connection, tripId))).toEqual([['PRIMARY']])
    const row = { trip_id: tripId, created_at: new Date(), estimated_fare_minor: 1, currency: 'EGP' }
    const list = await keys((connection) => listTrips(connection, {}, { limit: 10, after: tripId }), [row])
    expect(list).toEqual([['PRIMARY'], ['details_by_time'], ['PRIMARY'], ['PRIMARY']])
  })
})
