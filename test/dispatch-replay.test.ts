import { afterAll, beforeAll, expect, test } from 'vitest'
import { readDecisionsOf, readWindowOf } from '../src/matching/dispatch/decision-reader.ts'
import { replay } from '../src/matching/dispatch/replay.ts'
import { playWindows } from '../src/matching/dispatch/windows.ts'
import type { DispatchPolicy } from '../src/matching/trips/trip.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import {
  letPass,
  Map2d,
  offersOf,
  openDispatchNode,
  QUICK,
  requestedTrip,
  workingDriver,
} from './support/dispatch.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase('dispatch-replay')
})
afterAll(() => database?.drop())

const TRIPS = 5
const DRIVERS = 4

test.each<DispatchPolicy>(['nearest', 'broadcast', 'batch', 'bidding'])(
  'what %s decided comes out again from what was kept',
  async (policy) => {
    const settings = { ...QUICK, policy, maxDrivers: 2 }
    const map = new Map2d()
    const zoneId = `zone-${policy}`
    for (let index = 0; index < DRIVERS; index += 1) {
      await workingDriver(database, `${policy}-${index}`)
      map.put(`${policy}-${index}`, { latitude: 30.04 + index / 100, longitude: 31.24 }, zoneId)
    }
    const node = openDispatchNode(database, map, settings)
    const trips = []
    for (let index = 0; index < TRIPS; index += 1) {
      const pickup = { latitude: 30.06 - index / 100, longitude: 31.23, address: null }
      trips.push(
        await requestedTrip(database, settings, { customerId: `c-${policy}-${index}`, zoneId, pickup }),
      )
    }
    // Twice, so that some are asked again after others let it pass.
    for (const ms of [2_500, settings.biddingMs]) {
      await playWindows(node.tools)
      await letPass(database, ms)
      await node.dispatcher.runOnce()
      await playWindows(node.tools)
    }
    await node.dispatcher.stop(1_000)
    const verdicts: string[] = []
    for (const { id } of trips)
      for (const decision of await readDecisionsOf(node.pool, id, 100))
        verdicts.push(replay(decision, await readWindowOf(node.pool, decision)).verdict)
    const made = (await Promise.all(trips.map(({ id }) => offersOf(database, id)))).flat()
    await node.pool.end()
    expect(made.length).toBeGreaterThan(DRIVERS / 2)
    expect(new Set(verdicts)).not.toContain('differs')
    expect(verdicts).toContain('same')
  },
)
