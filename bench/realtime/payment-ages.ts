import type { Pool } from '../../db/pools.ts'
import { WrongResult } from '../report.ts'
import { summarise } from '../statistics.ts'
import type { PaymentNote } from './sockets.ts'
import { userIdOf } from './tokens.ts'

/**
 * How old messages of the feed were when a client read them: since they were written, in a transaction that had yet to commit,
 * and since the webhook was received that they tell of.
 */
export type Ages = Record<'writtenP50Ms' | 'writtenP99Ms' | 'receivedP50Ms' | 'receivedP99Ms', number>

interface Born {
  readonly user_id: string
  readonly seq: string
  readonly written_ms: string
  readonly received_ms: string
}

/** Throws WrongResult when a message that was heard is not in the database, or is not about a webhook. */
export async function agesOf(pool: Pool, notes: readonly PaymentNote[]): Promise<Ages> {
  const born = await readBirths(pool)
  const written: number[] = []
  const received: number[] = []
  for (const { userIndex, seq, atMs } of notes) {
    const birth = born.get(`${userIdOf(userIndex)} ${seq}`)
    if (birth === undefined) throw new WrongResult('a message was heard that is not in the feed')
    written.push(atMs - Number(birth.written_ms))
    received.push(atMs - Number(birth.received_ms))
  }
  const [sinceWritten, sinceReceived] = [summarise(written), summarise(received)]
  return {
    writtenP50Ms: sinceWritten.p50Ms,
    writtenP99Ms: sinceWritten.p99Ms,
    receivedP50Ms: sinceReceived.p50Ms,
    receivedP99Ms: sinceReceived.p99Ms,
  }
}

/** The database's clock is this machine's. */
async function readBirths(pool: Pool): Promise<Map<string, Born>> {
  const [rows] = await pool.query(
    `SELECT m.user_id, m.seq, ${sinceEpoch('m.created_at')} AS written_ms, ${sinceEpoch('e.received_at')} AS received_ms
     FROM feed_messages AS m JOIN webhook_events AS e
       ON e.payment_id = UNHEX(REPLACE(JSON_UNQUOTE(JSON_EXTRACT(m.data, '$.paymentId')), '-', ''))`,
  )
  return new Map((rows as unknown as Born[]).map((row) => [`${row.user_id} ${row.seq}`, row]))
}

function sinceEpoch(column: string): string {
  return `TIMESTAMPDIFF(MICROSECOND, '1970-01-01', ${column}) / 1000`
}
