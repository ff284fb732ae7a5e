import type { Pool, PoolConnection } from '../../../db/pools.ts'
import type { RowDataPacket } from '../../../db/rows.ts'
import type { StoredPosition } from './position-store.ts'

// user_last_locations may be Laravel's own: no statement joins it with tables of ours, and none inserts and updates at once, since rows get
// lost on MariaDB where a table numbers its rows and has another unique key.

type Queryable = Pick<Pool | PoolConnection, 'query'>

/** One statement carries so many: each row is compared with all cases. */
export const LAST_LOCATION_ROWS = 200

/**
 * Writes where these drivers are, at most LAST_LOCATION_ROWS, each once, where Laravel reads it: in the row that a driver has, or in a new one of
 * the type `driver`. Uses user_last_locations_user or an index of Laravel's, and the primary key.
 */
export async function storeLastLocations(
  connection: Queryable,
  positions: readonly StoredPosition[],
): Promise<void> {
  if (positions.length === 0) return
  const rowIds = await readRowIds(
    connection,
    positions.map(({ driverId }) => driverId),
  )
  const known = positions.flatMap((one) => {
    const id = rowIds.get(one.driverId)
    return id === undefined ? [] : [{ ...one, id }]
  })
  await update(connection, known)
  await insert(
    connection,
    positions.filter(({ driverId }) => !rowIds.has(driverId)),
  )
}

/** A driver's oldest row, as Laravel finds it. */
async function readRowIds(
  connection: Queryable,
  driverIds: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const [rows] = await connection.query<RowDataPacket[]>(
    'SELECT MIN(id) AS id, user_id FROM user_last_locations WHERE user_id IN (?) GROUP BY user_id',
    [driverIds],
  )
  return new Map(rows.map((row) => [row.user_id, String(row.id)]))
}

async function update(
  connection: Queryable,
  positions: readonly (StoredPosition & { readonly id: string })[],
): Promise<void> {
  if (positions.length === 0) return
  const cases = positions.map(() => 'WHEN ? THEN ?').join(' ')
  const valuesOf = (value: (one: StoredPosition) => string) =>
    positions.flatMap((one) => [Number(one.id), value(one)])
  await connection.query(
    `UPDATE user_last_locations SET latitude = CASE id ${cases} END, longitude = CASE id ${cases} END,
       zone_id = CASE id ${cases} END, updated_at = UTC_TIMESTAMP() WHERE id IN (?)`,
    [
      ...valuesOf(({ position }) => degrees(position.latitude)),
      ...valuesOf(({ position }) => degrees(position.longitude)),
      ...valuesOf(({ zoneId }) => zoneId),
      positions.map(({ id }) => Number(id)),
    ],
  )
}

async function insert(connection: Queryable, positions: readonly StoredPosition[]): Promise<void> {
  if (positions.length === 0) return
  const rows = positions.map(() => "(?, 'driver', ?, ?, ?, UTC_TIMESTAMP(), UTC_TIMESTAMP())")
  await connection.query(
    `INSERT INTO user_last_locations (user_id, type, latitude, longitude, zone_id, created_at, updated_at)
     VALUES ${rows.join(', ')}`,
    positions.flatMap(({ driverId, position, zoneId }) => [
      driverId,
      degrees(position.latitude),
      degrees(position.longitude),
      zoneId,
    ]),
  )
}

/** As Laravel stores them: text, a centimetre. */
function degrees(value: number): string {
  return String(Number(value.toFixed(7)))
}
