import type { Pool, PoolConnection } from '../../db/pools.ts'
import type { RowDataPacket } from '../../db/rows.ts'
import { type Id, newId } from '../base/ids.ts'

/** What a person did. Past tense is in the row: it stands only when the deed was committed with it. */
export const AUDIT_ACTIONS = [
  'event.replay',
  'event.release',
  'event.discard',
  'gateway.pause',
  'gateway.resume',
  'callback.replay',
  'callback.discard',
] as const
export type AuditAction = (typeof AUDIT_ACTIONS)[number]

/** Who does it and why. `reason` may be empty only where none is demanded. */
export interface Deed {
  readonly actor: string
  readonly reason: string
}

export interface NewAuditEntry extends Deed {
  readonly action: AuditAction
  /** An event's or a callback's id as text, or `gateway/account`. */
  readonly subject: string
  /** What it was before, for whoever has to undo it. */
  readonly details: Readonly<Record<string, unknown>> | null
}

export interface AuditEntry extends NewAuditEntry {
  readonly id: Id
  readonly at: Date
}

/** The widths of the columns; longer text is refused at the border rather than cut. */
export const ACTOR_LIMIT_CHARACTERS = 100
export const REASON_LIMIT_CHARACTERS = 500

/** Writes the entries in the transaction of what they tell of, in one statement. */
export async function appendAudit(
  connection: PoolConnection,
  entries: readonly NewAuditEntry[],
): Promise<void> {
  if (entries.length === 0) return
  const row = '(?, UTC_TIMESTAMP(3), ?, ?, ?, ?, ?)'
  await connection.query(
    `INSERT INTO audit_log (id, at, actor, action, subject, reason, details) VALUES ${entries.map(() => row).join(', ')}`,
    entries.flatMap(({ actor, action, subject, reason, details }) => [
      newId(),
      actor,
      action,
      subject,
      reason,
      details === null ? null : JSON.stringify(details),
    ]),
  )
}

const HISTORY_LIMIT = 200

/** What was done to one subject, oldest first, at most 200 entries. Uses the index subject. */
export async function readAudit(pool: Pick<Pool, 'query'>, subject: string): Promise<AuditEntry[]> {
  const [rows] = await pool.query<RowDataPacket[]>(
    `SELECT id, at, actor, action, subject, reason, details FROM audit_log WHERE subject = ? ORDER BY at, id LIMIT ?`,
    [subject, HISTORY_LIMIT],
  )
  return rows.map((row) => ({
    id: row.id,
    at: row.at,
    actor: row.actor,
    action: row.action,
    subject: row.subject,
    reason: row.reason,
    details: row.details === null ? null : JSON.parse(row.details),
  }))
}
