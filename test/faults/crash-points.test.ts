import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { EventCheckpoint } from '../../src/base/checkpoint.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { Chance } from './chance.ts'
import { Gateway } from './gateway.ts'
import { ServerNode } from './server-node.ts'
import { inventStory, newSecrets } from './story.ts'
import { differences, settle } from './truth.ts'
import { Writers } from './writers.ts'

/** Every place of death, and how often at most it is passed before the process dies there. */
const PLACES = {
  'ingest:before-insert': 6,
  'ingest:insert-sent': 12,
  'ingest:committed': 6,
  'ingest:before-ring': 6,
  'ingest:acknowledged': 12,
  'ingest:rung': 6,
  'process:claimed': 4,
  'process:locked': 4,
  'process:written': 4,
  'process:commit-sent': 4,
  'process:committed': 4,
} as const satisfies Record<EventCheckpoint, number>

const IS_MYSQL = process.env.ONCELINE_TEST_ENGINE === 'mysql'
const RUNS = Number(process.env.CRASH_RUNS ?? (IS_MYSQL ? 25 : 100))
const SEED = Number(process.env.CRASH_SEED ?? Math.floor(Math.random() * 2 ** 31))
const WRITERS = 8
/** The truth is compared this often, so that a difference is found near the run that made it. */
const RUNS_A_COMPARISON = 50
/** Each moment is passed many times a second; a machine whose disk is busy for others may take long over one commit. */
const DEATH_TIMEOUT_MS = 30_000
/** The sweeper looks after two seconds, and again after one; a stalled job is found after half a minute. */
const SETTLE_TIMEOUT_MS = 60_000
const TEST_TIMEOUT_MS = 900_000

const secrets = newSecrets()
const nodes: ServerNode[] = []
let spare: ServerNode
let database: TestDatabase
let gateway: Gateway

beforeAll(async () => {
  database = await testDatabase('crash-points')
  spare = new ServerNode()
  nodes.push(await started(new ServerNode()), await started(new ServerNode()))
  gateway = new Gateway(() => nodes.map(({ port }) => port), database.pool)
})

afterAll(async () => {
  await Promise.all([...nodes, spare].map((node) => node.kill()))
  await database.drop()
})

describe(`two servers that die ${RUNS} times`, () => {
  it('process every acknowledged event exactly once', { timeout: TEST_TIMEOUT_MS }, async () => {
    const engine = IS_MYSQL ? 'ONCELINE_TEST_ENGINE=mysql ' : ''
    const again = `${engine}CRASH_SEED=${SEED} CRASH_RUNS=${RUNS} npx vitest run test/faults/crash-points.test.ts`
    console.log(`crash points: ${again}`)
    try {
      await dieAndCompare()
    } catch (error) {
      throw new Error(`${error instanceof Error ? error.message : error}\nAgain with: ${again}`, {
        cause: error,
      })
    }
  })
})

async function dieAndCompare(): Promise<void> {
  const chance = new Chance(SEED)
  const plans = new Chance(chance.between(0, 2 ** 31))
  const invent = (serial: number) => inventStory(plans, `r${SEED}-${serial}`, secrets)
  const writers = new Writers({ gateway, invent, count: WRITERS })
  const deaths = new Map<string, number>()
  for (const [run, death] of planDeaths(chance).entries()) {
    await dieOnce(writers, death).catch((error: unknown) => {
      throw new Error(
        `run ${run + 1}, ${JSON.stringify(death)}: ${error instanceof Error ? error.message : error}`,
      )
    })
    deaths.set(death.checkpoint, (deaths.get(death.checkpoint) ?? 0) + 1)
    const isLast = run + 1 === RUNS
    if (!isLast && (run + 1) % RUNS_A_COMPARISON !== 0) continue
    await settle(database.pool, SETTLE_TIMEOUT_MS)
    expect((await differences(database.pool, writers.stories)).slice(0, 20)).toEqual([])
  }
  console.log(
    `crash points: ${writers.stories.length} payments`,
    gateway.sightings,
    Object.fromEntries(deaths),
  )
  if (RUNS >= Object.keys(PLACES).length)
    expect([...deaths.keys()].sort()).toEqual(Object.keys(PLACES).sort())
  // Otherwise the deaths came too early or too late to matter.
  expect(gateway.sightings.connectionErrors).toBeGreaterThan(0)
  if (RUNS >= 100) expect(gateway.sightings.foundByRetry).toBeGreaterThan(0)
  if (RUNS >= 100) expect(gateway.sightings.storedByRetry).toBeGreaterThan(0)
}

interface Death {
  readonly node: 0 | 1
  readonly checkpoint: EventCheckpoint
  readonly passing: number
}

/** Every place once, in an order of chance, then every place again. */
function planDeaths(chance: Chance): Death[] {
  const places = Object.keys(PLACES) as EventCheckpoint[]
  const deaths: Death[] = []
  while (deaths.length < RUNS) {
    for (const checkpoint of chance.shuffled(places)) {
      deaths.push({ node: chance.pick([0, 1]), checkpoint, passing: chance.between(1, PLACES[checkpoint]) })
    }
  }
  return deaths.slice(0, RUNS)
}

/** The writers write until one node is dead and another one has taken its place. */
async function dieOnce(writers: Writers, { node, checkpoint, passing }: Death): Promise<void> {
  await spare.loaded()
  const victim = nodes[node]
  if (victim === undefined) throw new Error('there is no such node')
  const dead = victim.dieAt(checkpoint, passing, DEATH_TIMEOUT_MS)
  const failed = writers.begin()
  await Promise.race([dead, failed])
  nodes[node] = await Promise.race([started(spare), failed.then(() => spare)])
  spare = new ServerNode()
  await writers.rest()
}

function started(node: ServerNode): Promise<ServerNode> {
  const { address, redis } = database
  return node.start({ database: address, redis, secrets })
}
