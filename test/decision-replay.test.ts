import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Pool } from '../db/pools.ts'
import type { RowDataPacket } from '../db/rows.ts'
import type { DecisionDocument } from '../src/matching/dispatch/decision.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { candidateOf, decideFor } from './support/decisions.ts'
import { explained } from './support/explanations.ts'
import { createdTrip } from './support/trips.ts'

let database: TestDatabase
let pool: Pool

beforeAll(async () => {
  database = await testDatabase('decision-replay')
  pool = database.pool
})
afterAll(() => database?.drop())

describe('a decision made again', () => {
  it('comes to the same for every policy, and to nothing where the time was over', async () => {
    const candidates = Array.from({ length: 30 }, (_, index) =>
      candidateOf(`d-r${index}`, 60 + ((index * 37) % 200), {
        acceptanceRate: index % 3 === 0 ? null : index / 30,
        idleSeconds: index * 90,
        positionAgeMs: index * 213,
      }),
    )
    for (const policy of ['nearest', 'broadcast', 'bidding'] as const) {
      const { id: tripId } = await createdTrip(pool)
      await decideFor(pool, [{ tripId, candidates }], { policy, settings: { maxDrivers: 4 } })
      await decideFor(pool, [{ tripId }], { policy, round: 1 })
      await decideFor(pool, [{ tripId }], { policy, round: 2, outcome: 'timed_out' })
      const { verdicts, text } = await explained(pool, tripId, true)
      expect(verdicts, policy).toEqual(['same', 'same', 'no_policy'])
      expect(text).toContain('✔ made again, it comes to the same')
      expect(text).toContain('… and 10 more (--json lists all)')
    }
  })

  it('tells a driver whom the policy would not ask, another cost, and one who was left out', async () => {
    const { id: tripId } = await createdTrip(pool)
    const candidates = [candidateOf('d-8', 60), candidateOf('d-9', 70), candidateOf('d-10', 80)]
    const spec = { policy: 'broadcast', settings: { maxDrivers: 2 } } as const
    for (const round of [0, 1, 2]) await decideFor(pool, [{ tripId, candidates }], { ...spec, round })
    await mend(tripId, 0, (offers) => offers.map((offer) => ({ ...offer, cost: offer.cost + 1 })))
    await mend(tripId, 1, ([first, ...rest]) => (first ? [{ ...first, driverId: 'd-10' }, ...rest] : rest))
    await mend(tripId, 2, (offers) => offers.slice(1))
    const { replays, text } = await explained(pool, tripId, true)
    expect(replays).toMatchObject([
      { verdict: 'differs' },
      { verdict: 'differs', planned: [{ driverId: 'd-8', cost: 61 }, { driverId: 'd-9' }] },
      { verdict: 'left_out', driverIds: ['d-8'] },
    ])
    expect(text).toContain('✘ made again, it asks d-8 at 61.0, d-9 at 71.0')
    expect(text).toContain('could not be asked any more in that moment: d-8')
  })

  it('of a window is made with all of it, and with nothing of another zone', async () => {
    const [one, other, elsewhere] = await Promise.all([
      createdTrip(pool),
      createdTrip(pool),
      createdTrip(pool),
    ])
    // Each would have d-11; the other one has it, because it has only a far one beside him.
    const asked = await decideFor(
      pool,
      [
        { tripId: one.id, candidates: [candidateOf('d-11', 50), candidateOf('d-12', 90)] },
        { tripId: other.id, candidates: [candidateOf('d-11', 60), candidateOf('d-13', 900)] },
      ],
      { policy: 'batch', windowNumber: 7 },
    )
    expect([...(asked.get(one.id)?.keys() ?? [])]).toEqual(['d-12'])
    // A window of the same number, at the same time, that would take d-12 away.
    await decideFor(
      pool,
      [{ tripId: elsewhere.id, zoneId: 'zone-2', candidates: [candidateOf('d-12', 1)], waitedMs: 90_000 }],
      { policy: 'batch', windowNumber: 7 },
    )
    for (const { id } of [one, other, elsewhere]) {
      const { verdicts, json } = await explained(pool, id, true)
      expect(verdicts).toEqual(['same'])
      expect(json.decisions).toMatchObject([{ windowNumber: 7, replay: { verdict: 'same' } }])
    }
    await pool.query('DELETE FROM dispatch_decisions WHERE trip_id = ?', [other.id])
    expect((await explained(pool, one.id, true)).verdicts, 'alone it has d-11').toEqual(['differs'])
  })
})

type Offers = DecisionDocument['offers']

/** Writes other offers into what was kept. */
async function mend(tripId: string, round: number, change: (offers: Offers) => Offers): Promise<void> {
  const where = 'WHERE trip_id = ? AND round = ?'
  const [[row]] = await pool.query<RowDataPacket[]>(`SELECT document FROM dispatch_decisions ${where}`, [
    tripId,
    round,
  ])
  const document: DecisionDocument = JSON.parse(row?.document)
  const text = JSON.stringify({ ...document, offers: change(document.offers) })
  await pool.query(`UPDATE dispatch_decisions SET document = ? ${where}`, [text, tripId, round])
}
