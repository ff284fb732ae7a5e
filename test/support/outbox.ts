import { expect } from 'vitest'
import type { Pool } from '../../db/pools.ts'
import type { RowDataPacket } from '../../db/rows.ts'
import { inTransaction } from '../../db/transaction.ts'
import type { Id } from '../../src/base/ids.ts'
import { LARAVEL_TOPIC } from '../../src/laravel/queue.ts'
import { appendToOutbox } from '../../src/outbox/append.ts'
import type { ClaimedMessage, OutboxState, Settlement } from '../../src/outbox/message.ts'
import { type Settled, settleMessage } from '../../src/outbox/settlement-store.ts'
import { claimTurns, takeDueHeads } from '../../src/outbox/store.ts'

/** Adds messages of one key, each in a transaction of its own, numbered from `from`; returns their ids in order. */
export async function addMessages(pool: Pool, orderingKey: string, count: number, from = 1): Promise<Id[]> {
  const ids: Id[] = []
  for (let n = from; n < from + count; n += 1) ids.push(...(await addTogether(pool, [{ orderingKey, n }])))
  return ids
}

/** Adds messages in one transaction; returns the first of each key, as appendToOutbox does. */
export async function addTogether(
  pool: Pool,
  messages: readonly { readonly orderingKey: string; readonly n: number }[],
): Promise<Id[]> {
  return inTransaction(pool, 'add', async (connection) => {
    const [rows] = await connection.query<RowDataPacket[]>('SELECT UTC_TIMESTAMP(3) AS now')
    const common = { topic: LARAVEL_TOPIC, event: 'payment.updated', traceId: 'trace-1' }
    return appendToOutbox(
      connection,
      messages.map(({ orderingKey, n }) => ({ ...common, orderingKey, payload: { n } })),
      rows[0]?.now,
    )
  })
}

/** Every message in the order of its key: `1 done`, `2 pending`. */
export async function fatesOf(pool: Pool, orderingKey: string): Promise<string[]> {
  const [rows] = await pool.query<RowDataPacket[]>(
    'SELECT payload, state, reason FROM outbox WHERE ordering_key = ? ORDER BY seq',
    [orderingKey],
  )
  return rows.map(({ payload, state, reason }) =>
    [JSON.parse(payload).n, state, reason].filter((part) => part !== null).join(' '),
  )
}

export async function countMessages(pool: Pool, state: OutboxState): Promise<number> {
  const [rows] = await pool.query<RowDataPacket[]>('SELECT COUNT(*) AS count FROM outbox WHERE state = ?', [
    state,
  ])
  return Number(rows[0]?.count)
}

/** A message's row, with the seconds until it may be claimed and until the sweeper looks. */
export async function messageRow(pool: Pool, id: Id): Promise<RowDataPacket> {
  const seconds = (column: string, name: string) =>
    `TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(3), ${column}) / 1000000 AS ${name}`
  const [rows] = await pool.query<RowDataPacket[]>(
    `SELECT *, ${seconds('claimable_at', 'claimable_in')}, ${seconds('next_at', 'look_in')} FROM outbox WHERE id = ?`,
    [id],
  )
  return rows[0] ?? expect.fail('there is no such message')
}

/** Lets back-offs, leases and looks be over now. A service at work on them may be in a deadlock with this, so it is tried again. */
export async function makeDue(pool: Pool, ...ids: readonly Id[]): Promise<void> {
  await inTransaction(pool, 'make due', (connection) =>
    connection.query('UPDATE outbox SET claimable_at = NULL, next_at = UTC_TIMESTAMP(3) WHERE id IN (?)', [
      ids,
    ]),
  )
}

export const LEASE_SECONDS = 30
export const DONE: Settlement = { kind: 'done', status: 204 }
export const DEAD: Settlement = { kind: 'dead', reason: 'rejected', status: 422, error: 'answered 422' }
export const RETRY: Settlement = { kind: 'retry', delayMs: 60_000, status: 500, error: 'answered 500' }

/** What couriers and sweepers do with messages, one step a call. */
export interface OutboxHands {
  claim(...ids: readonly Id[]): Promise<ClaimedMessage[]>
  claimOne(id: Id): Promise<ClaimedMessage>
  settle(message: ClaimedMessage, settlement: Settlement): Promise<Settled>
  /** The sweeper's look; the ids as hex, ascending. */
  take(): Promise<string[]>
}

export function outboxHands(pool: Pool): OutboxHands {
  const claim = (...ids: readonly Id[]) =>
    inTransaction(pool, 'claim', (connection) => claimTurns(connection, LARAVEL_TOPIC, ids, LEASE_SECONDS))
  return {
    claim,
    claimOne: async (id) => (await claim(id))[0] ?? expect.fail('it was not claimed'),
    settle: (message, settlement) => settleMessage(pool, message, settlement),
    take: async () => {
      const { ids } = await inTransaction(pool, 'take', (connection) =>
        takeDueHeads(connection, LARAVEL_TOPIC, 100, 10),
      )
      return ids.map((id) => id.toString('hex')).sort()
    },
  }
}

export function three(ids: readonly Id[]): [Id, Id, Id] {
  const [a, b, c] = ids
  if (!a || !b || !c) return expect.fail('three were wanted')
  return [a, b, c]
}
