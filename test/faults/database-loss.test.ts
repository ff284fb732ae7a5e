import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { Chance } from './chance.ts'
import { Gateway } from './gateway.ts'
import { type OwnHost, openOwnHost } from './own-host.ts'
import { ServerNode } from './server-node.ts'
import { inventStory, newSecrets, type Story } from './story.ts'
import { differences, settle } from './truth.ts'
import { Writers } from './writers.ts'

const TIMEOUT_MS = 120_000
const SETTLE_TIMEOUT_MS = 40_000
/** What a gateway is promised. */
const ANSWER_WITHIN_MS = 2_000
const STORIES = 40
/** Refused at once; many more would measure how fast this process can send on a busy machine. */
const KNOCKING_STORIES = 16
const WRITERS = 4

const secrets = newSecrets()
const nodes: ServerNode[] = []
const chance = new Chance(Number(process.env.CRASH_SEED ?? 1))
let host: OwnHost
let gateway: Gateway
let writers: Writers
/** Stories whose deliveries were refused: their gateways will tell them again. */
const refused: Story[] = []

beforeAll(async () => {
  nodes.push(new ServerNode(), new ServerNode())
  host = await openOwnHost('database-loss')
  const { database, redis } = host
  await Promise.all(nodes.map((node) => node.start({ database, redis, secrets })))
  gateway = new Gateway(() => nodes.map(({ port }) => port), host.pool)
  let serial = 0
  const invent = () => refused.pop() ?? inventStory(chance, `database-${serial++}`, secrets)
  writers = new Writers({ gateway, invent, count: WRITERS })
}, TIMEOUT_MS)

afterEach(async () => {
  await writers.rest()
  await settle(host.pool, SETTLE_TIMEOUT_MS)
  expect((await differences(host.pool, writers.stories)).slice(0, 20)).toEqual([])
  // The servers themselves lived through it.
  expect(gateway.sightings.connectionErrors).toBe(0)
}, TIMEOUT_MS)

afterAll(async () => {
  await Promise.all(nodes.map((node) => node.kill()))
  await host.remove()
}, TIMEOUT_MS)

describe('with the database away', { timeout: TIMEOUT_MS }, () => {
  it('frozen: every delivery is answered 503 in time and none is acknowledged; then all goes on', async () => {
    await playSome()
    host.freezeMysql()
    try {
      // The first wave finds connections that never answer, the second one has to make new ones.
      await knock('frozen-1')
      await knock('frozen-2')
    } finally {
      host.thawMysql()
    }
    await playRefused()
  })

  it('killed: every delivery is answered 503; what was acknowledged before is there and is processed after', async () => {
    void writers.begin()
    await writers.write(STORIES)
    await host.killMysql()
    await knock('killed-1')
    await knock('killed-2')
    await host.reviveMysql()
    await playRefused()
  })
})

/** Every delivery of some new stories at once; they are played in earnest when the database is back. */
async function knock(name: string): Promise<void> {
  const stories = Array.from({ length: KNOCKING_STORIES }, (_, serial) =>
    inventStory(chance, `${name}-${serial}`, secrets),
  )
  refused.push(...stories)
  const deliveries = stories.flatMap(({ tellings }) => tellings.map(({ delivery }) => delivery))
  const answers = await Promise.all(
    deliveries.map(async ({ path, headers, body }, index) => {
      const startedMs = performance.now()
      const url = `http://127.0.0.1:${nodes[index % nodes.length]?.port}${path}`
      const response = await fetch(url, { method: 'POST', headers, body: new Uint8Array(body) })
      await response.text()
      const durationMs = performance.now() - startedMs
      const waits = Number(response.headers.get('retry-after')) > 0
      return { status: response.status, waits, lateMs: durationMs > ANSWER_WITHIN_MS ? durationMs : 0 }
    }),
  )
  const wrong = answers.filter(({ status, waits, lateMs }) => status !== 503 || !waits || lateMs > 0)
  expect(answers.length).toBeGreaterThanOrEqual(KNOCKING_STORIES)
  expect(wrong).toEqual([])
}

/** Every story that was refused is among the next ones. */
async function playRefused(): Promise<void> {
  void writers.begin()
  await writers.write(refused.length + STORIES)
  await writers.rest()
}

async function playSome(): Promise<void> {
  void writers.begin()
  await writers.write(STORIES)
  await writers.rest()
}
