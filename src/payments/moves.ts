import { createHash } from 'node:crypto'
import type { PoolConnection } from '../../db/pools.ts'
import type { Id } from '../base/ids.ts'
import type { PaymentFact } from './fact.ts'
import type { Posting } from './ledger.ts'
import type { Operation, PaymentState } from './state.ts'
import type { PaymentRow } from './store.ts'

/** One applied decision, ready to be written. */
export interface Move {
  readonly transitionId: Id
  readonly paymentId: Id
  readonly version: number
  readonly eventId: Id | null
  readonly fact: PaymentFact
  readonly from: PaymentState
  readonly to: PaymentState
  readonly postings: readonly Posting[]
  readonly operation: Operation | null
}

/** Writes transitions, ledger entries and operations of applied decisions, in one statement each. */
export async function insertMoves(
  connection: PoolConnection,
  moves: readonly { readonly move: Move; readonly row: PaymentRow }[],
  now: Date,
): Promise<void> {
  if (moves.length === 0) return
  await connection.query(
    `INSERT INTO payment_transitions (id, payment_id, version, event_id, kind, from_state, to_state, operation_ref, amount_minor, currency, at) VALUES ?`,
    [
      moves.map(({ move }) => [
        move.transitionId,
        move.paymentId,
        move.version,
        move.eventId,
        move.fact.kind,
        move.from,
        move.to,
        move.fact.operationRef,
        move.fact.amountMinor === null ? null : String(move.fact.amountMinor),
        move.fact.currency,
        now,
      ]),
    ],
  )
  const entries = moves.flatMap(({ move, row }) =>
    move.postings.map((posting, leg) => [
      move.transitionId,
      leg,
      move.paymentId,
      posting.account,
      row.gateway,
      row.account,
      String(posting.amountMinor),
      row.payment.currency,
      now,
    ]),
  )
  if (entries.length > 0) {
    await connection.query(
      'INSERT INTO ledger_entries (transition_id, leg, payment_id, ledger_account, gateway, account, amount_minor, currency, at) VALUES ?',
      [entries],
    )
  }
  await saveOperations(connection, moves, now)
}

async function saveOperations(
  connection: PoolConnection,
  moves: readonly { readonly move: Move }[],
  now: Date,
): Promise<void> {
  const rows = moves.flatMap(({ move }) => {
    if (move.operation === null) return []
    const { kind, ref, state, amountMinor } = move.operation
    const refKey = createHash('sha256').update(ref).digest()
    return [[move.paymentId, kind, refKey, ref, state, String(amountMinor), now]]
  })
  if (rows.length === 0) return
  await connection.query(
    `INSERT INTO payment_operations (payment_id, kind, ref_key, ref, state, amount_minor, updated_at) VALUES ?
     ON DUPLICATE KEY UPDATE state = VALUES(state), amount_minor = VALUES(amount_minor), updated_at = VALUES(updated_at)`,
    [rows],
  )
}
