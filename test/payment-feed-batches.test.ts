import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openPool } from '../db/pools.ts'
import type { RowDataPacket } from '../db/rows.ts'
import { type Checkpoint, listenToCheckpoints } from '../src/base/checkpoint.ts'
import { fatesOf, standingOf } from './support/books.ts'
import { CAPTURE, usePaymentFeeds } from './support/payment-feed-scene.ts'
import { Processing, store } from './support/processing.ts'

const scene = usePaymentFeeds('payment-feed-batches')

describe('a batch', () => {
  it('whose events share a rider numbers his messages in the order of the events', async () => {
    const rider = `c-${randomUUID().slice(0, 8)}`
    const payments = await Promise.all(Array.from({ length: 20 }, () => scene.payment({ customerId: rider })))
    await scene.here.take(...payments.map(({ fact }) => fact()))
    expect(await scene.told(rider)).toEqual(payments.flatMap(() => CAPTURE))
    const mine = scene.published.filter(({ userId }) => userId === rider)
    expect(mine.map(({ seq }) => seq)).toEqual(Array.from({ length: 40 }, (_, index) => index + 1))
  })

  it('that is split for a poison event tells of each other event once, and of that one nothing', async () => {
    const rider = `c-${randomUUID().slice(0, 8)}`
    const payments = await Promise.all(Array.from({ length: 8 }, () => scene.payment({ customerId: rider })))
    const events = payments.map(({ fact }) => fact())
    await store(scene.here.pool, ...events)
    const [poison] = events
    await scene.database.pool.query("UPDATE webhook_events SET fact_kind = 'nonsense' WHERE id = ?", [
      poison?.id,
    ])
    await scene.here.processor.process(events.map(({ id }) => id))
    expect(await scene.told(rider)).toEqual(Array(7).fill(CAPTURE).flat())
    expect(scene.published).toHaveLength(7 * 4)
    expect(await scene.told(payments[0]?.driver ?? '')).toEqual([])
  })

  it('that cannot write the feeds moves no money and publishes nothing; later it does both, once', async () => {
    const { ref, rider, fact } = await scene.payment()
    const event = fact()
    await store(scene.here.pool, event)
    await scene.database.pool.query('RENAME TABLE feed_messages TO feed_messages_away')
    try {
      await expect(scene.here.processor.process([event.id])).rejects.toMatchObject({ errno: 1146 })
    } finally {
      await scene.database.pool.query('RENAME TABLE feed_messages_away TO feed_messages')
    }
    expect(await standingOf(scene.database.pool, ref)).toBe('created 0 v0')
    expect(scene.published).toEqual([])
    await scene.here.processor.process([event.id])
    expect(await scene.told(rider)).toEqual(CAPTURE)
    expect(scene.published).toHaveLength(4)
  })

  it('that waited too long for a user and begins anew tells everything once', {
    timeout: 30_000,
  }, async () => {
    const impatient = openPool(scene.database.address, { connectionLimit: 2, lockWaitSeconds: 1 })
    const retrying = new Processing(scene.database, { pool: impatient, publish: scene.publish })
    const { rider, driver, fact } = await scene.payment()
    await scene.here.take(fact({ kind: 'pending' }))
    const capture = fact()
    await store(scene.here.pool, capture)
    const holder = await scene.database.pool.getConnection()
    await holder.query('START TRANSACTION')
    await holder.query('SELECT head FROM feed_heads WHERE user_id = ? FOR UPDATE', [driver])
    const tries: Checkpoint[] = []
    const again = new Promise<void>((resolve) => {
      listenToCheckpoints((checkpoint) => {
        if (checkpoint === 'process:locked' && tries.push(checkpoint) === 2) resolve()
      })
    })
    scene.published = []
    const processed = retrying.processor.process([capture.id])
    await again
    await holder.query('ROLLBACK')
    holder.release()
    await processed
    for (const user of [rider, driver])
      expect(await scene.told(user)).toEqual(['payment:updated pending', ...CAPTURE])
    expect(scene.published).toHaveLength(4)
    await retrying.close()
    await impatient.end()
  })
})

it('payments of one trip that change at once are called back in the order of their commits, as the rider hears of them', async () => {
  const [tripId, rider] = [randomUUID(), `c-${randomUUID().slice(0, 8)}`]
  const payments = await Promise.all(
    Array.from({ length: 120 }, () => scene.payment({ tripId, customerId: rider })),
  )
  const events = payments.map(({ fact }) => fact())
  await store(scene.here.pool, ...events)
  const crowd = new Processing(scene.database, { callbacks: true, publish: scene.publish }, 16)
  const next = events[Symbol.iterator]()
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      for (const { id } of next) await crowd.processor.process([id])
    }),
  )
  const said = async (sql: string, value: string) => {
    const [rows] = await scene.database.pool.query<RowDataPacket[]>(sql, [value])
    return rows.map(({ event, data }) => `${event.replace('.', ':')} ${JSON.parse(data).paymentId}`)
  }
  // A rider's messages are numbered as they are committed, since he is locked until then.
  const heard = await said('SELECT event, data FROM feed_messages WHERE user_id = ? ORDER BY seq', rider)
  expect(heard).toHaveLength(240)
  expect(
    await said('SELECT event, payload AS data FROM outbox WHERE ordering_key = ? ORDER BY seq', tripId),
  ).toEqual(heard)
  await crowd.close()
}, 60_000)

it('sixteen at once over the same riders and drivers tell each of them everything once, without a gap', async () => {
  const [riders, drivers] = ['c', 'd'].map((kind) =>
    Array.from({ length: 3 }, (_, n) => `${kind}-storm-${n}`),
  )
  const payments = await Promise.all(
    Array.from({ length: 18 }, (_, n) =>
      // Every pair, and now and then one who rides with himself.
      scene.payment({
        customerId: riders?.[n % 3] ?? '',
        driverId: [...(drivers ?? []), riders?.[0] ?? ''][(n >> 2) % 4] ?? '',
      }),
    ),
  )
  const events = payments.flatMap(({ fact }) => [
    fact(),
    ...Array.from({ length: 30 }, (_, n) =>
      fact({ kind: 'refunded', operationRef: `r${n}`, amountMinor: 10n }),
    ),
  ])
  for (let start = 0; start < events.length; start += 100)
    await store(scene.here.pool, ...events.slice(start, start + 100))
  const ids = events.map(({ id }) => id)
  const shuffled = fc.sample(fc.shuffledSubarray(ids, { minLength: ids.length }), 1)[0] ?? []
  const storm = new Processing(scene.database, { publish: scene.publish }, 16)
  const batches = Array.from({ length: Math.ceil(ids.length / 10) }, (_, n) =>
    shuffled.slice(n * 10, n * 10 + 10),
  )
  const next = batches[Symbol.iterator]()
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      for (const batch of next) await storm.processor.process(batch)
    }),
  )
  for (let turn = 0; turn < 5; turn += 1) await storm.processor.process(ids)
  await storm.drain()
  expect(new Set(await fatesOf(scene.database.pool, ...events))).toEqual(new Set(['processed/applied']))
  // Every message was published, none twice.
  const places = scene.published.map(({ userId, seq }) => `${userId} ${seq}`)
  const [rows] = await scene.database.pool.query<RowDataPacket[]>(
    "SELECT user_id, seq FROM feed_messages WHERE user_id LIKE '%-storm-%'",
  )
  expect(places.sort()).toEqual(rows.map((row) => `${row.user_id} ${row.seq}`).sort())
  await storm.close()
}, 60_000)
