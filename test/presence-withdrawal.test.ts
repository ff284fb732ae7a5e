import { afterEach, describe, expect, it } from 'vitest'
import { inTransaction } from '../db/transaction.ts'
import { acceptBidIn } from '../src/matching/bids/accept-bid.ts'
import { biddingTrip, bidOf, bidsOf, choose } from './support/bids.ts'
import { offersOf } from './support/dispatch.ts'
import { waitForLockWait } from './support/locks.ts'
import { SLOW } from './support/presence.ts'
import { presenceScene } from './support/presence-scene.ts'
import { createdTrip, offer } from './support/trips.ts'

const scene = presenceScene('presence-withdrawal')

afterEach(async () => {
  for (const table of ['trip_offers', 'trip_bids', 'trip_requests', 'feed_messages', 'feed_heads'])
    await scene.database.pool.query('DELETE FROM ??', [table])
})

/** The drivers work, and are gone for longer than a grace. */
async function gone(...drivers: readonly string[]): Promise<void> {
  const { a } = scene
  await Promise.all(drivers.map(async (driver) => a.presence.closed(driver, await scene.works(a, driver))))
  await a.presence.settled()
}

const graceEnds = () => scene.pass(SLOW.graceMs + 1_000, scene.a, scene.b)

describe('a driver whose grace is over', () => {
  it('cannot be chosen any more: his bid is withdrawn with his offer, and the rider hears it', async () => {
    const { database, a } = scene
    await gone('d-1')
    const { id } = await biddingTrip(database.pool)
    const bid = await bidOf(database.pool, id, 'd-1')
    await graceEnds()
    await scene.sweep(a)
    expect(await offersOf(database, id)).toEqual([{ driver: 'd-1', state: 'withdrawn' }])
    expect(await bidsOf(database.pool, id)).toEqual(['d-1 10000 withdrawn'])
    expect(await choose(database.pool, id, bid.id)).toEqual({ kind: 'bid_closed' })
    expect(await scene.duty('d-1')).toBe('0 unavailable')
    const told = a.told.flatMap(({ pushes }) => pushes)
    expect(told).toContainEqual(expect.objectContaining({ userId: 'customer-1', event: 'bid:withdrawn' }))
    expect(told).toContainEqual(expect.objectContaining({ userId: 'd-1', event: 'ride:offer:expired' }))
    expect(a.told.flatMap(({ wakes }) => wakes ?? [])).toEqual([id])
  })

  it('keeps what he holds until then', async () => {
    const { database, a } = scene
    await gone('d-1')
    const { id } = await createdTrip(database.pool)
    await offer(database.pool, id, 'd-1')
    await scene.pass(SLOW.graceMs - 600_000, a)
    await scene.sweep(a)
    expect(await offersOf(database, id)).toEqual([{ driver: 'd-1', state: 'offered' }])
  })

  it('and is chosen in that moment has the ride, and is not taken from it', async () => {
    const { database, a, b } = scene
    await gone('d-1')
    const { id } = await biddingTrip(database.pool)
    const bid = await bidOf(database.pool, id, 'd-1')
    await graceEnds()
    let swept: Promise<void> | undefined
    const chosen = await inTransaction(b.pool, 'choose', async (connection) => {
      const done = await acceptBidIn(connection, { tripId: id, customerId: 'customer-1', bidId: bid.id })
      swept = scene.sweep(a)
      await waitForLockWait(database.address, 'SELECT')
      return done
    })
    await swept
    expect(chosen.kind).toBe('accepted')
    expect(await offersOf(database, id)).toEqual([{ driver: 'd-1', state: 'accepted' }])
    expect(await bidsOf(database.pool, id)).toEqual(['d-1 10000 accepted'])
    expect(await scene.duty('d-1')).toBe('0 on_trip')
    expect(a.told.flatMap(({ pushes }) => pushes)).toEqual([])
  })

  it('is told of once, by whichever of two processes: two hundred and fifty go in batches', async () => {
    const { database, a, b } = scene
    const drivers = Array.from({ length: 250 }, (_, index) => `d-${index}`)
    await gone(...drivers)
    const trips = await Promise.all(
      drivers.map(async (driver) => {
        const { id } = await createdTrip(database.pool, { customerId: `c-${driver}` })
        await offer(database.pool, id, driver)
        return id
      }),
    )
    await graceEnds()
    await Promise.all([scene.sweep(a), scene.sweep(b)])
    const told = [...a.told, ...b.told]
    expect(told.flatMap(({ wakes }) => wakes ?? []).sort()).toEqual(trips.sort())
    expect(told.flatMap(({ pushes }) => pushes)).toHaveLength(drivers.length)
    expect(await scene.duty('d-249')).toBe('0 unavailable')
  })
})
