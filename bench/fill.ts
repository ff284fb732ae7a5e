import type { Pool } from '../db/pools.ts'
import { progress } from './report.ts'
import { count } from './table.ts'

const ROWS_A_STATEMENT = 10_000
const WRITERS = 2
/** Pages of an index that grew by random inserts are about so full; a freshly built index would be fuller than life. */
const NATURAL_FILL_PERCENT = 70

/** Which table to fill, and with what. */
export interface Fill {
  readonly table: string
  /** Makes `:rows` rows numbered from `:start` out of bench_numbers. */
  readonly insertSelect: string
  readonly parameters: Readonly<Record<string, number>>
  /** An index in which every new row is looked up, of this table or of another that is filled already. */
  readonly lookup: { readonly table: string; readonly index: string; readonly column: string }
}

/**
 * Fills a table with so many rows, made by the database itself. Rows go in by primary key without the other indexes,
 * which are built afterwards by sorting: minutes instead of hours, the same table.
 */
export async function fillTable(pool: Pool, fill: Fill, rows: number): Promise<void> {
  const indexes = await readSecondaryIndexes(pool, fill.table)
  const alter = async (changes: readonly string[]) => {
    if (changes.length > 0) await pool.query(`ALTER TABLE ${fill.table} ${changes.join(', ')}`)
  }
  await alter(indexes.map(({ name }) => `DROP INDEX ${name}`))
  await insertRows(pool, fill, rows)
  progress('building the indexes …')
  await pool.query(`SET GLOBAL innodb_fill_factor = ${NATURAL_FILL_PERCENT}`)
  await alter(indexes.map(({ definition }) => `ADD ${definition}`))
  await pool.query('SET GLOBAL innodb_fill_factor = 100')
  await pool.query(`ANALYZE TABLE ${fill.table}`)
  await flushPages(pool)
  await readKeyIndex(pool, fill)
}

/**
 * Into the buffer pool, where it is on a server that has been running for a while: every request looks a key up. A scan
 * alone may fill only the pool's old part (3/8), unless pages become young at once.
 */
async function readKeyIndex(pool: Pool, { lookup }: Fill): Promise<void> {
  await pool.query('SET GLOBAL innodb_old_blocks_time = 0')
  await pool.query(`SELECT COUNT(${lookup.column}) FROM ${lookup.table} FORCE INDEX (${lookup.index})`)
  await pool.query('SET GLOBAL innodb_old_blocks_time = 1000')
}

interface Index {
  readonly name: string
  readonly definition: string
}

async function readSecondaryIndexes(pool: Pool, table: string): Promise<Index[]> {
  const [rows] = await pool.query(
    `SELECT index_name AS name, MIN(non_unique) AS other, GROUP_CONCAT(column_name ORDER BY seq_in_index) AS columns_
     FROM information_schema.statistics
     WHERE table_schema = DATABASE() AND table_name = ? AND index_name <> 'PRIMARY' GROUP BY index_name`,
    [table],
  )
  return (rows as unknown as { name: string; other: string; columns_: string }[]).map(
    ({ name, other, columns_ }) => ({
      name,
      definition: `${Number(other) === 0 ? 'UNIQUE KEY' : 'KEY'} ${name} (${columns_})`,
    }),
  )
}

async function insertRows(pool: Pool, { insertSelect, parameters }: Fill, total: number): Promise<void> {
  await pool.query('CREATE TABLE bench_numbers (n INT NOT NULL PRIMARY KEY) ENGINE=InnoDB')
  const numbers = Array.from({ length: ROWS_A_STATEMENT }, (_, n) => [n])
  await pool.query('INSERT INTO bench_numbers (n) VALUES ?', [numbers])
  let next = 0
  const write = async () => {
    while (next < total) {
      const start = next
      const end = start + ROWS_A_STATEMENT
      next = end
      await pool.query(
        { sql: insertSelect, namedPlaceholders: true },
        { ...parameters, start, rows: Math.min(ROWS_A_STATEMENT, total - start) },
      )
      if (end % 1_000_000 === 0) progress(`${count(end)} rows …`)
    }
  }
  await Promise.all(Array.from({ length: WRITERS }, write))
  await pool.query('DROP TABLE bench_numbers')
}

const FLUSHED_PAGES = 500
const FLUSH_TIMEOUT_MS = 300_000

/** Beyond what any disk does: by default the servers write some hundred pages a second, and fewer the fewer are left. */
const FLUSHED_A_SECOND = 20_000

/** Waits until what the fill made dirty is written, so that it does not disturb what is measured afterwards. */
async function flushPages(pool: Pool): Promise<void> {
  const [before] = await pool.query(
    'SELECT @@innodb_max_dirty_pages_pct AS percent, @@innodb_io_capacity AS usual, @@innodb_io_capacity_max AS most',
  )
  const [{ percent = '90', usual = '200', most = '2000' } = {}] = before as unknown as Record<
    string,
    string
  >[]
  await pool.query('SET GLOBAL innodb_max_dirty_pages_pct = 0')
  await pool.query(`SET GLOBAL innodb_io_capacity_max = ${FLUSHED_A_SECOND}`)
  await pool.query(`SET GLOBAL innodb_io_capacity = ${FLUSHED_A_SECOND}`)
  const endMs = performance.now() + FLUSH_TIMEOUT_MS
  while (performance.now() < endMs) {
    const [rows] = await pool.query(`SHOW GLOBAL STATUS LIKE 'Innodb_buffer_pool_pages_dirty'`)
    if (Number((rows as unknown as { Value: string }[])[0]?.Value) < FLUSHED_PAGES) break
    await pool.query('DO SLEEP(0.5)')
  }
  await pool.query(`SET GLOBAL innodb_io_capacity = ${Number(usual)}`)
  await pool.query(`SET GLOBAL innodb_io_capacity_max = ${Number(most)}`)
  await pool.query(`SET GLOBAL innodb_max_dirty_pages_pct = ${Number(percent)}`)
}
