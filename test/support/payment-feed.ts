import type { Pool } from '../../db/pools.ts'
import type { RowDataPacket } from '../../db/rows.ts'
import { idToText } from '../../src/base/ids.ts'

/** What one user is told of one payment: the messages in order, as JSON. */
type Said = Map<string, string[]>

const LIMIT = 20

/**
 * Compares every user's feed with the transitions of his payments; says each difference in a line. He is told of each of them
 * exactly once, of each payment in the order of its transitions, and his numbers are 1, 2, 3 … without a gap. For databases whose
 * feeds have nothing but payments.
 */
export async function feedDifferences(pool: Pool): Promise<string[]> {
  const [wanted, is] = [await readTransitions(pool), await readFeeds(pool)]
  const found: string[] = [...is.misnumbered]
  for (const userId of new Set([...wanted.keys(), ...is.said.keys()])) {
    const [should, does] = [wanted.get(userId) ?? new Map(), is.said.get(userId) ?? new Map()]
    for (const paymentId of new Set([...should.keys(), ...does.keys()])) {
      const [a, b] = [should.get(paymentId) ?? [], does.get(paymentId) ?? []].map((list) => list.join('\n'))
      if (a !== b) found.push(`the feed of ${userId} says\n${b}\nand should say\n${a}`)
    }
  }
  return found.slice(0, LIMIT)
}

/** Read from the transitions alone, and not as the service makes messages of them. */
async function readTransitions(pool: Pool): Promise<Map<string, Said>> {
  const [rows] = await pool.query<RowDataPacket[]>(
    `SELECT t.payment_id, t.kind, t.to_state, COALESCE(t.amount_minor, p.expected_minor) AS amount_minor, t.at,
       p.currency, p.trip_id, p.customer_id, p.driver_id
     FROM payment_transitions t JOIN payments p ON p.id = t.payment_id ORDER BY t.payment_id, t.version`,
  )
  const [trips] = await pool.query<RowDataPacket[]>(
    'SELECT id, customer_id, driver_id FROM trip_requests WHERE deleted_at IS NULL',
  )
  const tripOf = new Map(trips.map((trip) => [trip.id, trip]))
  const wanted = new Map<string, Said>()
  for (const row of rows) {
    const paymentId = idToText(row.payment_id)
    const data = {
      ...{ paymentId, rideId: row.trip_id, state: row.to_state, amountMinor: Number(row.amount_minor) },
      ...{ currency: row.currency, at: row.at.toISOString() },
    }
    const trip = tripOf.get(row.trip_id)
    const users = new Set([row.customer_id ?? trip?.customer_id, row.driver_id ?? trip?.driver_id])
    for (const userId of users) {
      if (userId == null) continue
      for (const event of eventsOf(row)) add(wanted, userId, paymentId, JSON.stringify({ event, data }))
    }
  }
  return wanted
}

function eventsOf({ kind, to_state: state }: RowDataPacket): string[] {
  const special: Record<string, string> = {
    captured: 'completed',
    refunded: 'refunded',
    disputed: 'disputed',
  }
  const isFailure = ['failed', 'cancelled', 'expired'].includes(state)
  const word = special[kind] ?? (isFailure ? 'failed' : undefined)
  return word === undefined ? ['payment:updated'] : ['payment:updated', `payment:${word}`]
}

async function readFeeds(pool: Pool): Promise<{ said: Map<string, Said>; misnumbered: string[] }> {
  const [rows] = await pool.query<RowDataPacket[]>(
    'SELECT user_id, seq, event, data FROM feed_messages ORDER BY user_id, seq',
  )
  const [heads] = await pool.query<RowDataPacket[]>('SELECT user_id, head FROM feed_heads')
  const said = new Map<string, Said>()
  const last = new Map<string, number>()
  const misnumbered: string[] = []
  for (const { user_id: userId, seq, event, data } of rows) {
    const before = last.get(userId) ?? 0
    if (Number(seq) !== before + 1) misnumbered.push(`${seq} follows ${before} in the feed of ${userId}`)
    last.set(userId, Number(seq))
    const parsed = JSON.parse(data)
    add(said, userId, parsed.paymentId, JSON.stringify({ event, data: parsed }))
  }
  for (const { user_id: userId, head } of heads)
    if (Number(head) !== (last.get(userId) ?? 0)) misnumbered.push(`the head of ${userId} is ${head}`)
  return { said, misnumbered }
}

function add(all: Map<string, Said>, userId: string, paymentId: string, message: string): void {
  const said = all.get(userId) ?? new Map()
  all.set(userId, said)
  said.set(paymentId, [...(said.get(paymentId) ?? []), message])
}
