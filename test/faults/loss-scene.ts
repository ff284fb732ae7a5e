import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { Chance } from './chance.ts'
import { Gateway } from './gateway.ts'
import { type OwnHost, openOwnHost } from './own-host.ts'
import { ServerNode } from './server-node.ts'
import { inventStory, newSecrets, type Story } from './story.ts'
import { differences, settle } from './truth.ts'
import { Writers } from './writers.ts'

export const TIMEOUT_MS = 120_000
/** Events that nobody rang for are looked for after two seconds. */
const SETTLE_TIMEOUT_MS = 40_000
export const STORIES = 40
const WRITERS = 4

/** Two servers and their gateways, over servers of MySQL and Redis that the test may freeze and kill. */
export interface LossScene {
  readonly host: OwnHost
  readonly nodes: readonly ServerNode[]
  readonly gateway: Gateway
  readonly writers: Writers
  /** Another story, by the seed of CRASH_SEED. */
  invent(name: string): Story
  /** Some stories from their beginning to their end. */
  playSome(stories?: number): Promise<void>
  /** Resolves when nothing is unfinished any more. */
  settle(): Promise<void>
}

/**
 * Opens it for the whole file, filled by beforeAll. After each test everything must be settled, agree with what the gateways
 * were told, and no connection may have failed. `again` gives stories that are to be played before new ones are invented.
 */
export function useLossScene(name: string, again: () => Story | undefined = () => undefined): LossScene {
  const secrets = newSecrets()
  const chance = new Chance(Number(process.env.CRASH_SEED ?? 1))
  const nodes = [new ServerNode(), new ServerNode()]
  const invent = (story: string): Story => inventStory(chance, story, secrets)
  const scene = {} as { -readonly [Part in keyof LossScene]: LossScene[Part] }
  let serial = 0
  scene.nodes = nodes
  scene.invent = invent
  scene.settle = () => settle(scene.host.pool, SETTLE_TIMEOUT_MS)
  scene.playSome = async (stories = STORIES) => {
    void scene.writers.begin()
    await scene.writers.write(stories)
    await scene.writers.rest()
  }
  beforeAll(async () => {
    scene.host = await openOwnHost(name)
    const { database, redis, pool } = scene.host
    await Promise.all(nodes.map((node) => node.start({ database, redis, secrets })))
    scene.gateway = new Gateway(() => nodes.map(({ port }) => port), pool)
    const next = (): Story => again() ?? invent(`${name}-${serial++}`)
    scene.writers = new Writers({ gateway: scene.gateway, invent: next, count: WRITERS })
  }, TIMEOUT_MS)
  afterEach(async () => {
    await scene.writers.rest()
    await scene.settle()
    expect((await differences(scene.host.pool, scene.writers.stories)).slice(0, 20)).toEqual([])
    // The servers themselves lived through it.
    expect(scene.gateway.sightings.connectionErrors).toBe(0)
  }, TIMEOUT_MS)
  afterAll(async () => {
    await Promise.all(nodes.map((node) => node.kill()))
    await scene.host?.remove()
  }, TIMEOUT_MS)
  return scene
}
