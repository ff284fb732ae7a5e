import type { CommandPool, Pool, PoolConnection } from './pools.ts'
import type { RowDataPacket } from './rows.ts'
import { withConnection } from './transaction.ts'

/** A statement that only reads, and what its rows mean. */
export interface Reading<T> {
  readonly sql: string
  readonly values: readonly unknown[]
  readonly resultOf: (rows: RowDataPacket[]) => T
}

type Readings = readonly (Reading<unknown> | null)[]
type Results<Asked extends Readings> = {
  -readonly [Index in keyof Asked]: Asked[Index] extends Reading<infer T> ? T : ResultOrNull<Asked[Index]>
}
type ResultOrNull<Asked> = Asked extends Reading<infer T> ? T : null

/** The isolation level is the next transaction's alone; the session keeps its own. */
const REPEATABLE = 'SET TRANSACTION ISOLATION LEVEL REPEATABLE READ'
const SNAPSHOT = 'START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY'
const BEGIN = [REPEATABLE, SNAPSHOT].join('; ')
const BEFORE = 2

/**
 * What all these statements say of one and the same moment, whatever is committed meanwhile: either all of them see a
 * transaction or none does. One round trip. null in the place of a statement asks nothing and is answered with null. Waits for
 * nobody's locks. Throws what the database throws, and a StatementTimeout.
 */
export function readAtOneMoment<const Asked extends Readings>(
  pool: CommandPool,
  name: string,
  timeoutMs: number,
  asked: Asked,
): Promise<Results<Asked>> {
  const readings = asked.filter((reading) => reading !== null)
  const sql = [BEGIN, ...readings.map((reading) => reading.sql), 'COMMIT'].join('; ')
  const values = readings.flatMap((reading) => reading.values)
  return withConnection(pool, name, timeoutMs, async (connection) => {
    const [results] = await connection.query<RowDataPacket[][]>(sql, values)
    let place = BEFORE
    return asked.map((reading) => {
      if (reading === null) return null
      place += 1
      return reading.resultOf(results[place - 1] ?? [])
    }) as Results<Asked>
  })
}

/**
 * The same for reads of which one asks for what another has found; a round trip each. `read` writes nothing. Throws what it throws, and a
 * StatementTimeout.
 */
export function atOneMoment<T>(
  pool: Pool,
  name: string,
  timeoutMs: number,
  read: (connection: PoolConnection) => Promise<T>,
): Promise<T> {
  return withConnection(pool, name, timeoutMs, async (connection) => {
    await connection.query(REPEATABLE)
    await connection.query(SNAPSHOT)
    const result = await read(connection)
    await connection.query('COMMIT')
    return result
  })
}
