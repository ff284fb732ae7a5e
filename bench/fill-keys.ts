import type { Pool } from '../db/pools.ts'
import { fillTable } from './fill.ts'

/** Fills idempotency_keys with so many keys whose answers of `bodyBytes` are still kept. */
export async function fillKeys(pool: Pool, keys: number, bodyBytes: number): Promise<void> {
  const fill = {
    table: 'idempotency_keys',
    insertSelect: INSERT_SELECT,
    parameters: { bodyBytes },
    keyIndex: 'one_record_per_key',
    keyColumn: 'record_key',
  }
  await fillTable(pool, fill, keys)
}

/**
 * Ids are older than any that is minted now, so that new keys append to the primary key as they do in life. Answers that
 * go one after the other over the next two days: all before those of new keys, and none while this is measured.
 */
const INSERT_SELECT = `
  INSERT INTO idempotency_keys (id, record_key, fingerprint, state, status, headers, body, created_at, due_at)
  SELECT UNHEX(LPAD(HEX(k), 32, '0')), UNHEX(SHA2(CONCAT('key-', k), 256)), UNHEX(SHA2(k, 256)), 'done', 201,
    '{"location":"/bench/old","content-type":"application/json"}', RPAD(CONCAT('{"id":"', k, '"}'), :bodyBytes, ' '),
    UTC_TIMESTAMP(3) - INTERVAL 1 DAY, UTC_TIMESTAMP(3) + INTERVAL 3600 + k MOD 172800 SECOND
  FROM (SELECT n + :start AS k FROM bench_numbers WHERE n < :rows) AS numbers`
