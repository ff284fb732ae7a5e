import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { RowDataPacket } from '../../db/rows.ts'
import type { KeyCheckpoint } from '../../src/base/checkpoint.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { type Asked, KeysModel } from '../support/keys-model.ts'
import { createEffects } from '../support/once-app.ts'
import { propertyRuns } from '../support/property-runs.ts'
import { Provider } from '../support/provider.ts'
import { KeyNode } from './key-node.ts'

const RUNS = Number(process.env.KEYS_RUNS ?? 30)
const TEST_TIMEOUT_MS = 400_000
/** Longer than a step takes on a busy machine: the lease's own tests are elsewhere. */
const LEASE_SECONDS = 3

let database: TestDatabase
let provider: Provider
let nodes: KeyNode[]
let spare: KeyNode
let deaths = 0

beforeAll(async () => {
  database = await testDatabase('keys-model')
  await createEffects(database.pool)
  provider = await Provider.open()
  nodes = await Promise.all([serve(new KeyNode()), serve(new KeyNode())])
  spare = new KeyNode()
})
afterAll(async () => {
  await Promise.all([...(nodes ?? []), spare].map((node) => node?.kill()))
  await provider?.close()
  await database?.drop()
})

function serve(node: KeyNode): Promise<KeyNode> {
  return node.start({ database: database.address, providerUrl: provider.url, leaseSeconds: LEASE_SECONDS })
}

interface Request {
  readonly node: 0 | 1
  readonly key: number
  readonly content: 'a' | 'b'
}

interface Round {
  readonly requests: readonly Request[]
  readonly death: { readonly node: 0 | 1; readonly at: KeyCheckpoint; readonly passing: number } | null
}

const anyNode = fc.constantFrom(0 as const, 1 as const)
/** One content is the usual one, so that most repeats are honest. */
const anyRequest: fc.Arbitrary<Request> = fc.record({
  node: anyNode,
  key: fc.nat(2),
  content: fc.oneof(
    { weight: 4, arbitrary: fc.constant('a' as const) },
    { weight: 1, arbitrary: fc.constant('b' as const) },
  ),
})
const anyRound = (moments: readonly KeyCheckpoint[]): fc.Arbitrary<Round> =>
  fc.record({
    requests: fc.array(anyRequest, { minLength: 1, maxLength: 12 }),
    death: fc.option(
      fc.record({ node: anyNode, at: fc.constantFrom(...moments), passing: fc.integer({ min: 1, max: 3 }) }),
      { freq: 2 },
    ),
  })

const ONCE: KeyCheckpoint[] = ['once:claimed', 'once:handled', 'once:commit-sent', 'once:committed']
const OPERATION: KeyCheckpoint[] = [
  'operation:claimed',
  'operation:stepped',
  'operation:fenced',
  'operation:commit-sent',
  'operation:committed',
]

it.each([
  ['one transaction', 'effects', ONCE, RUNS],
  ['several phases', 'charges', OPERATION, Math.ceil(RUNS / 3)],
] as const)(
  'any requests with repeated, conflicting, concurrent and crashed keys over two processes (%s): one effect and one answer a key',
  async (_, route, moments, runs) => {
    deaths = 0
    await fc.assert(
      fc.asyncProperty(fc.array(anyRound(moments), { minLength: 1, maxLength: 5 }), async (rounds) => {
        const model = new KeysModel()
        const run = randomUUID()
        const ask = async ({ node, key, content }: Request): Promise<Asked> => {
          const name = `${run}-${key}`
          const answer = await (nodes[node] as KeyNode).post(`/${route}/${name}`, name, content)
          return { key: name, content, answer }
        }
        for (const { requests, death } of rounds) {
          if (death !== null) await nodes[death.node]?.dieAt(death.at, death.passing)
          model.observe(await Promise.all(requests.map(ask)))
          await replaceTheDead(death)
        }
        await settle(model, rounds, ask)
        model.expectEffects(await effectsOf(model.keys))
      }),
      { ...propertyRuns(runs), interruptAfterTimeLimit: TEST_TIMEOUT_MS / 2, endOnFailure: true },
    )
    expect(deaths, 'processes died').toBeGreaterThan(0)
  },
  TEST_TIMEOUT_MS,
)

async function replaceTheDead(death: Round['death']): Promise<void> {
  if (death === null) return
  const node = nodes[death.node] as KeyNode
  // Where the moment never came, it must not come later.
  if (!node.hasEnded) await node.dieAt(death.at, 0).catch(() => undefined)
  await new Promise(setImmediate)
  if (!node.hasEnded) return
  deaths += 1
  nodes[death.node] = await serve(spare)
  spare = new KeyNode()
}

/** Every content of every key is asked for again until it is told; then each key has one content and one answer. */
async function settle(
  model: KeysModel,
  rounds: readonly Round[],
  ask: (request: Request) => Promise<Asked>,
): Promise<void> {
  const keys = new Set(rounds.flatMap(({ requests }) => requests.map(({ key }) => key)))
  for (const key of keys) {
    for (const content of ['a', 'b', 'a'] as const) {
      for (;;) {
        const asked = await ask({ node: (key % 2) as 0 | 1, key, content })
        model.observe([asked])
        if (asked.answer !== 'died' && asked.answer.status !== 409) break
      }
    }
  }
  for (const key of model.keys) expect(model.contentOf(key), `what ${key} stands for`).not.toBeNull()
}

/** The contents of each key's effects; a charge's says by which call, too. */
async function effectsOf(keys: readonly string[]): Promise<Map<string, string[]>> {
  const [rows] = await database.pool.query<RowDataPacket[]>(
    'SELECT place, content FROM effects WHERE place IN (?)',
    [keys],
  )
  const effects = new Map<string, string[]>()
  for (const { place, content } of rows)
    effects.set(place, [...(effects.get(place) ?? []), String(content).replace(/ by call-\d+$/, '')])
  return effects
}
