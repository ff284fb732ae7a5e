import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { migrate } from '../db/migrate.ts'
import { SNAPSHOT } from '../src/realtime/protocol/snapshot.ts'
import { openCommands, type StandInConnection } from './support/commands.ts'
import { testDatabase } from './support/database.ts'
import { loadLaravelSchema } from './support/migrations.ts'
import { historyOf, laravelStores, tripRow } from './support/trips.ts'

const ORDER = {
  category: 'car',
  zoneId: 'zone-1',
  pickup: { latitude: 30.0444196, longitude: 31.2357116, address: 'Tahrir' },
  destination: { latitude: 30.1219, longitude: 31.4056 },
  estimatedFareMinor: 12_050,
  currency: 'EGP',
}

import { newRider, TwoProcesses } from './support/two-processes.ts'

let two: TwoProcesses

beforeAll(async () => {
  two = await TwoProcesses.open('ride-request')
})
afterAll(() => two?.close())

const ask = (rider: StandInConnection, more: object = {}, id: string = randomUUID(), on = two.here) =>
  on.say(rider, 'ride:request', { ...ORDER, ...more }, id)

const ridesOf = ({ user }: StandInConnection) =>
  two.rows('SELECT id FROM trip_requests WHERE customer_id = ?', [user.userId])

describe('ride:request', () => {
  it('stores the ride, looks for a driver, and answers with the ride as it stands', async () => {
    const rider = newRider()
    const { reply } = await ask(rider, { policy: 'nearest', paymentMethod: 'cash' })
    expect(SNAPSHOT.shape.trip.parse(reply?.data)).toEqual(reply?.data)
    expect(reply?.data).toMatchObject({
      ...{ status: 'pending', state: 'pending', customerId: rider.user.userId, driverId: null },
      ...{ pickup: ORDER.pickup, estimatedFareMinor: 12_050, paymentMethod: 'cash' },
    })
    const rideId = String(reply?.data?.rideId)
    expect(await tripRow(two.pool, rideId)).toMatchObject({ type: 'ride_request', zone_id: 'zone-1' })
    expect(await historyOf(two.pool, rideId)).toEqual(['>pending'])
    expect(await two.rows('SELECT * FROM trip_dispatches WHERE trip_id = ?', [rideId])).toMatchObject([
      { zone_id: 'zone-1', category: 'car', policy: 'nearest', round: 0 },
    ])
    expect(two.here.wakes).toContain(rideId)
  })

  it('is told to Laravel, with all that was ordered', async () => {
    const rider = newRider()
    const { reply } = await ask(rider)
    const rideId = reply?.data?.rideId
    const [callback, ...more] = await two.callbacksOf(rideId)
    expect(more).toEqual([])
    expect(callback).toMatchObject({
      event: 'ride.requested',
      data: {
        ...{ rideId, customerId: rider.user.userId, zoneId: 'zone-1', category: 'car', status: 'pending' },
        ...{ pickup: ORDER.pickup, estimatedFareMinor: 12_050, currency: 'EGP', policy: null },
      },
    })
  })

  it('said again is answered word for word, on another process too, and is one ride', async () => {
    const rider = newRider()
    const first = await ask(rider, {}, 'r-1')
    const again = await ask(rider, {}, 'r-1', two.there)
    expect([again.text, first.reply?.ok]).toEqual([first.text, true])
    expect(two.there.wakes).toEqual([])
    expect(await ridesOf(rider)).toHaveLength(1)
  })

  it('is refused while the rider has a ride, which it names, and passes when that is over', async () => {
    const rider = newRider()
    const rideId = (await ask(rider)).reply?.data?.rideId
    for (const status of ['pending', 'accepted', 'ongoing']) {
      await two.rows('UPDATE trip_requests SET current_status = ? WHERE id = ?', [status, rideId])
      expect((await ask(rider, {}, 'r-2')).reply?.error).toMatchObject({
        ...{ code: 'ride_open', retry: false, rideId },
      })
    }
    await two.rows("UPDATE trip_requests SET current_status = 'completed' WHERE id = ?", [rideId])
    expect((await ask(rider, {}, 'r-2')).reply?.ok).toBe(true)
    expect(await ridesOf(rider)).toHaveLength(2)
  })

  it('is hindered by a ride that Laravel ordered, and not by a parcel or by what was deleted', async () => {
    const [rider, sender] = [newRider(), newRider()]
    const rideId = randomUUID()
    await laravelStores(two.pool, rideId, { customer_id: rider.user.userId })
    expect((await ask(rider)).reply?.error?.rideId).toBe(rideId)
    const mine = { customer_id: sender.user.userId, current_status: 'ongoing' }
    await laravelStores(two.pool, randomUUID(), { ...mine, type: 'parcel' })
    await laravelStores(two.pool, randomUUID(), { ...mine, deleted_at: new Date() })
    expect((await ask(sender)).reply?.ok).toBe(true)
  })

  it('at once under many ids, over two processes, is one ride, and the others name it', async () => {
    for (let round = 0; round < 5; round += 1) {
      const rider = newRider()
      const heard = await Promise.all(
        Array.from({ length: 8 }, (_, n) => ask(rider, {}, `r-${n}`, n % 2 === 0 ? two.here : two.there)),
      )
      const won = heard.flatMap(({ reply }) => (reply?.ok ? [reply.data?.rideId] : []))
      expect(won).toHaveLength(1)
      for (const { reply } of heard)
        if (!reply?.ok) expect(reply?.error).toMatchObject({ code: 'ride_open', rideId: won[0] })
      expect(await ridesOf(rider)).toHaveLength(1)
    }
  })

  it('counts as a new trip, and not as any command', async () => {
    const limited = openCommands(two.database, { rules: { 'trip-create': { points: 1, seconds: 60 } } })
    const rider = newRider()
    const codes = []
    for (let n = 0; n < 2; n += 1) {
      const { reply } = await ask(rider, {}, `r-${n}`, limited)
      codes.push(reply?.error?.code ?? 'ok')
    }
    expect(codes).toEqual(['ok', 'rate_limited'])
    await limited.close()
  })

  it('is refused where the table, which is Laravel’s, asks for more than we know', async () => {
    const shared = await testDatabase('ride-request-shared', { migrated: false })
    await loadLaravelSchema(shared.address)
    await migrate(shared.address)
    const commands = openCommands(shared)
    const { reply } = await ask(newRider(), {}, 'r-1', commands)
    expect(reply?.error).toMatchObject({ code: 'order_elsewhere', retry: false })
    await commands.close()
    await shared.drop()
  })
})
