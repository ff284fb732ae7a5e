import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Greeter } from '../src/realtime/greeting.ts'
import { BID_PUSHES } from '../src/realtime/protocol/bid-pushes.ts'
import { RIDE_PUSHES } from '../src/realtime/protocol/ride-pushes.ts'
import { SNAPSHOT } from '../src/realtime/protocol/snapshot.ts'
import { asked, biddingTrip, expireAll } from './support/bids.ts'
import { type Heard, openCommands, StandInConnection } from './support/commands.ts'
import { createdTrip, offer } from './support/trips.ts'
import { codeOf, newDriver, newRider, TwoProcesses } from './support/two-processes.ts'

let two: TwoProcesses

beforeAll(async () => {
  two = await TwoProcesses.open('bid-commands')
})
afterAll(() => two?.close())

const bidIdOf = ({ reply }: Heard) => String(reply?.data?.bidId)

/** A rider's trip for which these drivers were asked. */
async function scene(drivers: number) {
  const rider = newRider()
  const { id: rideId } = await biddingTrip(two.pool, { customerId: rider.user.userId })
  const asking = Array.from({ length: drivers }, () => newDriver())
  for (const { user } of asking) await asked(two.pool, rideId, user.userId)
  return { rideId, rider, drivers: asking }
}

function bid(connection: StandInConnection, rideId: string, amountMinor: number) {
  return two.say(connection, 'bid:place', { rideId, amountMinor, currency: 'EGP' })
}

async function snapshotOf({ user }: StandInConnection) {
  return (await new Greeter({ pool: two.here.pool }).read(user)).snapshot
}

describe('bids', () => {
  it('are told to the rider, who takes one: both are told for how much, Laravel too, and the others that it is over', async () => {
    const { rideId, rider, drivers } = await scene(3)
    const [winner, loser, silent] = drivers as [StandInConnection, StandInConnection, StandInConnection]
    const placed = await bid(winner, rideId, 11_000)
    expect(placed.reply).toMatchObject({
      ok: true,
      data: { rideId, driverId: winner.user.userId, amountMinor: 11_000, currency: 'EGP' },
    })
    await bid(loser, rideId, 12_000)
    const from = two.here.pushes.length
    const chosen = await two.say(rider, 'bid:accept', { rideId, bidId: bidIdOf(placed) })
    expect(chosen.reply?.data).toMatchObject({
      ...{ rideId, state: 'accepted', driverId: winner.user.userId },
      ...{ estimatedFareMinor: 12_050, agreedFareMinor: 11_000, currency: 'EGP' },
    })
    expect(SNAPSHOT.shape.trip.parse(chosen.reply?.data)).toEqual(chosen.reply?.data)
    const told = await two.feedOf(rider)
    expect(told.map(({ event }) => event)).toEqual([
      ...['bid:new', 'bid:new', 'ride:driver_assigned', 'ride:driver_details'],
    ])
    expect(BID_PUSHES['bid:new'].data.parse(told[0]?.data)).toEqual(told[0]?.data)
    expect(told[2]?.data).toMatchObject({ agreedFareMinor: 11_000, currency: 'EGP' })
    expect(RIDE_PUSHES['ride:driver_assigned'].data.parse(told[2]?.data)).toEqual(told[2]?.data)
    expect((await two.feedOf(winner)).map(({ event }) => event)).toEqual(['ride:driver_assigned'])
    const [lost] = await two.feedOf(loser)
    expect(lost).toMatchObject({ event: 'bid:lost', data: { rideId, reason: 'taken' } })
    expect(BID_PUSHES['bid:lost'].data.parse(lost?.data)).toEqual(lost?.data)
    const ephemeral = two.here.pushes.slice(from).filter((push) => !('seq' in push))
    expect(ephemeral).toMatchObject(
      [loser, silent].map(({ user }) => ({ userId: user.userId, event: 'ride:taken', data: { rideId } })),
    )
    const callbacks = await two.callbacksOf(rideId)
    expect(callbacks).toHaveLength(1)
    expect(callbacks[0]?.data).toMatchObject({
      ...{ rideId, driverId: winner.user.userId, fareMinor: 11_000, currency: 'EGP' },
    })
  })

  it('accepted twice: the same id is answered word for word, another one alike, and another bid is refused for good', async () => {
    const { rideId, rider, drivers } = await scene(2)
    const bids = []
    for (const driver of drivers) bids.push(bidIdOf(await bid(driver, rideId, 9_000)))
    const first = await two.here.say(rider, 'bid:accept', { rideId, bidId: bids[0] }, 'choice-1')
    const again = await two.there.say(rider, 'bid:accept', { rideId, bidId: bids[0] }, 'choice-1')
    expect(again.text).toBe(first.text)
    const anew = await two.there.say(rider, 'bid:accept', { rideId, bidId: bids[0] }, 'choice-2')
    expect(anew.reply).toMatchObject({ ok: true, data: first.reply?.data })
    const other = await two.here.say(rider, 'bid:accept', { rideId, bidId: bids[1] }, 'choice-3')
    expect(other.reply?.error).toMatchObject({ code: 'trip_taken', retry: false })
    expect((await two.there.say(rider, 'bid:accept', { rideId, bidId: bids[1] }, 'choice-3')).text).toBe(
      other.text,
    )
    expect((await two.feedOf(rider)).filter(({ event }) => event === 'ride:driver_assigned')).toHaveLength(1)
  })

  it('are replaced and withdrawn before the rider’s eyes', async () => {
    const { rideId, rider, drivers } = await scene(1)
    const [driver] = drivers as [StandInConnection]
    const first = bidIdOf(await bid(driver, rideId, 9_000))
    const second = bidIdOf(await bid(driver, rideId, 8_000))
    expect(second).not.toBe(first)
    expect(codeOf(await two.say(driver, 'bid:withdraw', { rideId }))).toBe('ok')
    expect(await two.feedOf(rider)).toMatchObject([
      { event: 'bid:new', data: { bidId: first, replaces: null } },
      { event: 'bid:new', data: { bidId: second, replaces: first } },
      { event: 'bid:withdrawn', data: { rideId, bidId: second, reason: 'withdrawn' } },
    ])
    const withdrawn = (await two.feedOf(rider))[2]?.data
    expect(BID_PUSHES['bid:withdrawn'].data.parse(withdrawn)).toEqual(withdrawn)
    expect(codeOf(await two.say(rider, 'bid:accept', { rideId, bidId: second }))).toBe('bid_closed')
  })

  it('stand in the first message of whoever comes back, as long as they live', async () => {
    const { rideId, rider, drivers } = await scene(2)
    const [first, second] = drivers as [StandInConnection, StandInConnection]
    const bids = [bidIdOf(await bid(first, rideId, 9_000)), bidIdOf(await bid(second, rideId, 8_000))]
    const seen = await snapshotOf(rider)
    expect(SNAPSHOT.parse(seen)).toEqual(seen)
    expect(seen.bids.map(({ bidId }) => bidId)).toEqual(bids)
    expect(seen.bids[0]).toMatchObject({ rideId, driverId: first.user.userId, amountMinor: 9_000 })
    expect((await snapshotOf(second)).bids.map(({ bidId }) => bidId)).toEqual([bids[1]])
    await expireAll(two.pool, rideId)
    for (const user of [rider, second]) expect((await snapshotOf(user)).bids).toEqual([])
  })

  it('are needed where drivers bid, and withdrawn when the driver takes another ride', async () => {
    const { rideId, rider, drivers } = await scene(1)
    const [driver] = drivers as [StandInConnection]
    const offers = (await snapshotOf(driver)).offers.map(({ offerId }) => offerId)
    const accepted = await two.say(driver, 'driver:accept:ride', { rideId, offerId: offers[0] })
    expect(accepted.reply?.error).toMatchObject({ code: 'bid_required', retry: false })
    await bid(driver, rideId, 9_000)
    const other = await createdTrip(two.pool)
    await offer(two.pool, other.id, driver.user.userId)
    const [, second] = (await snapshotOf(driver)).offers
    expect(
      codeOf(await two.say(driver, 'driver:accept:ride', { rideId: other.id, offerId: second?.offerId })),
    ).toBe('ok')
    expect((await two.feedOf(rider)).at(-1)).toMatchObject({
      event: 'bid:withdrawn',
      data: { rideId, driverId: driver.user.userId, reason: 'took_another' },
    })
  })

  it('of a stranger’s trip are unknown, whether there is such a trip or not', async () => {
    const { rideId, drivers } = await scene(1)
    const bidId = bidIdOf(await bid(drivers[0] as StandInConnection, rideId, 9_000))
    const [rider, driver] = [randomUUID(), randomUUID()]
    const errors = new Set<string>()
    for (const asked of [rideId, randomUUID()]) {
      const stranger = new StandInConnection(rider, 'customer')
      errors.add(
        JSON.stringify((await two.say(stranger, 'bid:accept', { rideId: asked, bidId })).reply?.error),
      )
      const other = new StandInConnection(driver, 'driver')
      errors.add(JSON.stringify((await bid(other, asked, 1)).reply?.error))
      errors.add(JSON.stringify((await two.say(other, 'bid:withdraw', { rideId: asked })).reply?.error))
    }
    expect([...errors].map((error) => JSON.parse(error).code)).toEqual([
      'trip_unknown',
      'offer_unknown',
      'bid_unknown',
    ])
  })

  it('are limited for each driver', async () => {
    const limited = openCommands(two.database, { rules: { bid: { points: 2, seconds: 600 } } })
    const driver = newDriver()
    const codes = []
    for (let n = 0; n < 3; n += 1)
      codes.push(codeOf(await limited.say(driver, 'bid:withdraw', { rideId: 'none' }, randomUUID())))
    expect(codes).toEqual(['bid_unknown', 'bid_unknown', 'rate_limited'])
    await limited.close()
  })
})
