import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { RowDataPacket } from '../../db/rows.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { createEffects, effectsAt } from '../support/once-app.ts'
import { Provider } from '../support/provider.ts'
import { KeyNode, type NodeAnswer } from './key-node.ts'

/** The first process is the one that dies or sleeps, so that its lease is waited for; the second must keep its own. */
const SHORT_LEASE_SECONDS = 2
const LONG_LEASE_SECONDS = 20
let database: TestDatabase
let provider: Provider
let first: KeyNode
let second: KeyNode

beforeAll(async () => {
  database = await testDatabase('keys-faults')
  await createEffects(database.pool)
  provider = await Provider.open()
  second = await startNode(LONG_LEASE_SECONDS)
})
afterAll(async () => {
  await Promise.all([first?.kill(), second?.kill()])
  await provider?.close()
  await database?.drop()
})
beforeEach(async () => {
  provider.reset()
  if (!first || first.hasEnded) first = await startNode(SHORT_LEASE_SECONDS)
})

function startNode(leaseSeconds: number): Promise<KeyNode> {
  return new KeyNode().start({
    database: database.address,
    providerUrl: provider.url,
    leaseSeconds,
  })
}

describe('a process that is killed', () => {
  it.each([
    ['once:claimed', false],
    ['once:handled', false],
    ['once:committed', true],
  ] as const)('at %s: its key is free at once, or its answer stands', async (checkpoint, isCommitted) => {
    const key = randomUUID()
    await first.dieAt(checkpoint, 1)
    const [lost, other] = await Promise.all([
      first.post(`/effects/${key}`, key, 'a'),
      first.ended.then(() => second.post(`/effects/${key}`, key, 'a')),
    ])
    expect(lost).toBe('died')
    expect(await first.ended).toBe('SIGKILL')
    expect(other).toMatchObject({ status: 201, replayed: isCommitted })
    expect(await effectsAt(database.pool, key)).toEqual(['a'])
  })

  it.each([
    ['operation:claimed', 1],
    ['operation:stepped', 1],
    ['operation:fenced', 1],
    ['operation:commit-sent', 1],
    ['operation:committed', 1],
    ['operation:stepped', 2],
    ['operation:fenced', 2],
    ['operation:commit-sent', 2],
    ['operation:committed', 2],
  ] as const)(
    'at %s (%i): another one finishes its operation within the lease',
    async (checkpoint, passing) => {
      const key = randomUUID()
      await first.dieAt(checkpoint, passing)
      expect(await first.post(`/charges/${key}`, key, 'a')).toBe('died')
      expect(await first.ended).toBe('SIGKILL')
      const answer = await answered(second, key)
      expect(answer).toMatchObject({ status: 201 })
      expect(await second.post(`/charges/${key}`, key, 'a')).toEqual({
        ...(answer as object),
        replayed: true,
      })
      expect(await effectsAt(database.pool, key)).toHaveLength(1)
      expect(new Set(provider.calls.map((call) => call.key)).size, 'one key for the provider').toBe(1)
    },
  )
})

describe('an owner that sleeps past its lease', () => {
  it('is fenced off when it wakes, and answers as the owner that took over', async () => {
    const key = randomUUID()
    // It has its call's answer and sleeps just before it commits.
    await first.stopAt('operation:stepped', 1)
    const called = provider.next()
    const asked = first.post(`/charges/${key}`, key, 'a')
    const { key: providerKey } = await called
    provider.isAnswering = false
    try {
      const owner = await provider.next()
      expect(owner.key).toBe(providerKey)
      expect(await fences()).toEqual([2])
      first.signal('SIGCONT')
      expect(await asked, 'it could commit nothing').toMatchObject({ status: 409 })
      expect(await fences(), 'and changed nothing').toEqual([2])
      expect(await effectsAt(database.pool, `${key}-called`)).toEqual([])
      owner.answer()
      const answer = await answered(second, key)
      expect(JSON.parse(textOf(answer))).toMatchObject({ call: owner.number })
      expect(await effectsAt(database.pool, key)).toEqual([`a by call-${owner.number}`])
      expect(await first.post(`/charges/${key}`, key, 'a')).toEqual({ ...(answer as object), replayed: true })
    } finally {
      first.signal('SIGCONT')
    }
  })
})

/** Asks until there is an answer, as a client does that obeys Retry-After. */
async function answered(node: KeyNode, key: string): Promise<NodeAnswer> {
  let answer: NodeAnswer = 'died'
  await expect
    .poll(
      async () => {
        answer = await node.post(`/charges/${key}`, key, 'a')
        return answer === 'died' ? 0 : answer.status
      },
      { timeout: 20_000 },
    )
    .toBe(201)
  return answer
}

function textOf(answer: NodeAnswer): string {
  return answer === 'died' ? expect.fail('no answer') : answer.text
}

async function fences(): Promise<number[]> {
  const [rows] = await database.pool.query<RowDataPacket[]>('SELECT fence FROM idempotency_operations')
  return rows.map(({ fence }) => fence)
}
