import { expect } from 'vitest'
import type { Pool } from '../../db/pools.ts'
import type { RowDataPacket } from '../../db/rows.ts'
import { inTransaction } from '../../db/transaction.ts'
import type { Id } from '../../src/base/ids.ts'
import { LARAVEL_TOPIC } from '../../src/laravel/queue.ts'
import { appendToOutbox } from '../../src/outbox/append.ts'

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

/** Lets back-offs, leases and looks be over now. */
export async function makeDue(pool: Pool, ...ids: readonly Id[]): Promise<void> {
  await pool.query('UPDATE outbox SET claimable_at = NULL, next_at = UTC_TIMESTAMP(3) WHERE id IN (?)', [ids])
}
