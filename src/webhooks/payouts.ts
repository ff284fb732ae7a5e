import type { Pool, PoolConnection } from '../../db/pools.ts'
import type { RowDataPacket } from '../../db/rows.ts'
import type { Id } from '../base/ids.ts'
import { recordKey } from '../idempotency/key.ts'
import { isPayout } from '../payments/fact.ts'
import { applyPayoutFact, type Payout, type PayoutDecision, type PayoutFact } from '../payments/payout.ts'
import type { ClaimedEvent } from './event-store.ts'
import type { AccountName } from './gateway-pause.ts'

/** A payout as it is kept, and since when it is in its state. */
export interface StoredPayout extends Payout {
  readonly eventId: Id
  readonly updatedAt: Date
}

interface Note {
  readonly event: ClaimedEvent
  readonly fact: PayoutFact
  readonly key: Buffer
}

/**
 * Takes what claimed events say of payouts into their rows, one after the other by key, so that two batches lock in one order;
 * returns each decision by the event's id in hex. Events that say nothing of a payout are left out.
 */
export async function notePayouts(
  connection: PoolConnection,
  events: readonly ClaimedEvent[],
): Promise<ReadonlyMap<string, PayoutDecision>> {
  const notes = events.flatMap((event): Note[] => {
    const { fact } = event
    return fact !== null && isPayout(fact) ? [{ event, fact, key: payoutKey(event, fact.operationRef) }] : []
  })
  const decisions = new Map<string, PayoutDecision>()
  for (const note of notes.sort((a, b) => Buffer.compare(a.key, b.key)))
    decisions.set(note.event.id.toString('hex'), await take(connection, note))
  return decisions
}

async function take(connection: PoolConnection, { event, fact, key }: Note): Promise<PayoutDecision> {
  const first = applyPayoutFact(null, fact)
  if (first.kind === 'moved') await insertPayout(connection, event, fact, key, first.payout)
  const known = await lockPayout(connection, key)
  // It is this event that led here, now or before it was replayed.
  if (known === null || known.eventId.equals(event.id)) return first
  const decision = applyPayoutFact(event.amountApproved ? { ...known, amountMinor: null } : known, fact)
  if (decision.kind === 'contradicts') return decision
  await updatePayout(connection, key, decision.payout, decision.kind === 'moved' ? event.id : null)
  return decision
}

/** Locks the row without waiting for a gap: whoever comes second finds it. A row that stands stays as it is. Uses the primary key. */
async function insertPayout(
  connection: PoolConnection,
  { gateway, account, id }: ClaimedEvent,
  { operationRef }: PayoutFact,
  key: Buffer,
  payout: Payout,
): Promise<void> {
  await connection.query(
    `INSERT INTO payouts (payout_key, gateway, account, payout_ref, merchant_ref, state, amount_minor, currency, event_id,
       created_at, updated_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, UTC_TIMESTAMP(3), UTC_TIMESTAMP(3)) ON DUPLICATE KEY UPDATE payout_key = payout_key`,
    [key, gateway, account, operationRef, ...valuesOf(payout), id],
  )
}

/** Uses the primary key. */
async function lockPayout(connection: PoolConnection, key: Buffer): Promise<StoredPayout | null> {
  const [rows] = await connection.query<RowDataPacket[]>(`${SELECT} FOR UPDATE`, [key])
  return rows[0] === undefined ? null : payoutOf(rows[0])
}

/** `eventId` null: nothing new but what had not been said before. Uses the primary key. */
async function updatePayout(
  connection: PoolConnection,
  key: Buffer,
  payout: Payout,
  eventId: Id | null,
): Promise<void> {
  await connection.query(
    `UPDATE payouts SET merchant_ref = ?, state = ?, amount_minor = ?, currency = ?, event_id = COALESCE(?, event_id),
       updated_at = IF(?, UTC_TIMESTAMP(3), updated_at)
     WHERE payout_key = ?`,
    [...valuesOf(payout), eventId, eventId !== null, key],
  )
}

const SELECT =
  'SELECT state, merchant_ref, amount_minor, currency, event_id, updated_at FROM payouts WHERE payout_key = ?'

/** A payout by its gateway's id; null: nothing was told of it yet. Uses the primary key. */
export async function readPayout(
  pool: Pick<Pool, 'query'>,
  account: AccountName,
  payoutRef: string,
): Promise<StoredPayout | null> {
  const [rows] = await pool.query<RowDataPacket[]>(SELECT, [payoutKey(account, payoutRef)])
  return rows[0] === undefined ? null : payoutOf(rows[0])
}

function payoutKey({ gateway, account }: AccountName, payoutRef: string): Buffer {
  return recordKey({ kind: 'payout', tenant: gateway, actor: account, operation: 'payout', key: payoutRef })
}

function valuesOf({ merchantRef, state, amountMinor, currency }: Payout) {
  return [merchantRef, state, amountMinor === null ? null : String(amountMinor), currency]
}

function payoutOf(row: RowDataPacket): StoredPayout {
  return {
    state: row.state,
    merchantRef: row.merchant_ref,
    amountMinor: row.amount_minor === null ? null : BigInt(row.amount_minor),
    currency: row.currency,
    eventId: row.event_id,
    updatedAt: row.updated_at,
  }
}
