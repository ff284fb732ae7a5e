import type { Pool } from '../../db/pools.ts'
import type { RowDataPacket } from '../../db/rows.ts'
import { inTransaction } from '../../db/transaction.ts'
import type { Id } from '../../src/base/ids.ts'
import { createLogger } from '../../src/base/log.ts'
import { type NewEvent, newEvent } from '../../src/webhooks/event.ts'
import { insertEvents } from '../../src/webhooks/event-insert.ts'
import { adapters } from '../../src/webhooks/gateways/registry.ts'
import type { SampleSpec } from '../../src/webhooks/gateways/samples/sample.ts'
import { buildDelivery } from '../../src/webhooks/gateways/samples/samples.ts'
import { PauseBoard } from '../../src/webhooks/pauses.ts'
import { Processor } from '../../src/webhooks/process.ts'
import { received } from './gateway-deliveries.ts'

/** Sixteen bytes or more in every gateway's form. */
const SECRET = `whsec_${Buffer.from('a secret of these suites').toString('base64')}`

export type DeliverySpec = Partial<SampleSpec> & { readonly operationRef: string }

/** The event that a genuine delivery makes: captured, 150.00 EGP of TRIP-<operationRef> unless the spec says otherwise. */
export function eventOf(gateway: string, spec: DeliverySpec): NewEvent {
  const account = spec.account ?? 'default'
  const sample = buildDelivery(gateway, {
    kind: 'captured',
    merchantRef: `TRIP-${spec.operationRef}`,
    amountMinor: 15_000n,
    currency: 'EGP',
    nowMs: Date.now(),
    secret: SECRET,
    ...spec,
  })
  const adapter = adapters.get(gateway)
  if (!adapter) throw new Error(`no adapter ${gateway}`)
  const delivery = received(sample)
  const result = adapter.receive(delivery, { gateway, account, secrets: [SECRET], settings: {} }, Date.now())
  const [event] = result.kind === 'accepted' ? result.events : []
  if (!event) throw new Error(`the sample was refused: ${JSON.stringify(result)}`)
  return newEvent(adapter, event, { gateway, account, requestId: 'req-1', signature: 'sig', delivery })
}

/** Stores events as ingest does and returns their ids, in the order given. */
export async function store(pool: Pool, events: readonly NewEvent[]): Promise<Id[]> {
  const sorted = events.toSorted((a, b) => Buffer.compare(a.eventKey, b.eventKey))
  await inTransaction(pool, 'store', async (connection) => {
    for (let start = 0; start < sorted.length; start += 100)
      await insertEvents(connection, sorted.slice(start, start + 100))
  })
  return events.map(({ id }) => id)
}

/** Puts events where a test wants them. */
export async function put(
  pool: Pool,
  ids: readonly Id[],
  columns: Readonly<Record<string, unknown>>,
): Promise<void> {
  await pool.query('UPDATE webhook_events SET next_at = NULL, ? WHERE id IN (?)', [columns, ids])
}

/** The columns of one event that operators move. */
export async function look(pool: Pool, id: Id) {
  const [rows] = await pool.query<RowDataPacket[]>(
    `SELECT state, outcome, reason, attempts, approved, next_at AS nextAt, finished_at AS finishedAt
     FROM webhook_events WHERE id = ?`,
    [id],
  )
  const [row] = rows
  if (!row) throw new Error('there is no such event')
  const { nextAt, finishedAt, ...columns } = row
  return { ...columns, isDue: nextAt !== null, isFinished: finishedAt !== null }
}

/** A processor as a service has one, which leaves the ringing to the test. */
export function processorOf(pool: Pool): Processor {
  return new Processor({
    pool,
    pauses: new PauseBoard(pool),
    log: createLogger({ level: 'silent' }),
    callbacks: false,
    maxAttempts: 3,
    ring: () => undefined,
  })
}
