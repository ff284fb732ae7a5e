import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { idToText } from '../src/base/ids.ts'
import { SNAPSHOT } from '../src/realtime/protocol/snapshot.ts'
import { openCommands } from './support/commands.ts'
import { historyOf, laravelStores, offer, offerState, tripRow } from './support/trips.ts'
import { codeOf, newDriver, TwoProcesses } from './support/two-processes.ts'

let two: TwoProcesses

beforeAll(async () => {
  two = await TwoProcesses.open('trip-commands')
})
afterAll(() => two?.close())

const otpOf = async (rideId: string) => (await tripRow(two.pool, rideId)).otp
const setOtp = (rideId: string, otp: string | null) =>
  two.pool.query('UPDATE trip_requests SET otp = ? WHERE id = ?', [otp, rideId])

describe('driver:accept:ride', () => {
  it('gives the driver the ride, says so in the reply and in the push that apps know, and tells all whom it concerns', async () => {
    const { rideId, rider, driver, offerId: id } = await two.offeredRide()
    const offerId = idToText(id)
    const loser = newDriver()
    const lost = await offer(two.pool, rideId, loser.user.userId)
    const from = two.here.pushes.length
    const heard = await two.here.say(driver, 'driver:accept:ride', { rideId, offerId })
    expect(heard.reply).toMatchObject({
      re: 'c1',
      ok: true,
      data: { rideId, status: 'accepted', state: 'accepted', driverId: driver.user.userId, currency: 'EGP' },
    })
    expect(SNAPSHOT.shape.trip.parse(heard.reply?.data)).toEqual(heard.reply?.data)
    expect(heard.pushes).toEqual([{ event: 'ride:accept:success', data: { rideId, offerId } }])
    expect(await two.eventsOf(rider)).toEqual(['ride:driver_assigned', 'ride:driver_details'])
    expect(await two.eventsOf(driver)).toEqual(['ride:driver_assigned'])
    expect(two.here.pushes.slice(from)).toMatchObject([
      { event: 'ride:driver_assigned', seq: 1 },
      { event: 'ride:driver_assigned', seq: 1 },
      { event: 'ride:driver_details', seq: 2, userId: rider.user.userId },
      { event: 'ride:taken', userId: loser.user.userId, data: { rideId } },
    ])
    expect(await offerState(two.pool, lost)).toBe('lost')
    expect((await two.callbacksOf(rideId)).map(({ event }) => event)).toEqual(['ride.accepted'])
    expect(two.here.rings.length).toBeGreaterThan(0)
    const again = await two.there.say(driver, 'driver:accept:ride', { rideId, offerId })
    expect([again.text, again.pushes]).toEqual([heard.text, heard.pushes])
    expect(await two.eventsOf(rider)).toHaveLength(2)
  })

  it('of several drivers at once, over several processes, lets one have it, and tells the others why', async () => {
    const { rideId } = await two.offeredRide()
    const drivers = Array.from({ length: 8 }, () => newDriver())
    const offers = await Promise.all(
      drivers.map(async ({ user }) => idToText(await offer(two.pool, rideId, user.userId))),
    )
    const heard = await Promise.all(
      drivers.map((driver, n) =>
        (n % 2 === 0 ? two.here : two.there).say(driver, 'driver:accept:ride', {
          rideId,
          offerId: offers[n],
        }),
      ),
    )
    const winners = heard.filter(({ reply }) => reply?.ok)
    expect(winners).toHaveLength(1)
    for (const { reply, pushes } of heard.filter((one) => !one.reply?.ok)) {
      expect(reply?.error).toMatchObject({ code: 'trip_taken', retry: false })
      expect(pushes).toMatchObject([{ event: 'ride:accept:failed', data: { rideId, code: 'trip_taken' } }])
    }
    const { driver_id: driverId } = await tripRow(two.pool, rideId)
    expect(driverId).toBe(winners[0]?.reply?.data?.driverId)
  })

  it('is not called failed where it has to be said again, since the ride may be his', async () => {
    const { rideId, offerId: id, driver } = await two.offeredRide()
    const offerId = idToText(id)
    const away = openCommands(two.database)
    await away.pool.end()
    const command = ['driver:accept:ride', { rideId, offerId }, randomUUID()] as const
    const unknown = await away.say(driver, ...command)
    away.limits.close()
    expect([unknown.reply?.error, unknown.pushes]).toMatchObject([{ code: 'unavailable', retry: true }, []])
    expect(unknown.pushes).toEqual([])
    expect((await two.here.say(driver, ...command)).pushes).toMatchObject([{ event: 'ride:accept:success' }])
  })

  it('refuses what was not offered to him, whether there is such a ride or not, in the same words', async () => {
    const { rideId, offerId: id, driver } = await two.offeredRide()
    const offerId = idToText(id)
    const stranger = newDriver()
    const answers = [
      await two.say(stranger, 'driver:accept:ride', { rideId, offerId }),
      await two.say(stranger, 'driver:accept:ride', { rideId: randomUUID(), offerId }),
      await two.say(driver, 'driver:accept:ride', { rideId: randomUUID(), offerId }),
    ]
    expect(answers.map(codeOf)).toEqual(['offer_unknown', 'offer_unknown', 'offer_unknown'])
    expect(new Set(answers.map(({ reply }) => reply?.error?.message)).size).toBe(1)
  })

  it('refuses an offer whose time is over, and a driver who is on another ride', async () => {
    const { rideId, driver } = await two.offeredRide()
    const late = idToText(await offer(two.pool, rideId, driver.user.userId, { seconds: -1 }))
    expect(codeOf(await two.say(driver, 'driver:accept:ride', { rideId, offerId: late }))).toBe(
      'offer_expired',
    )
    const busy = await two.acceptedRide()
    const offerId = idToText(await offer(two.pool, rideId, busy.driver.user.userId))
    expect(codeOf(await two.say(busy.driver, 'driver:accept:ride', { rideId, offerId }))).toBe('driver_busy')
  })
})

describe('a ride', () => {
  it('goes its way by its driver’s commands, each of them told to both and to Laravel', async () => {
    const { rideId, rider, driver } = await two.acceptedRide()
    const arrived = await two.say(driver, 'driver:arrived', { rideId })
    expect(arrived.reply?.data).toMatchObject({ status: 'accepted', state: 'arrived' })
    expect(arrived.pushes).toEqual([{ event: 'trip:arrival:confirmed', data: { rideId } }])
    const otp = await otpOf(rideId)
    expect((await two.say(driver, 'ride:start', { rideId, otp })).reply?.data).toMatchObject({
      state: 'ongoing',
    })
    const completed = await two.say(driver, 'ride:complete', { rideId })
    expect(completed.reply?.data).toMatchObject({ state: 'completed', finalFareMinor: null })
    const told = ['ride:driver_assigned', 'ride:driver_arrived', 'ride:started', 'ride:completed']
    expect(await two.eventsOf(driver)).toEqual(told)
    expect(await two.eventsOf(rider)).toEqual(told.toSpliced(1, 0, 'ride:driver_details'))
    const callbacks = await two.callbacksOf(rideId)
    expect(callbacks.map(({ event }) => event)).toEqual([
      ...['ride.accepted', 'ride.arrived', 'ride.started', 'ride.completed'],
    ])
    expect(callbacks[3]?.data).toMatchObject({
      ...{ rideId, status: 'completed', by: 'driver', driverId: driver.user.userId },
      customerId: rider.user.userId,
    })
    expect(await historyOf(two.pool, rideId)).toEqual([
      ...['>pending', 'pending>accepted', 'accepted>arrived', 'arrived>ongoing', 'ongoing>completed'],
    ])
  })

  it('that stands there already is no news and no error; what cannot be is refused', async () => {
    const { rideId, driver } = await two.acceptedRide()
    await two.say(driver, 'driver:arrived', { rideId })
    expect(codeOf(await two.say(driver, 'driver:arrived', { rideId }))).toBe('ok')
    expect(await two.eventsOf(driver)).toHaveLength(2)
    const refused = await two.say(driver, 'ride:complete', { rideId })
    expect(refused.reply?.error).toMatchObject({
      code: 'transition_not_allowed',
      message: 'A trip that is arrived cannot become completed.',
      retry: false,
    })
  })

  it('is cancelled by its rider, with a reason', async () => {
    const { rideId, rider, driver } = await two.acceptedRide()
    const heard = await two.say(rider, 'ride:cancel', { rideId, reason: 'a flat' })
    expect(heard.reply?.data).toMatchObject({ rideId, state: 'cancelled', feeMinor: null })
    const told = (await two.feedOf(driver)).find(({ event }) => event === 'ride:cancelled')
    expect(told?.data).toMatchObject({ cancelledBy: 'customer', reason: 'a flat', feeMinor: null })
    expect((await two.callbacksOf(rideId)).at(-1)?.event).toBe('ride.cancelled')
  })

  it('asks for the rider’s code where one is stored, and for none where there is none', async () => {
    const { rideId, driver } = await two.acceptedRide()
    await setOtp(rideId, '4711')
    for (const wrong of [{}, { otp: null }, { otp: '4712' }, { otp: '47110' }, { otp: '４７１１' }]) {
      const heard = await two.say(driver, 'ride:start', { rideId, ...wrong })
      expect(heard.reply?.error).toMatchObject({ code: 'otp_wrong', retry: false })
      expect(heard.text).not.toContain('4711')
    }
    expect((await tripRow(two.pool, rideId)).current_status).toBe('accepted')
    expect(codeOf(await two.say(driver, 'ride:start', { rideId, otp: '4711' }))).toBe('ok')
    const without = await two.acceptedRide()
    await setOtp(without.rideId, null)
    expect(codeOf(await two.say(without.driver, 'ride:start', { rideId: without.rideId, otp: '1' }))).toBe(
      'ok',
    )
  })

  it('does not let its code be guessed', async () => {
    const { rideId, driver } = await two.acceptedRide()
    await setOtp(rideId, '4711')
    const limited = openCommands(two.database, { rules: { command: { points: 600, seconds: 60 } } })
    const codes = []
    for (let n = 0; n < 11; n += 1)
      codes.push(codeOf(await limited.say(driver, 'ride:start', { rideId, otp: String(n) }, randomUUID())))
    expect(codes.filter((code) => code === 'otp_wrong')).toHaveLength(10)
    expect(codes.at(-1)).toBe('rate_limited')
    await limited.close()
  })

  it('that was Laravel’s move already is not told to Laravel', async () => {
    const [rideId, driver] = [randomUUID(), newDriver()]
    await laravelStores(two.pool, rideId, { driver_id: driver.user.userId, current_status: 'ongoing' })
    expect(codeOf(await two.say(driver, 'ride:start', { rideId }))).toBe('ok')
    expect(await two.callbacksOf(rideId)).toEqual([])
  })
})
