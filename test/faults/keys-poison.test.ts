import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { RowDataPacket } from '../../db/rows.ts'
import { MAX_SILENT_OWNERS } from '../../src/idempotency/operation-store.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { createEffects, effectsAt } from '../support/once-app.ts'
import { Provider } from '../support/provider.ts'
import { KeyNode } from './key-node.ts'

const TIMEOUT_MS = 90_000
const LEASE_SECONDS = 2
let database: TestDatabase
let provider: Provider
const nodes: KeyNode[] = []

beforeAll(async () => {
  database = await testDatabase('keys-poison')
  await createEffects(database.pool)
  provider = await Provider.open()
})
afterAll(async () => {
  await Promise.all(nodes.map((node) => node.kill()))
  await provider?.close()
  await database?.drop()
})

it('an operation that kills whoever does it kills five processes, and no sixth', {
  timeout: TIMEOUT_MS,
}, async () => {
  const key = randomUUID()
  for (let owner = 1; owner <= MAX_SILENT_OWNERS; owner += 1) {
    const node = open()
    // Before it starts: its completer goes to work at once.
    await node.dieAt('operation:stepped', 1)
    const started = start(node)
    started.catch(() => undefined)
    if (owner === 1) {
      await started
      expect(await node.post(`/charges/${key}`, key, 'a')).toBe('died')
    }
    expect(await node.ended, `owner ${owner}`).toBe('SIGKILL')
  }
  expect(provider.calls).toHaveLength(MAX_SILENT_OWNERS)
  expect(new Set(provider.calls.map((call) => call.key)).size, 'one key for the provider').toBe(1)

  const sixth = await start(open())
  await expect.poll(reasons, { timeout: TIMEOUT_MS / 3 }).toEqual(['5 owners were gone without a word'])
  expect(await sixth.post(`/charges/${key}`, key, 'a')).toMatchObject({ status: 409 })
  const other = randomUUID()
  expect(await sixth.post(`/charges/${other}`, other, 'a')).toMatchObject({ status: 201 })
  expect(sixth.hasEnded).toBe(false)
  expect(await effectsAt(database.pool, key)).toEqual([])
})

function open(): KeyNode {
  const node = new KeyNode()
  nodes.push(node)
  return node
}

function start(node: KeyNode): Promise<KeyNode> {
  return node.start({ database: database.address, providerUrl: provider.url, leaseSeconds: LEASE_SECONDS })
}

/** Of what is set aside. */
async function reasons(): Promise<string[]> {
  const [rows] = await database.pool.query<RowDataPacket[]>(
    'SELECT last_error FROM idempotency_operations WHERE set_aside_at IS NOT NULL',
  )
  return rows.map(({ last_error }) => last_error)
}
