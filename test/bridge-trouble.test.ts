import { spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import type { RowDataPacket } from '../db/rows.ts'
import { allListen, type BridgeRun, type BridgeRunOptions, openBridgeRun } from './support/bridge.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { feedOf } from './support/feed.ts'
import { type OwnRedis, openOwnRedis } from './support/own-redis.ts'
import { createdTrip, historyOf, orderOf } from './support/trips.ts'

let database: TestDatabase
const closing: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  database = await testDatabase('bridge-trouble')
})
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})
afterAll(() => database?.drop())

async function open(options: BridgeRunOptions = {}): Promise<BridgeRun> {
  const run = await openBridgeRun(database, options)
  closing.push(() => run.stop())
  return run
}

async function openAlone(): Promise<{ run: BridgeRun; redis: OwnRedis }> {
  const redis = await openOwnRedis('bridge')
  closing.push(() => redis.remove())
  return { redis, run: await open({ redis: redis.address }) }
}

const CHANNEL = 'lost_item:created'
const ONCE = { acted: 1, replayed: 1 }
const item = (userId = randomUUID()) => ({
  user_id: userId,
  lost_item_id: randomUUID(),
  published_at: 't',
  n: 1,
})

it('hears again after its connection was killed', async () => {
  const { run } = await openAlone()
  expect(await run.say(CHANNEL, item())).toEqual(ONCE)
  expect(await run.redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub')).toBe(2)
  await expect
    .poll(() => run.redis.call('PUBSUB', 'NUMSUB', run.prefix + CHANNEL))
    .toEqual([run.prefix + CHANNEL, 2])
  await allListen(run.apps)
  expect(await run.say(CHANNEL, item())).toEqual(ONCE)
}, 30_000)

it('says that it is deaf while Redis is away, and hears again when it is back', async () => {
  const { run, redis } = await openAlone()
  await redis.kill()
  for (const app of run.apps)
    await expect.poll(() => app.metrics('onceline_bridge_listening')).toEqual(['onceline_bridge_listening 0'])
  await redis.revive()
  await allListen(run.apps)
  await expect.poll(() => run.redis.status).toBe('ready')
  expect(await run.say(CHANNEL, item())).toEqual(ONCE)
}, 30_000)

it('leaves a link that has died in silence, and hears on another', async () => {
  const { run, redis } = await openAlone()
  redis.freeze()
  for (const app of run.apps)
    await expect
      .poll(() => app.metrics('onceline_bridge_listening'), { timeout: 15_000 })
      .toEqual(['onceline_bridge_listening 0'])
  redis.thaw()
  await allListen(run.apps)
  expect(await run.say(CHANNEL, item())).toEqual(ONCE)
}, 40_000)

it('hears nothing under another prefix than Laravel’s', async () => {
  const run = await open()
  const userId = randomUUID()
  await run.redis.publish(CHANNEL, JSON.stringify(item(userId)))
  await run.redis.publish(`${run.prefix}x${CHANNEL}`, JSON.stringify(item(userId)))
  // What is published later on the same connection has been heard, so the former would have been.
  expect(await run.say(CHANNEL, item())).toEqual(ONCE)
  expect(await feedOf(database.pool, userId)).toEqual([])
})

it('tries again while the database is in trouble, and gives up after its time', async () => {
  const run = await open({ tempo: { patienceMs: 3_000, graceMs: 100 } })
  const userId = randomUUID()
  await database.pool.query('RENAME TABLE feed_messages TO away')
  const outcome = run.say(CHANNEL, item(userId))
  await expect
    .poll(async () =>
      (await Promise.all(run.apps.map((app) => app.metrics('onceline_bridge_waiting')))).flat(),
    )
    .toEqual(['onceline_bridge_waiting 1', 'onceline_bridge_waiting 1'])
  await database.pool.query('RENAME TABLE away TO feed_messages')
  expect(await outcome).toEqual(ONCE)
  expect(await feedOf(database.pool, userId)).toEqual([[1, 1]])
  await database.pool.query('RENAME TABLE feed_messages TO away')
  try {
    expect(await run.say(CHANNEL, item(userId))).toEqual({ failed: 2 })
  } finally {
    await database.pool.query('RENAME TABLE away TO feed_messages')
  }
  expect(await feedOf(database.pool, userId)).toEqual([[1, 1]])
}, 30_000)

it('is not lost where a row that it needs is locked for longer than a try', async () => {
  const run = await open()
  const userId = randomUUID()
  expect(await run.say(CHANNEL, item(userId))).toEqual(ONCE)
  const holder = await database.pool.getConnection()
  await holder.query('START TRANSACTION')
  await holder.query('SELECT head FROM feed_heads WHERE user_id = ? FOR UPDATE', [userId])
  const outcome = run.say(CHANNEL, item(userId))
  const waiting = async (): Promise<number> => {
    const [processes] = await holder.query<RowDataPacket[]>('SHOW FULL PROCESSLIST')
    const { database: name } = database.address
    return processes.filter(({ db, Info }) => db === name && Info?.startsWith('INSERT INTO feed_heads'))
      .length
  }
  await expect.poll(waiting, { interval: 5, timeout: 5_000 }).toBeGreaterThan(0)
  // A lock is waited for for one second, on MySQL up to two; between two tries there may be no moment in which nobody waits.
  await holder.query('DO SLEEP(2.5)')
  await holder.query('ROLLBACK')
  holder.release()
  expect(await outcome).toEqual(ONCE)
  expect(await feedOf(database.pool, userId)).toHaveLength(2)
}, 20_000)

it('is not lost where it comes before what it is about', async () => {
  const run = await open({ tempo: { patienceMs: 1_000, graceMs: 20_000 } })
  const order = orderOf()
  const outcome = run.say('laravel:ride.cancelled', { ride_id: order.tripId, published_at: 't' })
  await expect
    .poll(async () =>
      (await Promise.all(run.apps.map((app) => app.metrics('onceline_bridge_waiting')))).flat(),
    )
    .toEqual(['onceline_bridge_waiting 1', 'onceline_bridge_waiting 1'])
  await createdTrip(database.pool, order)
  expect(await outcome).toEqual(ONCE)
  expect(await historyOf(database.pool, order.tripId)).toEqual(['>pending', 'pending>cancelled'])
}, 30_000)

it('is acted on in the order of a ride, though rides pass each other and nothing is tried twice', async () => {
  const run = await open({ tempo: { patienceMs: 20_000, graceMs: 0 } })
  const trips = await Promise.all(Array.from({ length: 10 }, () => createdTrip(database.pool)))
  const steps = ['driver.assigned', 'driver.arrived', 'ride.started', 'ride.completed'].map(
    (name) => `laravel:${name}`,
  )
  for (const { id } of trips)
    for (const channel of steps) {
      const message = { ride_id: id, driver_id: id, published_at: 't' }
      await run.redis.publish(run.prefix + channel, JSON.stringify(message))
    }
  for (const channel of steps)
    await expect.poll(() => run.outcomes(channel), { timeout: 15_000 }).toEqual({ acted: 10, replayed: 10 })
}, 30_000)

it('says so while Redis refuses the channels, and hears when they are granted', async () => {
  const { run } = await openAlone()
  await run.redis.call('ACL', 'SETUSER', 'default', 'resetchannels')
  for (const app of run.apps)
    await expect
      .poll(() => app.metrics('onceline_bridge_listening'), { timeout: 15_000 })
      .toEqual(['onceline_bridge_listening 0'])
  await expect.poll(() => run.lines().join()).toContain('NOPERM')
  await run.redis.call('ACL', 'SETUSER', 'default', 'allchannels')
  await allListen(run.apps)
  expect(await run.say(CHANNEL, item())).toEqual(ONCE)
}, 40_000)

it('holds a bounded number of messages, and counts what is beyond', async () => {
  const run = await open({ services: 1, capacity: 3 })
  const userId = randomUUID()
  expect(await run.say(CHANNEL, item(userId))).toEqual({ acted: 1 })
  const holder = await database.pool.getConnection()
  await holder.query('START TRANSACTION')
  await holder.query('SELECT head FROM feed_heads WHERE user_id = ? FOR UPDATE', [userId])
  for (let n = 0; n < 5; n += 1) await run.redis.publish(run.prefix + CHANNEL, JSON.stringify(item(userId)))
  await expect.poll(() => run.outcomes(CHANNEL)).toEqual({ acted: 1, overflow: 2 })
  await holder.query('ROLLBACK')
  holder.release()
  await expect.poll(() => run.outcomes(CHANNEL)).toEqual({ acted: 4, overflow: 2 })
}, 20_000)

it('finishes what it has heard when it stops, and hears nothing more', async () => {
  const run = await open({ services: 1 })
  const userId = randomUUID()
  await run.say(CHANNEL, item(userId))
  const holder = await database.pool.getConnection()
  await holder.query('START TRANSACTION')
  await holder.query('SELECT head FROM feed_heads WHERE user_id = ? FOR UPDATE', [userId])
  await run.redis.publish(run.prefix + CHANNEL, JSON.stringify(item(userId)))
  await expect
    .poll(() => run.apps[0]?.metrics('onceline_bridge_waiting'))
    .toEqual(['onceline_bridge_waiting 1'])
  const stopped = run.apps[0]?.stop()
  await expect
    .poll(() => run.redis.call('PUBSUB', 'NUMSUB', run.prefix + CHANNEL))
    .toEqual([run.prefix + CHANNEL, 0])
  await holder.query('ROLLBACK')
  holder.release()
  await stopped
  expect(await feedOf(database.pool, userId)).toEqual([
    [1, 1],
    [2, 1],
  ])
}, 20_000)

it('finishes, too, what lies unread in its socket when it stops', async () => {
  const run = await open({ services: 1 })
  const userId = randomUUID()
  const { host, port, password } = database.redis
  const program = `
    import { Redis } from 'ioredis'
    const redis = new Redis(${JSON.stringify({ host, port, password })})
    console.log(await redis.publish(process.argv[1], process.argv[2]))
    redis.disconnect()`
  // Meanwhile this process reads nothing.
  const published = spawnSync(
    process.execPath,
    ['--input-type=module', '-e', program, run.prefix + CHANNEL, JSON.stringify(item(userId))],
    { encoding: 'utf8', cwd: import.meta.dirname },
  )
  await run.stop()
  expect(published.stdout).toBe('1\n')
  expect(await feedOf(database.pool, userId)).toEqual([[1, 1]])
}, 20_000)
