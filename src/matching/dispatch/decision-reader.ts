import type { Pool, PoolConnection } from '../../../db/pools.ts'
import type { RowDataPacket } from '../../../db/rows.ts'
import type { Id } from '../../base/ids.ts'
import type { DispatchPolicy } from '../trips/trip.ts'
import type { DecisionDocument, DecisionOutcome } from './decision.ts'

type Queryable = Pick<PoolConnection | Pool, 'query'>

/** A decision as it was kept. */
export interface StoredDecision {
  readonly id: Id
  readonly tripId: string
  readonly round: number
  readonly policy: DispatchPolicy
  /** Of `batch`: which window of its zone and category. */
  readonly windowNumber: number | null
  readonly outcome: DecisionOutcome
  readonly document: DecisionDocument
  readonly at: Date
}

const COLUMNS = 'id, trip_id, round, policy, window_number, outcome, document, at'

/** A trip's decisions, the oldest first. Uses decisions_by_trip. */
export async function readDecisionsOf(
  connection: Queryable,
  tripId: string,
  limit: number,
): Promise<StoredDecision[]> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT ${COLUMNS} FROM dispatch_decisions WHERE trip_id = ? ORDER BY id LIMIT ?`,
    [tripId, limit],
  )
  return rows.map(toDecision)
}

/** A window's decisions are written one after the other, by one process: that takes no longer. */
const WINDOW_SPREAD_MS = 30_000
/** More than a window has. */
const WINDOW_LIMIT = 2_000

/**
 * What was decided in the same window, this decision among it; of a decision without a window itself alone. Uses the primary key: the ids
 * of the time around it.
 */
export async function readWindowOf(
  connection: Queryable,
  decision: StoredDecision,
): Promise<StoredDecision[]> {
  if (decision.windowNumber === null) return [decision]
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT ${COLUMNS} FROM dispatch_decisions FORCE INDEX (PRIMARY)
     WHERE id BETWEEN ? AND ? AND policy = ? AND window_number = ? ORDER BY id LIMIT ${WINDOW_LIMIT}`,
    [
      idAround(decision.id, -WINDOW_SPREAD_MS),
      idAround(decision.id, WINDOW_SPREAD_MS),
      decision.policy,
      decision.windowNumber,
    ],
  )
  const { zoneId, category } = decision.document
  return rows
    .map(toDecision)
    .filter(({ document }) => document.zoneId === zoneId && document.category === category)
}

const TIME_BYTES = 6

/** The time is what a UUIDv7 begins with. */
function idAround(id: Id, milliseconds: number): Id {
  const around = Buffer.alloc(id.length)
  around.writeUIntBE(Math.max(id.readUIntBE(0, TIME_BYTES) + milliseconds, 0), 0, TIME_BYTES)
  return around
}

function toDecision(row: RowDataPacket): StoredDecision {
  return {
    id: row.id,
    tripId: row.trip_id,
    round: Number(row.round),
    policy: row.policy,
    windowNumber: row.window_number === null ? null : Number(row.window_number),
    outcome: row.outcome,
    document: JSON.parse(row.document),
    at: row.at,
  }
}
