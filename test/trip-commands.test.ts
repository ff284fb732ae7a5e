import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RowDataPacket } from '../db/rows.ts'
import { idToText } from '../src/base/ids.ts'
import { SNAPSHOT } from '../src/realtime/protocol/snapshot.ts'
import { type Heard, type OpenCommands, openCommands, StandInConnection } from './support/commands.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { createdTrip, historyOf, laravelStores, offer, offerState, tripRow } from './support/trips.ts'

let database: TestDatabase
let here: OpenCommands
let there: OpenCommands

beforeAll(async () => {
  database = await testDatabase('trip-commands')
  here = openCommands(database)
  there = openCommands(database)
})
afterAll(async () => {
  await here?.close()
  await there?.close()
  await database?.drop()
})

interface Ride {
  readonly rideId: string
  readonly rider: StandInConnection
  readonly driver: StandInConnection
}

/** A ride that was accepted, with its two users. */
async function acceptedRide(): Promise<Ride> {
  const { rideId, rider, driver, offerId } = await offeredRide()
  const heard = await here.say(driver, 'driver:accept:ride', { rideId, offerId }, randomUUID())
  expect(heard.reply?.ok).toBe(true)
  return { rideId, rider, driver }
}

async function offeredRide() {
  const rider = new StandInConnection(randomUUID(), 'customer')
  const driver = new StandInConnection(randomUUID(), 'driver')
  const { id: rideId } = await createdTrip(database.pool, { customerId: rider.user.userId })
  const offerId = idToText(await offer(database.pool, rideId, driver.user.userId))
  return { rideId, rider, driver, offerId }
}

/** Each with an id of its own. */
const say = (connection: StandInConnection, event: string, data: object) =>
  here.say(connection, event, data, randomUUID())
const codeOf = ({ reply }: Heard) => (reply?.ok ? 'ok' : reply?.error?.code)

const otpOf = async (rideId: string) => (await tripRow(database.pool, rideId)).otp
const setOtp = (rideId: string, otp: string | null) =>
  database.pool.query('UPDATE trip_requests SET otp = ? WHERE id = ?', [otp, rideId])

async function callbacksOf(rideId: string): Promise<RowDataPacket[]> {
  const [rows] = await database.pool.query<RowDataPacket[]>(
    'SELECT event, payload FROM outbox WHERE ordering_key = ? ORDER BY id',
    [rideId],
  )
  return rows
}

async function feedEvents({ user }: StandInConnection): Promise<string[]> {
  const [rows] = await database.pool.query<RowDataPacket[]>(
    'SELECT event FROM feed_messages WHERE user_id = ? ORDER BY seq',
    [user.userId],
  )
  return rows.map(({ event }) => event)
}

describe('driver:accept:ride', () => {
  it('gives the driver the ride, says so in the reply and in the push that apps know, and tells all whom it concerns', async () => {
    const { rideId, rider, driver, offerId } = await offeredRide()
    const loser = new StandInConnection(randomUUID(), 'driver')
    const lost = await offer(database.pool, rideId, loser.user.userId)
    const from = here.pushes.length
    const heard = await here.say(driver, 'driver:accept:ride', { rideId, offerId })
    expect(heard.reply).toMatchObject({
      re: 'c1',
      ok: true,
      data: { rideId, status: 'accepted', state: 'accepted', driverId: driver.user.userId, currency: 'EGP' },
    })
    expect(SNAPSHOT.shape.trip.parse(heard.reply?.data)).toEqual(heard.reply?.data)
    expect(heard.pushes).toEqual([{ event: 'ride:accept:success', data: { rideId, offerId } }])
    expect(await feedEvents(rider)).toEqual(['ride:driver_assigned', 'ride:driver_details'])
    expect(await feedEvents(driver)).toEqual(['ride:driver_assigned'])
    expect(here.pushes.slice(from)).toMatchObject([
      { event: 'ride:driver_assigned', seq: 1 },
      { event: 'ride:driver_assigned', seq: 1 },
      { event: 'ride:driver_details', seq: 2, userId: rider.user.userId },
      { event: 'ride:taken', userId: loser.user.userId, data: { rideId } },
    ])
    expect(await offerState(database.pool, lost)).toBe('lost')
    expect((await callbacksOf(rideId)).map(({ event }) => event)).toEqual(['ride.accepted'])
    expect(here.rings.length).toBeGreaterThan(0)
    const again = await there.say(driver, 'driver:accept:ride', { rideId, offerId })
    expect([again.text, again.pushes]).toEqual([heard.text, heard.pushes])
    expect(await feedEvents(rider)).toHaveLength(2)
  })

  it('of several drivers at once, over several processes, lets one have it, and tells the others why', async () => {
    const { rideId } = await offeredRide()
    const drivers = Array.from({ length: 8 }, () => new StandInConnection(randomUUID(), 'driver'))
    const offers = await Promise.all(
      drivers.map(async ({ user }) => idToText(await offer(database.pool, rideId, user.userId))),
    )
    const heard = await Promise.all(
      drivers.map((driver, n) =>
        (n % 2 === 0 ? here : there).say(driver, 'driver:accept:ride', { rideId, offerId: offers[n] }),
      ),
    )
    const winners = heard.filter(({ reply }) => reply?.ok)
    expect(winners).toHaveLength(1)
    for (const { reply, pushes } of heard.filter((one) => !one.reply?.ok)) {
      expect(reply?.error).toMatchObject({ code: 'trip_taken', retry: false })
      expect(pushes).toMatchObject([{ event: 'ride:accept:failed', data: { rideId, code: 'trip_taken' } }])
    }
    const { driver_id: driverId } = await tripRow(database.pool, rideId)
    expect(driverId).toBe(winners[0]?.reply?.data?.driverId)
  })

  it('is not called failed where it has to be said again, since the ride may be his', async () => {
    const { rideId, offerId, driver } = await offeredRide()
    const away = openCommands(database)
    await away.pool.end()
    const command = ['driver:accept:ride', { rideId, offerId }, randomUUID()] as const
    const unknown = await away.say(driver, ...command)
    away.limits.close()
    expect([unknown.reply?.error, unknown.pushes]).toMatchObject([{ code: 'unavailable', retry: true }, []])
    expect(unknown.pushes).toEqual([])
    expect((await here.say(driver, ...command)).pushes).toMatchObject([{ event: 'ride:accept:success' }])
  })

  it('refuses what was not offered to him, whether there is such a ride or not, in the same words', async () => {
    const { rideId, offerId, driver } = await offeredRide()
    const stranger = new StandInConnection(randomUUID(), 'driver')
    const answers = [
      await say(stranger, 'driver:accept:ride', { rideId, offerId }),
      await say(stranger, 'driver:accept:ride', { rideId: randomUUID(), offerId }),
      await say(driver, 'driver:accept:ride', { rideId: randomUUID(), offerId }),
    ]
    expect(answers.map(codeOf)).toEqual(['offer_unknown', 'offer_unknown', 'offer_unknown'])
    expect(new Set(answers.map(({ reply }) => reply?.error?.message)).size).toBe(1)
  })

  it('refuses an offer whose time is over, and a driver who is on another ride', async () => {
    const { rideId, driver } = await offeredRide()
    const late = idToText(await offer(database.pool, rideId, driver.user.userId, { seconds: -1 }))
    expect(codeOf(await say(driver, 'driver:accept:ride', { rideId, offerId: late }))).toBe('offer_expired')
    const busy = await acceptedRide()
    const offerId = idToText(await offer(database.pool, rideId, busy.driver.user.userId))
    expect(codeOf(await say(busy.driver, 'driver:accept:ride', { rideId, offerId }))).toBe('driver_busy')
  })
})

describe('a ride', () => {
  it('goes its way by its driver’s commands, each of them told to both and to Laravel', async () => {
    const { rideId, rider, driver } = await acceptedRide()
    const arrived = await say(driver, 'driver:arrived', { rideId })
    expect(arrived.reply?.data).toMatchObject({ status: 'accepted', state: 'arrived' })
    expect(arrived.pushes).toEqual([{ event: 'trip:arrival:confirmed', data: { rideId } }])
    const otp = await otpOf(rideId)
    expect((await say(driver, 'ride:start', { rideId, otp })).reply?.data).toMatchObject({ state: 'ongoing' })
    const completed = await say(driver, 'ride:complete', { rideId })
    expect(completed.reply?.data).toMatchObject({ state: 'completed', finalFareMinor: null })
    const told = ['ride:driver_assigned', 'ride:driver_arrived', 'ride:started', 'ride:completed']
    expect(await feedEvents(driver)).toEqual(told)
    expect(await feedEvents(rider)).toEqual(told.toSpliced(1, 0, 'ride:driver_details'))
    const callbacks = await callbacksOf(rideId)
    expect(callbacks.map(({ event }) => event)).toEqual([
      ...['ride.accepted', 'ride.arrived', 'ride.started', 'ride.completed'],
    ])
    expect(JSON.parse(callbacks[3]?.payload)).toMatchObject({
      ...{ rideId, status: 'completed', by: 'driver', driverId: driver.user.userId },
      customerId: rider.user.userId,
    })
    expect(await historyOf(database.pool, rideId)).toEqual([
      ...['>pending', 'pending>accepted', 'accepted>arrived', 'arrived>ongoing', 'ongoing>completed'],
    ])
  })

  it('that stands there already is no news and no error; what cannot be is refused', async () => {
    const { rideId, driver } = await acceptedRide()
    await say(driver, 'driver:arrived', { rideId })
    expect(codeOf(await say(driver, 'driver:arrived', { rideId }))).toBe('ok')
    expect(await feedEvents(driver)).toHaveLength(2)
    const refused = await say(driver, 'ride:complete', { rideId })
    expect(refused.reply?.error).toMatchObject({
      code: 'transition_not_allowed',
      message: 'A trip that is arrived cannot become completed.',
      retry: false,
    })
  })

  it('is cancelled by its rider, with a reason', async () => {
    const { rideId, rider, driver } = await acceptedRide()
    const heard = await say(rider, 'ride:cancel', { rideId, reason: 'a flat' })
    expect(heard.reply?.data).toMatchObject({ rideId, state: 'cancelled', feeMinor: null })
    const [{ data } = { data: '' }] = (
      await database.pool.query<RowDataPacket[]>(
        "SELECT data FROM feed_messages WHERE user_id = ? AND event = 'ride:cancelled'",
        [driver.user.userId],
      )
    )[0]
    expect(JSON.parse(data)).toMatchObject({ cancelledBy: 'customer', reason: 'a flat', feeMinor: null })
    expect((await callbacksOf(rideId)).at(-1)?.event).toBe('ride.cancelled')
  })

  it('asks for the rider’s code where one is stored, and for none where there is none', async () => {
    const { rideId, driver } = await acceptedRide()
    await setOtp(rideId, '4711')
    for (const wrong of [{}, { otp: null }, { otp: '4712' }, { otp: '47110' }, { otp: '４７１１' }]) {
      const heard = await say(driver, 'ride:start', { rideId, ...wrong })
      expect(heard.reply?.error).toMatchObject({ code: 'otp_wrong', retry: false })
      expect(heard.text).not.toContain('4711')
    }
    expect((await tripRow(database.pool, rideId)).current_status).toBe('accepted')
    expect(codeOf(await say(driver, 'ride:start', { rideId, otp: '4711' }))).toBe('ok')
    const without = await acceptedRide()
    await setOtp(without.rideId, null)
    expect(codeOf(await say(without.driver, 'ride:start', { rideId: without.rideId, otp: '1' }))).toBe('ok')
  })

  it('does not let its code be guessed', async () => {
    const { rideId, driver } = await acceptedRide()
    await setOtp(rideId, '4711')
    const limited = openCommands(database, { rules: { command: { points: 600, seconds: 60 } } })
    const codes = []
    for (let n = 0; n < 11; n += 1)
      codes.push(codeOf(await limited.say(driver, 'ride:start', { rideId, otp: String(n) }, randomUUID())))
    expect(codes.filter((code) => code === 'otp_wrong')).toHaveLength(10)
    expect(codes.at(-1)).toBe('rate_limited')
    await limited.close()
  })

  it('that was Laravel’s move already is not told to Laravel', async () => {
    const [rideId, driver] = [randomUUID(), new StandInConnection(randomUUID(), 'driver')]
    await laravelStores(database.pool, rideId, { driver_id: driver.user.userId, current_status: 'ongoing' })
    expect(codeOf(await say(driver, 'ride:start', { rideId }))).toBe('ok')
    expect(await callbacksOf(rideId)).toEqual([])
  })
})
