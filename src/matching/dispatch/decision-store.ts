import type { PoolConnection } from '../../../db/pools.ts'
import { newId } from '../../base/ids.ts'
import type { DispatchPolicy } from '../trips/trip.ts'
import type { DecisionDocument, DecisionOutcome } from './decision.ts'

export interface NewDecision {
  readonly tripId: string
  readonly round: number
  readonly policy: DispatchPolicy
  readonly windowNumber: number | null
  readonly outcome: DecisionOutcome
  readonly document: DecisionDocument
}

/** Keeps what was decided, and of what it was made. */
export async function insertDecisions(
  connection: PoolConnection,
  decisions: readonly NewDecision[],
): Promise<void> {
  if (decisions.length === 0) return
  const rows = decisions.map(({ tripId, round, policy, windowNumber, outcome, document }) => [
    ...[newId(), tripId, round, policy, windowNumber, outcome, documentJson(document)],
  ])
  await connection.query(
    `INSERT INTO dispatch_decisions (id, trip_id, round, policy, window_number, outcome, document, at)
     VALUES ${rows.map(() => '(?, UTC_TIMESTAMP(3))').join(', ')}`,
    rows,
  )
}

/** A fee's amount is a BigInt, and safe as a number. */
function documentJson(document: DecisionDocument): string {
  return JSON.stringify(document, (_, value) => (typeof value === 'bigint' ? Number(value) : value))
}
