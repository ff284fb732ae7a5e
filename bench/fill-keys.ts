import type { Pool } from '../db/pools.ts'
import { fillTable } from './fill.ts'

/** Fills in so many keys whose answers of `bodyBytes` are still kept. */
export async function fillKeys(pool: Pool, keys: number, bodyBytes: number): Promise<void> {
  const lookup = { table: 'idempotency_keys', index: 'one_record_per_key', column: 'record_key' }
  await fillTable(
    pool,
    { table: 'idempotency_keys', insertSelect: INSERT_KEYS, parameters: {}, lookup },
    keys,
  )
  const answers = {
    table: 'idempotency_answers',
    insertSelect: INSERT_ANSWERS,
    parameters: { bodyBytes },
    lookup,
  }
  await fillTable(pool, answers, keys)
}

/** Ids are older than any that is minted now, so that new rows append to the primary key as they do in life. */
const INSERT_ANSWERS = `
  INSERT INTO idempotency_answers (id, status, headers, body)
  SELECT UNHEX(LPAD(HEX(k), 32, '0')), 201, '{"location":"/bench/old","content-type":"application/json"}',
    RPAD(CONCAT('{"id":"', k, '"}'), :bodyBytes, ' ')
  FROM (SELECT n + :start AS k FROM bench_numbers WHERE n < :rows) AS numbers`

/** Answers that go one after the other over the next two days: all before those of new keys, and none while this is measured. */
const INSERT_KEYS = `
  INSERT INTO idempotency_keys (id, record_key, fingerprint, state, created_at, due_at)
  SELECT UNHEX(LPAD(HEX(k), 32, '0')), UNHEX(SHA2(CONCAT('key-', k), 256)), UNHEX(SHA2(k, 256)), 'done',
    UTC_TIMESTAMP(3) - INTERVAL 1 DAY, UTC_TIMESTAMP(3) + INTERVAL 3600 + k MOD 172800 SECOND
  FROM (SELECT n + :start AS k FROM bench_numbers WHERE n < :rows) AS numbers`
