import type { Pool, PoolConnection } from '../../../db/pools.ts'
import type { ResultSetHeader, RowDataPacket } from '../../../db/rows.ts'
import { SEARCH_COLUMNS, type Search, toSearch } from './dispatch-store.ts'

type Queryable = Pick<PoolConnection | Pool, 'query'>

/** Trips of one zone and category, for which `batch` decides together. */
export interface WindowGroup {
  /** Empty: none was said. */
  readonly zoneId: string
  readonly category: string
}

const GROUPS = 200

/** The groups in which a trip waits for a window. Uses dispatches_by_time. */
export async function waitingGroups(connection: Queryable): Promise<WindowGroup[]> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT DISTINCT zone_id, category FROM trip_dispatches FORCE INDEX (dispatches_by_time)
     WHERE next_at <= UTC_TIMESTAMP(3) AND policy = 'batch' LIMIT ${GROUPS}`,
  )
  return rows.map((row) => ({ zoneId: row.zone_id, category: row.category }))
}

/** There is a row for this group's windows from now on. */
export async function openGroup(
  connection: Queryable,
  { zoneId, category }: WindowGroup,
  windowMs: number,
): Promise<void> {
  await connection.query(
    `INSERT INTO dispatch_windows (zone_id, category, number, next_at)
     VALUES (?, ?, 0, UTC_TIMESTAMP(3) + INTERVAL ? MICROSECOND) ON DUPLICATE KEY UPDATE number = number`,
    [zoneId, category, windowMs * 1_000],
  )
}

/**
 * Takes the group's window that is over, for this process alone; its number, or null where none is over or another has it. After a time
 * in which nobody waited a window begins with the first who does; who has waited for a whole one already waits for no other, however late
 * whoever looks is. Uses the primary key, and dispatches_by_group.
 */
export async function takeWindow(
  connection: PoolConnection,
  { zoneId, category }: WindowGroup,
  windowMs: number,
): Promise<number | null> {
  const micros = windowMs * 1_000
  if (!(await waitsLonger(connection, { zoneId, category }, windowMs)))
    await connection.query(
      `UPDATE dispatch_windows SET next_at = UTC_TIMESTAMP(3) + INTERVAL ? MICROSECOND
       WHERE zone_id = ? AND category = ? AND next_at <= UTC_TIMESTAMP(3) - INTERVAL ? MICROSECOND`,
      [micros, zoneId, category, 2 * micros],
    )
  const [taken] = await connection.query<ResultSetHeader>(
    `UPDATE dispatch_windows SET number = LAST_INSERT_ID(number + 1), next_at = UTC_TIMESTAMP(3) + INTERVAL ? MICROSECOND
     WHERE zone_id = ? AND category = ? AND next_at <= UTC_TIMESTAMP(3)`,
    [micros, zoneId, category],
  )
  return taken.affectedRows === 1 ? Number(taken.insertId) : null
}

/** Does somebody wait since longer than a window takes? Uses dispatches_by_group. */
export async function waitsLonger(
  connection: Queryable,
  { zoneId, category }: WindowGroup,
  windowMs: number,
): Promise<boolean> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT 1 FROM trip_dispatches FORCE INDEX (dispatches_by_group) WHERE zone_id = ? AND category = ? AND policy = 'batch'
       AND next_at <= UTC_TIMESTAMP(3) - INTERVAL ? MICROSECOND LIMIT 1`,
    [zoneId, category, windowMs * 1_000],
  )
  return rows.length > 0
}

/** Those of a group who wait for a window, who has waited for longest first. Uses dispatches_by_group. */
export async function searchesInWindow(
  connection: Queryable,
  { zoneId, category }: WindowGroup,
  limit: number,
): Promise<Search[]> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT ${SEARCH_COLUMNS} FROM trip_dispatches AS s JOIN trip_details AS d ON d.trip_id = s.trip_id
     WHERE s.zone_id = ? AND s.category = ? AND s.policy = 'batch' AND s.next_at <= UTC_TIMESTAMP(3)
     ORDER BY s.since LIMIT ?`,
    [zoneId, category, limit],
  )
  return rows.map(toSearch)
}
