import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkInvariants } from '../simulation/invariants.ts'
import type { SimulationOptions } from '../simulation/options.ts'
import { writeReport } from '../simulation/report/report.ts'
import { type Outcome, runSimulation } from '../simulation/run.ts'
import { Service } from '../simulation/service/service.ts'
import type { Picture } from '../simulation/view/picture.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'

/** So few, and so slow, that a busy machine is in time for them. */
const OPTIONS: SimulationOptions = {
  ...{
    drivers: 12,
    requests: 8,
    minutes: 1,
    policy: 'batch',
    seed: 'suite',
    speed: 5,
    processes: 2,
    out: null,
  },
}

let database: TestDatabase
let service: Service
let folder: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'onceline-simulation-'))
  database = await testDatabase('simulation')
  const servers = { database: database.address, redis: database.redis }
  service = await Service.open({ ...OPTIONS, servers, dataDir: folder })
}, 90_000)
afterAll(async () => {
  await service?.close()
  await database?.drop()
  rmSync(folder, { recursive: true })
})

describe('a small city', () => {
  let outcome: Outcome
  const pictures: Picture[] = []

  it('drives its riders to the end, and its invariants hold', { timeout: 90_000 }, async () => {
    const watcher = { stage: () => undefined, show: (picture: Picture) => void pictures.push(picture) }
    outcome = await runSimulation(OPTIONS, service, watcher)
    expect(outcome.invariants.filter(({ holds }) => !holds)).toEqual([])
    expect(outcome.invariants.length).toBeGreaterThanOrEqual(10)
    expect(outcome.figures.requests).toBeGreaterThan(3)
    expect(outcome.figures.ends.completed).toBeGreaterThan(0)
    expect(outcome.rides.every(({ end }) => end !== null)).toBe(true)
    // A busy machine is warned of, and no failure.
    expect(outcome.serviceWords.filter((line) => !line.includes('"level":"warn"'))).toEqual([])
    expect(pictures.length).toBeGreaterThan(5)
  })

  it('is told in one page and its figures', () => {
    const { page, data } = writeReport(join(folder, 'sub', 'city.html'), outcome)
    expect(readFileSync(page, 'utf8')).toContain('all hold')
    expect(JSON.parse(readFileSync(data, 'utf8'))).toMatchObject({
      ...{ holds: true, options: { seed: 'suite' }, figures: { requests: outcome.figures.requests } },
    })
  })

  it('is not taken for whole when it is broken', async () => {
    const { pool } = database
    const [taken] = outcome.drivers.flatMap(({ works, plan }) =>
      works.map(({ rideId }) => ({ rideId, ...plan })),
    )
    if (taken === undefined) throw new Error('nobody was driven')
    const brokenBy = async (...statements: readonly [string, unknown[]][]) => {
      const connection = await pool.getConnection()
      for (const [sql, values] of statements) await connection.query(sql, values)
      connection.release()
      const { rides, drivers } = outcome
      const invariants = await checkInvariants(pool, { rides, drivers })
      return invariants.filter(({ holds }) => !holds).map(({ title }) => title)
    }
    const other = { id: 'other-trip', driver: taken.driverId }
    expect(
      await brokenBy(
        [
          `INSERT INTO trip_transitions (trip_id, version, from_state, to_state, observed, actor_type, actor_id, driver_id, at)
           SELECT ?, version, from_state, to_state, observed, actor_type, actor_id, driver_id, at FROM trip_transitions
           WHERE trip_id = ? AND to_state IN ('pending', 'accepted')`,
          [other.id, taken.rideId],
        ],
        [
          `INSERT INTO trip_requests (id, customer_id, type, current_status, driver_id, estimated_fare)
           VALUES (?, 'somebody', 'ride_request', 'accepted', ?, 1)`,
          [other.id, other.driver],
        ],
      ),
    ).toEqual([
      'No driver had two trips at once',
      'Every assignment has an offer of its own that was accepted',
      'Every trip has ended',
    ])
    expect(
      await brokenBy(
        ['DELETE FROM trip_transitions WHERE trip_id = ?', [other.id]],
        ['UPDATE trip_requests SET current_status = ?, driver_id = NULL WHERE id = ?', ['pending', other.id]],
        ['UPDATE driver_details SET availability_status = ? WHERE user_id = ?', ['on_trip', other.driver]],
        [
          'UPDATE trip_offers SET live_slot = 1 WHERE trip_id = ? AND driver_id = ?',
          [taken.rideId, other.driver],
        ],
      ),
    ).toEqual([
      'Every trip has ended',
      'Every trip that waits is looked after',
      'No offer of a trip that does not wait is open',
      'No driver without a ride counts as on one',
    ])
  })
})
