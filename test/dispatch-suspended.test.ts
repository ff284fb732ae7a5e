import { expect, test } from 'vitest'
import { testDatabase } from './support/database.ts'
import {
  letPass,
  Map2d,
  offersOf,
  openDispatchNode,
  QUICK,
  requestedTrip,
  workingDriver,
} from './support/dispatch.ts'

test('a driver whom Laravel has suspended a moment ago is offered nothing, though he is still found', async () => {
  const database = await testDatabase('dispatch-suspended')
  const map = new Map2d()
  const node = openDispatchNode(database, map, QUICK)
  try {
    for (const [n, id] of ['near', 'farther'].entries()) {
      await workingDriver(database, id)
      map.put(id, { latitude: 30.045 + n / 200, longitude: 31.236 })
    }
    await database.pool.query('ALTER TABLE driver_details ADD COLUMN is_suspended TINYINT NOT NULL DEFAULT 0')
    await database.pool.query("UPDATE driver_details SET is_suspended = 1 WHERE user_id = 'near'")
    const trip = await requestedTrip(database, QUICK)
    await letPass(database, 1_000)
    await node.dispatcher.runOnce()
    expect(await offersOf(database, trip.id)).toEqual([{ driver: 'farther', state: 'offered' }])
  } finally {
    await node.dispatcher.stop(1_000)
    await node.pool.end()
    await database.drop()
  }
})
