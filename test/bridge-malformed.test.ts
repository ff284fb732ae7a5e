import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RowDataPacket } from '../db/rows.ts'
import { MAX_MESSAGE_BYTES } from '../src/laravel/bridge.ts'
import { BRIDGE_CHANNELS } from '../src/laravel/bridge-channels.ts'
import { type BridgeRun, openBridgeRun } from './support/bridge.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'

let database: TestDatabase
let run: BridgeRun
const ONCE = { acted: 1, replayed: 1 }
const CREATED = {
  ride_id: 'r-1',
  customer_id: 'c-1',
  pickup_latitude: 30.1,
  pickup_longitude: 31.2,
  destination_latitude: 30.2,
  destination_longitude: 31.3,
  vehicle_category_id: 'car',
  estimated_fare: 100,
  customer_phone: '+201000000000',
}

beforeAll(async () => {
  database = await testDatabase('bridge-malformed')
  run = await openBridgeRun(database, { tempo: { patienceMs: 5_000, graceMs: 1 } })
})
afterAll(async () => {
  await run?.stop()
  await database?.drop()
})

describe('what is not as its channel says', () => {
  it.each([
    ['laravel:ride.created', { ...CREATED, pickup_latitude: 'north' }],
    ['laravel:ride.created', { ...CREATED, pickup_latitude: 91 }],
    ['laravel:ride.created', { ...CREATED, estimated_fare: '-1' }],
    ['laravel:ride.created', { ...CREATED, estimated_fare: 1e30 }],
    ['laravel:ride.created', { ...CREATED, currency: 'XXY' }],
    ['laravel:ride.created', { ...CREATED, customer_id: null }],
    ['laravel:ride.created', { ...CREATED, ride_id: 'a b' }],
    ['laravel:ride.created', [CREATED]],
    ['laravel:ride.created', 'null'],
    ['laravel:ride.created', '{"ride_id":'],
    ['laravel:ride.created', '['.repeat(30_000)],
    ['laravel:ride.cancelled', {}],
    ['laravel:ride.started', { ride_id: '' }],
    ['laravel:ride.completed', { ride_id: 'r', final_fare: 'much' }],
    ['laravel:driver.assigned', { ride_id: 'r' }],
    ['laravel:driver.arrived', { ride_id: {} }],
    ['laravel:trip.accepted', { driver_id: 'd' }],
    ['laravel:otp.verified', { otp: 1 }],
    ['laravel:payment.completed', { ride_id: 'r' }],
    ['laravel:batch.notification', { user_ids: [], title: 'x' }],
    ['laravel:batch.notification', { user_ids: ['u'] }],
    ['laravel:batch.notification', { user_ids: ['u'], event: 'payment:completed', title: 'x' }],
    ['laravel:batch.notification', { user_ids: ['u'], data: { text: 'x'.repeat(9_000) } }],
    ['laravel:safety_alert.created', { driver_id: 'd' }],
    ['lost_item:created', { lost_item_id: 1 }],
    ['lost_item:updated', { user_id: 'u', text: 'x'.repeat(9_000) }],
  ])('on %s is counted and dropped: %j', async (channel, message) => {
    expect(await run.say(channel, message)).toEqual({ malformed: 2 })
  })

  it('is said with the names of its fields, and without what stood in them', () => {
    const lines = run.lines().filter((line) => line.includes('malformed'))
    expect(lines.join()).toContain('"field":"pickup_latitude"')
    expect(lines.join()).not.toMatch(/north|\+2010|much/)
  })

  it('changes nothing', async () => {
    const [[row]] = await database.pool.query<RowDataPacket[]>(
      `SELECT (SELECT COUNT(*) FROM trip_requests) AS trips, (SELECT COUNT(*) FROM feed_messages) AS messages,
         (SELECT COUNT(*) FROM idempotency_keys) AS used_keys`,
    )
    expect(Object.values(row ?? {}).map(Number)).toEqual([0, 0, 0])
  })

  it('is too long', async () => {
    const message = { ...CREATED, text: 'x'.repeat(MAX_MESSAGE_BYTES) }
    expect(await run.say('laravel:ride.created', message)).toEqual({ oversize: 2 })
  })
})

describe('the key of a message', () => {
  const item = (more: object) => ({
    user_id: `u-${randomUUID().slice(0, 8)}`,
    lost_item_id: randomUUID(),
    ...more,
  })

  it('is channel, subject and time of publishing: the same again is replayed, other content is dropped and said', async () => {
    const message = item({ published_at: 't-1', status: 'open' })
    expect(await run.say('lost_item:updated', message)).toEqual(ONCE)
    expect(await run.say('lost_item:updated', message)).toEqual({ replayed: 2 })
    expect(await run.say('lost_item:updated', { ...message, status: 'found' })).toEqual({ mismatch: 2 })
    expect(await run.say('lost_item:created', message)).toEqual(ONCE)
    expect(await run.say('lost_item:updated', { ...message, published_at: 't-2' })).toEqual(ONCE)
  })

  it('tells two of one moment apart by what they are about', async () => {
    const message = item({ published_at: 't-3' })
    expect(await run.say('lost_item:updated', message)).toEqual(ONCE)
    expect(await run.say('lost_item:updated', { ...message, lost_item_id: randomUUID() })).toEqual(ONCE)
    const alert = { user_id: message.user_id, published_at: 't-3' }
    expect(await run.say('laravel:safety_alert.created', { ...alert, text: 'one' })).toEqual(ONCE)
    expect(await run.say('laravel:safety_alert.created', { ...alert, text: 'two' })).toEqual(ONCE)
  })

  it.each([
    ['updated_at', 'lost_item:updated'],
    ['created_at', 'lost_item:created'],
    ['trace_id', 'lost_item:updated'],
  ])('without published_at: %s stands in on %s', async (field, channel) => {
    const message = item({ [field]: 't-4' })
    expect(await run.say(channel, message)).toEqual(ONCE)
    expect(await run.say(channel, { ...message, status: 'found' })).toEqual({ mismatch: 2 })
    expect(await run.say(channel, { ...message, [field]: 't-5' })).toEqual(ONCE)
  })

  it('without any of them: the content stands in', async () => {
    const message = item({ created_at: 'the item’s, not the update’s' })
    expect(await run.say('lost_item:updated', message)).toEqual(ONCE)
    expect(await run.say('lost_item:updated', message)).toEqual({ replayed: 2 })
    expect(await run.say('lost_item:updated', { ...message, status: 'found' })).toEqual(ONCE)
  })
})

it('docs/laravel/bridge.md has the table of channels that the code has', () => {
  const page = readFileSync(join(import.meta.dirname, '../docs/laravel/bridge.md'), 'utf8')
  const rows = page.split('\n').filter((line) => /^\| `(laravel|lost_item):/.test(line))
  const expected = BRIDGE_CHANNELS.map(
    ({ name, fields, does, pushes }) => `| \`${name}\` | ${fields.join(', ')} | ${does} | ${pushes ?? ''} |`,
  )
  expect(rows).toEqual(expected)
})
