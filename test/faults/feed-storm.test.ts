import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Chance } from './chance.ts'
import { StormChaos } from './storm-chaos.ts'
import { StormCrowd } from './storm-crowd.ts'
import { StormNotifier } from './storm-notifier.ts'
import { INTERNAL_KEY, StormScene } from './storm-scene.ts'
import { absentDrivers, readFeeds, wrongClients, wrongFeeds } from './storm-truth.ts'
import { StormWriters } from './storm-writers.ts'

const CLIENTS = Number(process.env.STORM_CLIENTS ?? 60)
const MESSAGES = Number(process.env.STORM_MESSAGES ?? 1_500)
const SECONDS = Number(process.env.STORM_SECONDS ?? 15)
const SEED = Number(process.env.STORM_SEED ?? Math.floor(Math.random() * 2 ** 31))
const ENGINE = process.env.ONCELINE_TEST_ENGINE === 'mysql' ? 'ONCELINE_TEST_ENGINE=mysql ' : ''
const SIZE = `STORM_CLIENTS=${CLIENTS} STORM_MESSAGES=${MESSAGES} STORM_SECONDS=${SECONDS}`
const AGAIN = `${ENGINE}STORM_SEED=${SEED} ${SIZE} npx vitest run test/faults/feed-storm.test.ts`
/** A dead link is noticed in seconds, whoever was sent away comes back within five, and then half a city at once. */
const CALM_MS = 30_000
const CALM_POLL_MS = 250
const TEST_TIMEOUT_MS = SECONDS * 1_000 + 180_000

let scene: StormScene
let crowd: StormCrowd | undefined

beforeAll(async () => {
  scene = await StormScene.open()
})

afterAll(async () => {
  crowd?.end()
  await scene?.close()
})

describe(`${CLIENTS} clients of two processes in a storm`, () => {
  it('get every message of their feeds once, in its order', { timeout: TEST_TIMEOUT_MS }, async () => {
    console.log(`feed storm: ${AGAIN}`)
    try {
      await blowAndCompare()
    } catch (error) {
      const words = scene.berths.map(({ node }) => node.words).join('\n')
      const message = error instanceof Error ? error.message : String(error)
      throw new Error(`${message}\nThe servers said last: ${words}\nAgain with: ${AGAIN}`, { cause: error })
    }
  })
})

async function blowAndCompare(): Promise<void> {
  const chance = new Chance(SEED)
  const own = (): Chance => new Chance(chance.between(0, 2 ** 31))
  const { promise: failed, reject } = Promise.withResolvers<never>()
  const unlessFailed = <T>(work: Promise<T>): Promise<T> => Promise.race([work, failed])
  const people = new StormCrowd({
    count: CLIENTS,
    chance: own(),
    doors: () => scene.doors,
    onFailure: reject,
  })
  crowd = people
  const { clients, userIds, ends } = people
  const writers = new StormWriters({ scene, chance: own(), userIds, perSecond: MESSAGES / SECONDS })
  const doors = (): string[] => scene.urls
  const notifier = new StormNotifier({ chance: own(), userIds, doors, internalKey: INTERNAL_KEY })
  const chaos = new StormChaos({ scene, clients, writers, chance: own() })
  const writing = Promise.all([writers.write(MESSAGES), notifier.run()])
  const startedMs = performance.now()
  await unlessFailed(Promise.race([chaos.run(SECONDS), writing]))
  writers.rest()
  notifier.rest()
  await unlessFailed(writing)
  await unlessFailed(calm(writers, notifier, people))
  console.log(
    `feed storm: ${Math.round((performance.now() - startedMs) / 1_000)} s`,
    { ...writers.counts, notified: notifier.accepted.length, cuts: chaos.cuts },
    Object.fromEntries(chaos.blows),
    Object.fromEntries(ends),
  )
  // Otherwise nobody was cut off, or told to leave.
  for (const code of [1006, 1012]) expect(ends.get(code) ?? 0, `ends with ${code}`).toBeGreaterThan(0)
}

/** Everybody has what stands in the feeds, every driver is there, and no process believes in a socket that is gone. */
async function calm(writers: StormWriters, notifier: StormNotifier, { clients }: StormCrowd): Promise<void> {
  const feeds = await readFeeds(scene.pool)
  expect(wrongFeeds(feeds, writers, notifier).slice(0, 20)).toEqual([])
  await settled(() => wrongClients(feeds, clients))
  await settled(() => absentDrivers(scene.pool))
  await settled(() => otherThan(clients.length))
  for (const client of clients) client.end()
  await settled(() => otherThan(0))
}

async function otherThan(count: number): Promise<string[]> {
  const open = await scene.metric('onceline_realtime_connections{')
  return open === count ? [] : [`${open} connections are open instead of ${count}`]
}

/** Resolves as soon as nothing is wrong any more. */
async function settled(look: () => string[] | Promise<string[]>): Promise<void> {
  const endMs = performance.now() + CALM_MS
  let wrong = await look()
  while (wrong.length > 0 && performance.now() < endMs) {
    await pause(CALM_POLL_MS)
    wrong = await look()
  }
  if (wrong.length > 0)
    throw new Error(`${wrong.length} are not as they should be:\n${wrong.slice(0, 3).join('\n')}`)
}
