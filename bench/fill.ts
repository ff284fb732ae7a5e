import type { Pool } from '../db/pools.ts'
import { progress } from './report.ts'
import { count } from './table.ts'

const ROWS_A_STATEMENT = 10_000
const WRITERS = 2
/** Pages of an index that grew by random inserts are about so full; a freshly built index would be fuller than life. */
const NATURAL_FILL_PERCENT = 70

/**
 * Fills webhook_events with so many finished events with random keys, made by the database itself. Rows go in by primary
 * key without the other indexes, which are built afterwards by sorting: minutes instead of hours, the same table.
 */
export async function fillEvents(pool: Pool, events: number, bodyBytes: number): Promise<void> {
  const indexes = await readSecondaryIndexes(pool)
  await pool.query(`ALTER TABLE webhook_events ${indexes.map(({ name }) => `DROP INDEX ${name}`).join(', ')}`)
  await insertRows(pool, events, bodyBytes)
  progress('building the indexes …')
  await pool.query(`SET GLOBAL innodb_fill_factor = ${NATURAL_FILL_PERCENT}`)
  await pool.query(
    `ALTER TABLE webhook_events ${indexes.map(({ definition }) => `ADD ${definition}`).join(', ')}`,
  )
  await pool.query('SET GLOBAL innodb_fill_factor = 100')
  await pool.query('ANALYZE TABLE webhook_events')
  await flushPages(pool)
  await readKeyIndex(pool)
}

/**
 * Into the buffer pool, where it is on a server that has been running for a while: every delivery looks a key up. A scan
 * alone may fill only the pool's old part (3/8), unless pages become young at once.
 */
async function readKeyIndex(pool: Pool): Promise<void> {
  await pool.query('SET GLOBAL innodb_old_blocks_time = 0')
  await pool.query('SELECT COUNT(event_key) FROM webhook_events FORCE INDEX (one_event_per_key)')
  await pool.query('SET GLOBAL innodb_old_blocks_time = 1000')
}

interface Index {
  readonly name: string
  readonly definition: string
}

async function readSecondaryIndexes(pool: Pool): Promise<Index[]> {
  const [rows] = await pool.query(
    `SELECT index_name AS name, MIN(non_unique) AS other, GROUP_CONCAT(column_name ORDER BY seq_in_index) AS columns_
     FROM information_schema.statistics
     WHERE table_schema = DATABASE() AND table_name = 'webhook_events' AND index_name <> 'PRIMARY' GROUP BY index_name`,
  )
  return (rows as unknown as { name: string; other: string; columns_: string }[]).map(
    ({ name, other, columns_ }) => ({
      name,
      definition: `${Number(other) === 0 ? 'UNIQUE KEY' : 'KEY'} ${name} (${columns_})`,
    }),
  )
}

async function insertRows(pool: Pool, events: number, bodyBytes: number): Promise<void> {
  await pool.query('CREATE TABLE bench_numbers (n INT NOT NULL PRIMARY KEY) ENGINE=InnoDB')
  const numbers = Array.from({ length: ROWS_A_STATEMENT }, (_, n) => [n])
  await pool.query('INSERT INTO bench_numbers (n) VALUES ?', [numbers])
  let next = 0
  const write = async () => {
    while (next < events) {
      const start = next
      const end = start + ROWS_A_STATEMENT
      next = end
      await pool.query(
        { sql: INSERT_SELECT, namedPlaceholders: true },
        { start, bodyBytes, rows: Math.min(ROWS_A_STATEMENT, events - start) },
      )
      if (end % 1_000_000 === 0) progress(`${count(end)} rows …`)
    }
  }
  await Promise.all(Array.from({ length: WRITERS }, write))
  await pool.query('DROP TABLE bench_numbers')
}

/** Ids are older than any that is minted now, so that new events append to the primary key as they do in life. */
const INSERT_SELECT = `
  INSERT INTO webhook_events (id, event_key, digest, gateway, account, event_id, type, fact_kind, merchant_ref,
    gateway_ref, operation_ref, amount_minor, currency, may_settle, state, outcome, payment_id, request_id, signature,
    body, received_at, finished_at)
  SELECT UNHEX(LPAD(HEX(k), 32, '0')), UNHEX(SHA2(CONCAT('event-', k), 256)), UNHEX(SHA2(k, 256)), 'stripe', 'default',
    CONCAT('evt_old_', k), 'payment_intent.succeeded', 'captured', CONCAT('old-', k), CONCAT('pi_old-', k),
    CONCAT('ch_old-', k), 15000, 'EGP', 1, 'processed', 'applied', UNHEX(LEFT(SHA2(CONCAT('payment-', k), 256), 32)),
    CONCAT('bench-', k), SHA2(CONCAT('signature-', k), 256), RPAD(CONCAT('{"id":"evt_old_', k, '"}'), :bodyBytes, ' '),
    UTC_TIMESTAMP(3) - INTERVAL 1 DAY, UTC_TIMESTAMP(3) - INTERVAL 1 DAY
  FROM (SELECT n + :start AS k FROM bench_numbers WHERE n < :rows) AS numbers`

const FLUSHED_PAGES = 500
const FLUSH_TIMEOUT_MS = 300_000

/** Waits until what the fill made dirty is written, so that it does not disturb what is measured afterwards. */
async function flushPages(pool: Pool): Promise<void> {
  const [before] = await pool.query('SELECT @@innodb_max_dirty_pages_pct AS percent')
  const percent = (before as unknown as { percent: string }[])[0]?.percent ?? '90'
  await pool.query('SET GLOBAL innodb_max_dirty_pages_pct = 0')
  const endMs = performance.now() + FLUSH_TIMEOUT_MS
  while (performance.now() < endMs) {
    const [rows] = await pool.query(`SHOW GLOBAL STATUS LIKE 'Innodb_buffer_pool_pages_dirty'`)
    if (Number((rows as unknown as { Value: string }[])[0]?.Value) < FLUSHED_PAGES) break
    await pool.query('DO SLEEP(0.5)')
  }
  await pool.query(`SET GLOBAL innodb_max_dirty_pages_pct = ${Number(percent)}`)
}
