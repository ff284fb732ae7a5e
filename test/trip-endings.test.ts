import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RowDataPacket } from '../db/rows.ts'
import { idToText } from '../src/base/ids.ts'
import { DEFAULT_RULES, DEFAULT_SETTINGS, type DispatchRules } from '../src/matching/dispatch/settings.ts'
import { moveAndTell } from '../src/matching/trips/perform.ts'
import type { Unserved } from '../src/matching/trips/trip.ts'
import { moveCallbacksOf } from '../src/matching/trips/trip-announcement.ts'
import { PUSHES, type PushName } from '../src/realtime/protocol/pushes.ts'
import { type OpenCommands, openCommands, StandInConnection } from './support/commands.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { createdTrip, historyOf, inTx, offer, offerState, tripRow } from './support/trips.ts'

const FEE = { amountMinor: 1_500n, currency: 'EGP' }
const CHARGING: DispatchRules = {
  settingsOf: () => ({ ...DEFAULT_SETTINGS, cancellationFee: { afterMs: 60_000, fee: FEE } }),
}

let database: TestDatabase
let here: OpenCommands

beforeAll(async () => {
  database = await testDatabase('trip-endings')
  here = openCommands(database, { dispatch: CHARGING })
})
afterAll(async () => {
  await here?.close()
  await database?.drop()
})

const say = (connection: StandInConnection, event: string, data: object, on = here) =>
  on.say(connection, event, data, randomUUID())

async function rows(sql: string, values: readonly unknown[]): Promise<RowDataPacket[]> {
  const [found] = await database.pool.query<RowDataPacket[]>(sql, [...values])
  return found
}

async function lastTold({ user }: StandInConnection) {
  const [row] = await rows(
    'SELECT event, data FROM feed_messages WHERE user_id = ? ORDER BY seq DESC LIMIT 1',
    [user.userId],
  )
  if (row === undefined) return null
  const data = JSON.parse(row.data)
  PUSHES[row.event as PushName].data.strict().parse(data)
  return { event: row.event as string, data }
}

async function lastCallback(rideId: string) {
  const [row] = await rows(
    'SELECT event, payload FROM outbox WHERE ordering_key = ? ORDER BY seq DESC LIMIT 1',
    [rideId],
  )
  return row === undefined ? null : { event: row.event as string, payload: JSON.parse(row.payload) }
}

async function requestedRide() {
  const rider = new StandInConnection(randomUUID(), 'customer')
  const { id: rideId } = await createdTrip(database.pool, { customerId: rider.user.userId })
  return { rider, rideId }
}

async function acceptedRide() {
  const { rider, rideId } = await requestedRide()
  const driver = new StandInConnection(randomUUID(), 'driver')
  const offerId = idToText(await offer(database.pool, rideId, driver.user.userId))
  expect((await say(driver, 'driver:accept:ride', { rideId, offerId })).reply?.ok).toBe(true)
  return { rider, driver, rideId }
}

/** As if the driver had accepted so much earlier. */
const wait = (rideId: string, seconds: number) =>
  rows(
    "UPDATE trip_transitions SET at = at - INTERVAL ? SECOND WHERE trip_id = ? AND to_state = 'accepted'",
    [seconds, rideId],
  )

describe('a ride for which nobody was found', () => {
  const end = (tripId: string, reason: Unserved) => {
    const by = { type: 'system', id: null } as const
    const order = { to: 'cancelled', by, driverId: null, reason, finalFare: null } as const
    return inTx(database.pool, (connection) =>
      moveAndTell(connection, tripId, order, {
        rules: DEFAULT_RULES,
        callbacksOf: (change) => moveCallbacksOf(change, 'trace'),
      }),
    )
  }

  it.each([
    ['no_drivers', 'ride:no_drivers', 'ride.no_drivers'],
    ['timed_out', 'ride:timeout', 'ride.timeout'],
  ] as const)('is cancelled by the system: %s is told in its own words', async (reason, event, callback) => {
    const { rider, rideId } = await requestedRide()
    const driver = new StandInConnection(randomUUID(), 'driver')
    const asked = await offer(database.pool, rideId, driver.user.userId)
    const { moved, told } = await end(rideId, reason)
    expect(moved).toMatchObject({ kind: 'moved', trip: { state: 'cancelled' } })
    expect(await lastTold(rider)).toMatchObject({ event, data: { rideId, status: 'cancelled', reason } })
    expect(await lastCallback(rideId)).toMatchObject({
      event: callback,
      payload: { rideId, status: 'cancelled', by: 'system', reason },
    })
    expect(told.rings).toHaveLength(1)
    expect(await offerState(database.pool, asked)).toBe('withdrawn')
    expect(told.pushes).toMatchObject([
      { userId: rider.user.userId, event, seq: 1 },
      {
        userId: driver.user.userId,
        event: 'ride:offer:expired',
        data: { rideId, offerId: idToText(asked) },
      },
    ])
    expect(await rows('SELECT 1 FROM trip_dispatches WHERE trip_id = ?', [rideId])).toEqual([])
  })

  it('keeps these words to the system: a rider may say what he likes', async () => {
    const { rider, rideId } = await requestedRide()
    await say(rider, 'ride:cancel', { rideId, reason: 'no_drivers' })
    expect(await lastTold(rider)).toMatchObject({
      event: 'ride:cancelled',
      data: { cancelledBy: 'customer' },
    })
    expect((await lastCallback(rideId))?.event).toBe('ride.cancelled')
  })
})

describe('a ride that its rider cancels', () => {
  it('is told at once to whoever had it offered', async () => {
    const { rider, rideId } = await requestedRide()
    const asked = await offer(database.pool, rideId, 'd-asked')
    here.pushes.length = 0
    await say(rider, 'ride:cancel', { rideId })
    expect(here.pushes).toMatchObject([
      { event: 'ride:cancelled', userId: rider.user.userId },
      { event: 'ride:offer:expired', userId: 'd-asked', data: { rideId, offerId: idToText(asked) } },
    ])
    PUSHES['ride:offer:expired'].data.strict().parse({ rideId, offerId: idToText(asked) })
  })

  it('costs nothing while nobody drives, nor soon after a driver accepted, nor where nothing is configured', async () => {
    const free = openCommands(database)
    const [waits, early, elsewhere] = [await requestedRide(), await acceptedRide(), await acceptedRide()]
    await wait(early.rideId, 58)
    await wait(elsewhere.rideId, 600)
    for (const [ride, on] of [
      [waits, here],
      [early, here],
      [elsewhere, free],
    ] as const) {
      const { reply } = await say(ride.rider, 'ride:cancel', { rideId: ride.rideId }, on)
      expect(reply?.data).toMatchObject({ state: 'cancelled', feeMinor: null })
    }
    await free.close()
  })

  it.each(['late', 'arrived'])('%s costs the fee, which all are told and nobody charges', async (how) => {
    const { rider, driver, rideId } = await acceptedRide()
    if (how === 'late') await wait(rideId, 61)
    else await say(driver, 'driver:arrived', { rideId })
    const { reply } = await say(rider, 'ride:cancel', { rideId })
    expect(reply?.data).toMatchObject({ state: 'cancelled', feeMinor: 1_500, finalFareMinor: null })
    for (const user of [rider, driver])
      expect(await lastTold(user)).toMatchObject({
        event: 'ride:cancelled',
        data: { feeMinor: 1_500, currency: 'EGP' },
      })
    expect((await lastCallback(rideId))?.payload).toMatchObject({ feeMinor: 1_500, currency: 'EGP' })
    const stored =
      'SELECT fare_minor, currency FROM trip_transitions WHERE trip_id = ? ORDER BY version DESC LIMIT 1'
    expect(await rows(stored, [rideId])).toEqual([{ fare_minor: '1500', currency: 'EGP' }])
    expect((await tripRow(database.pool, rideId)).actual_fare).toBe('0.000')
  })

  it('costs nothing where the driver, or the system, ends it, and nothing of another currency', async () => {
    const { driver, rideId } = await acceptedRide()
    await wait(rideId, 600)
    await say(driver, 'ride:start', { rideId, otp: (await tripRow(database.pool, rideId)).otp })
    expect((await say(driver, 'ride:cancel', { rideId })).reply?.data).toMatchObject({ feeMinor: null })
    const rider = new StandInConnection(randomUUID(), 'customer')
    const { id } = await createdTrip(database.pool, {
      ...{ customerId: rider.user.userId, estimatedFare: { amountMinor: 1n, currency: 'USD' } },
    })
    const offerId = idToText(await offer(database.pool, id, 'd-usd'))
    await say(new StandInConnection('d-usd', 'driver'), 'driver:accept:ride', { rideId: id, offerId })
    await wait(id, 600)
    expect((await say(rider, 'ride:cancel', { rideId: id })).reply?.data).toMatchObject({ feeMinor: null })
  })

  it('after another driver took it over counts from his acceptance', async () => {
    const { rider, driver, rideId } = await acceptedRide()
    await wait(rideId, 600)
    await say(driver, 'ride:cancel', { rideId })
    const offerId = idToText(await offer(database.pool, rideId, 'd-next'))
    await say(new StandInConnection('d-next', 'driver'), 'driver:accept:ride', { rideId, offerId })
    expect((await say(rider, 'ride:cancel', { rideId })).reply?.data).toMatchObject({ feeMinor: null })
    expect(await historyOf(database.pool, rideId)).toHaveLength(5)
  })

  it('that Laravel gave to another without telling does not count from the acceptance before', async () => {
    const { rider, driver, rideId } = await acceptedRide()
    await wait(rideId, 600)
    await say(driver, 'ride:cancel', { rideId })
    await rows("UPDATE trip_requests SET driver_id = 'd-given', current_status = 'accepted' WHERE id = ?", [
      rideId,
    ])
    expect((await say(rider, 'ride:cancel', { rideId })).reply?.data).toMatchObject({ feeMinor: null })
  })
})

describe("a ride's code", () => {
  it('is four digits, of the rides that are ours, for the rider alone, and in no line of the log', async () => {
    const { rider, driver, rideId } = await acceptedRide()
    const { otp } = await tripRow(database.pool, rideId)
    expect(otp).toMatch(/^\d{4}$/)
    expect(await lastTold(rider)).toMatchObject({
      event: 'ride:driver_details',
      data: { rideId, driverId: driver.user.userId, otp, driver: null },
    })
    expect(await lastTold(driver)).toMatchObject({ event: 'ride:driver_assigned' })
    expect(JSON.stringify(await lastCallback(rideId))).not.toContain(`"${otp}"`)
    expect(here.lines.join('\n')).not.toContain(otp)
  })

  it('that is there already stays', async () => {
    const { rider, rideId } = await requestedRide()
    await rows("UPDATE trip_requests SET otp = '471142' WHERE id = ?", [rideId])
    const offerId = idToText(await offer(database.pool, rideId, 'd-code'))
    await say(new StandInConnection('d-code', 'driver'), 'driver:accept:ride', { rideId, offerId })
    expect((await lastTold(rider))?.data.otp).toBe('471142')
  })

  it('is not made where the table has no room for it', async () => {
    await rows('ALTER TABLE trip_requests DROP COLUMN otp', [])
    try {
      const { rider, driver, rideId } = await acceptedRide()
      expect((await lastTold(rider))?.event).toBe('ride:driver_assigned')
      expect((await say(driver, 'ride:cancel', { rideId })).reply?.data).toMatchObject({ state: 'pending' })
    } finally {
      await rows('ALTER TABLE trip_requests ADD COLUMN otp VARCHAR(191) NULL', [])
    }
  })
})
