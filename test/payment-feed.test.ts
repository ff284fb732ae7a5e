import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { RowDataPacket } from '../db/rows.ts'
import { listenToCheckpoints } from '../src/base/checkpoint.ts'
import { idToText } from '../src/base/ids.ts'
import { reopenEvents } from '../src/webhooks/event-store.ts'
import { eventRow, paymentRow, standingOf } from './support/books.ts'
import { CAPTURE, usePaymentFeeds } from './support/payment-feed-scene.ts'
import { Processing } from './support/processing.ts'
import { createdTrip } from './support/trips.ts'

const scene = usePaymentFeeds('payment-feed')

describe('a transition', () => {
  it('is told to the rider and the driver, once and in order, whether or not Laravel is called back', async () => {
    const both = new Processing(scene.database, { callbacks: true, publish: scene.publish })
    for (const [processing, tripId] of [
      [scene.here, randomUUID()],
      [both, randomUUID()],
    ] as const) {
      const { rider, driver, fact } = await scene.payment({ tripId })
      await processing.take(fact({ kind: 'failed', amountMinor: null }))
      const capture = fact({ operationRef: 'cap' })
      await processing.take(capture, fact({ operationRef: 'cap' }))
      await processing.processor.process([capture.id])
      await processing.take(fact({ kind: 'refunded', amountMinor: 4_000n }))
      await processing.take(fact({ kind: 'disputed', amountMinor: 6_000n, operationRef: 'dis' }))
      await processing.take(fact({ kind: 'dispute_won', amountMinor: null, operationRef: 'dis' }))
      const wanted = [
        ...['payment:updated failed', 'payment:failed failed', ...CAPTURE],
        ...['payment:updated partially_refunded', 'payment:refunded partially_refunded'],
        ...['payment:updated disputed', 'payment:disputed disputed', 'payment:updated partially_refunded'],
      ]
      expect(await scene.told(rider)).toEqual(wanted)
      expect(await scene.told(driver)).toEqual(wanted)
      const [callbacks] = await scene.database.pool.query<RowDataPacket[]>(
        'SELECT event, payload FROM outbox WHERE ordering_key = ? ORDER BY seq',
        [tripId],
      )
      const asCallbacks = callbacks.map(({ event, payload }) => `${event} ${JSON.parse(payload).state}`)
      expect(asCallbacks).toEqual(
        processing === scene.here ? [] : wanted.map((line) => line.replace(':', '.')),
      )
    }
    await both.close()
  })

  it('is published after the commit, as it stands in the feed, with the time when the webhook came', async () => {
    const moments: string[] = []
    listenToCheckpoints((checkpoint) => moments.push(checkpoint))
    const noting = new Processing(scene.database, {
      publish: (pushes) => {
        moments.push('published')
        scene.publish(pushes)
      },
    })
    const { ref, rider, driver, fact } = await scene.payment({ tripId: randomUUID() })
    const capture = fact()
    await noting.take(capture)
    expect(moments.slice(-3)).toEqual(['process:commit-sent', 'process:committed', 'published'])
    const { received_at } = await eventRow(scene.database.pool, capture)
    const { id, trip_id: rideId } = await paymentRow(scene.database.pool, ref)
    const data = {
      ...{ paymentId: idToText(id), rideId, state: 'captured', amountMinor: 10_000, currency: 'EGP' },
      at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    }
    const bornAtMs = received_at.getTime()
    expect(scene.published).toEqual([
      { userId: rider, seq: 1, event: 'payment:updated', data, bornAtMs },
      { userId: driver, seq: 1, event: 'payment:updated', data, bornAtMs },
      { userId: rider, seq: 2, event: 'payment:completed', data, bornAtMs },
      { userId: driver, seq: 2, event: 'payment:completed', data, bornAtMs },
    ])
    await noting.close()
  })

  it('that is none tells nobody: quarantined, parked, repeated, late', async () => {
    const { rider, fact } = await scene.payment()
    const early = fact({ kind: 'refunded', amountMinor: 1n })
    await scene.here.take(early, fact({ amountMinor: 9_999n }))
    expect(await scene.told(rider)).toEqual([])
    await scene.here.take(fact({ operationRef: 'cap' }))
    scene.published = []
    await scene.here.take(
      fact({ operationRef: 'cap' }),
      fact({ kind: 'failed' }),
      fact({ operationRef: 'other' }),
    )
    expect(scene.published).toEqual([])
    expect(await scene.told(rider), 'the early one after the capture').toEqual([
      ...CAPTURE,
      'payment:updated partially_refunded',
      'payment:refunded partially_refunded',
    ])
  })

  it('that a person released is told as any other', async () => {
    const { rider, driver, fact } = await scene.payment()
    const event = fact({ amountMinor: 9_999n })
    await scene.here.take(event)
    await reopenEvents(scene.database.pool, [event.id], ['quarantined'], true)
    await scene.here.processor.process([event.id])
    expect([await scene.told(rider), await scene.told(driver)]).toEqual([CAPTURE, CAPTURE])
  })
})

describe('who is told', () => {
  it('is told once where he is both, and nobody where there is nobody or no user could have the id', async () => {
    const one = `u-${randomUUID()}`.slice(0, 36)
    const payments = [
      await scene.payment({ customerId: one, driverId: one }),
      await scene.payment({ customerId: null, driverId: null }),
      await scene.payment({ customerId: null, driverId: null, tripId: randomUUID() }),
    ]
    await scene.here.take(...payments.map(({ fact }) => fact()))
    expect(await scene.told(one)).toEqual(CAPTURE)
    expect(scene.published).toHaveLength(2)
  })

  it('is not who has an id that no feed can have, and the money moves all the same', async () => {
    const { ref, driver, fact } = await scene.payment({ customerId: 'with a blank' })
    await scene.here.take(fact())
    expect(await standingOf(scene.database.pool, ref)).toBe('captured 10000 v1')
    expect(scene.published.map(({ userId }) => userId)).toEqual([driver, driver])
    await scene.database.pool.query('UPDATE payments SET customer_id = NULL WHERE merchant_ref = ?', [ref])
  })

  it('is who rides and drives the trip, where the payment does not say; the payment itself comes first', async () => {
    const [customerId, driverId] = [`c-${randomUUID().slice(0, 8)}`, `d-${randomUUID().slice(0, 8)}`]
    const { id: tripId } = await createdTrip(scene.database.pool, { customerId })
    const { id: waiting } = await createdTrip(scene.database.pool, { customerId })
    await scene.database.pool.query('UPDATE trip_requests SET driver_id = ? WHERE id = ?', [driverId, tripId])
    const payments = [
      await scene.payment({ customerId: null, driverId: null, tripId }),
      await scene.payment({ customerId: null, driverId: null, tripId: waiting }),
      await scene.payment({ driverId: null, tripId }),
      await scene.payment({ customerId: null, tripId }),
    ] as const
    const [, , ofRider, ofDriver] = payments
    await scene.here.take(...payments.map(({ fact }) => fact()))
    expect(await scene.told(customerId)).toEqual([...CAPTURE, ...CAPTURE, ...CAPTURE])
    expect(await scene.told(driverId)).toEqual([...CAPTURE, ...CAPTURE])
    expect([await scene.told(ofRider.rider), await scene.told(ofDriver.driver)]).toEqual([CAPTURE, CAPTURE])
  })

  it('is nobody of a trip that was deleted', async () => {
    const { id: tripId } = await createdTrip(scene.database.pool)
    await scene.database.pool.query('UPDATE trip_requests SET deleted_at = UTC_TIMESTAMP() WHERE id = ?', [
      tripId,
    ])
    const { ref, fact } = await scene.payment({ customerId: null, driverId: null, tripId })
    await scene.here.take(fact())
    expect(await standingOf(scene.database.pool, ref)).toBe('captured 10000 v1')
    expect(scene.published).toEqual([])
  })
})
