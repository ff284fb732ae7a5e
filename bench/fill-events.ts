import type { Pool } from '../db/pools.ts'
import { fillTable } from './fill.ts'

/** Fills webhook_events with so many finished events with random keys. */
export async function fillEvents(pool: Pool, events: number, bodyBytes: number): Promise<void> {
  const fill = {
    table: 'webhook_events',
    insertSelect: INSERT_SELECT,
    parameters: { bodyBytes },
    lookup: { table: 'webhook_events', index: 'one_event_per_key', column: 'event_key' },
  }
  await fillTable(pool, fill, events)
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
