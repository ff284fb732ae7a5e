import { randomUUID } from 'node:crypto'
import { openPool, type Pool } from '../../db/pools.ts'
import type { Id } from '../../src/base/ids.ts'
import { createLogger, type Log } from '../../src/base/log.ts'
import type { EventFact, EventKind } from '../../src/payments/fact.ts'
import { type ExpectedPayment, type Registration, registerPayment } from '../../src/payments/register.ts'
import { commitBatch } from '../../src/webhooks/commit-batch.ts'
import { type NewEvent, newEvent } from '../../src/webhooks/event.ts'
import type { GatewayAdapter, GatewayEvent } from '../../src/webhooks/gateways/adapter.ts'
import { GroupCommit } from '../../src/webhooks/group-commit.ts'
import { wakeParked } from '../../src/webhooks/park.ts'
import { PauseBoard } from '../../src/webhooks/pauses.ts'
import { Processor, type ProcessorOptions } from '../../src/webhooks/process.ts'
import type { TestDatabase } from './database.ts'

export const GATEWAY = 'testpay'

/** A gateway that lends its name and its trust; the facts are given. */
function adapterOf(shape: Pick<GatewayAdapter, 'tier' | 'confirmFirst'>): GatewayAdapter {
  return {
    name: GATEWAY,
    about: { title: 'Testpay', source: '', signature: '', eventId: '' },
    secretForm: 'text',
    ...shape,
    receive: () => ({ kind: 'refused', code: 'malformed_body', detail: 'this gateway reads nothing' }),
  }
}

export interface FactShape {
  readonly kind?: EventKind
  readonly merchantRef?: string | null
  readonly gatewayRef?: string | null
  readonly operationRef?: string
  readonly amountMinor?: bigint | null
  readonly currency?: string | null
  readonly eventId?: string
  readonly gateway?: string
  readonly account?: string
  readonly hold?: string
  /** The gateway must be asked before its word moves money. */
  readonly confirmFirst?: boolean
  /** Nothing about a payment. */
  readonly isIgnored?: boolean
}

/** One event with this fact, by default the capture of 10,000 piastres; every call is an event of its own. */
export function eventOf(shape: FactShape = {}): NewEvent {
  const eventId = shape.eventId ?? `evt_${randomUUID()}`
  const amountMinor = shape.amountMinor === undefined ? 10_000n : shape.amountMinor
  const currency = shape.currency === undefined ? 'EGP' : shape.currency
  const fact = {
    kind: shape.kind ?? 'captured',
    merchantRef: shape.merchantRef ?? null,
    gatewayRef: shape.gatewayRef ?? null,
    operationRef: shape.operationRef ?? `op_${eventId}`,
    amountMinor,
    currency: amountMinor === null ? null : currency,
  } as EventFact
  const event: GatewayEvent = {
    eventId,
    type: `payment.${fact.kind}`,
    occurredAt: null,
    fact: shape.isIgnored ? null : fact,
    signed: [],
    hold: shape.hold ?? null,
  }
  return newEvent(adapterOf({ tier: 'A', confirmFirst: shape.confirmFirst ?? false }), event, {
    gateway: shape.gateway ?? GATEWAY,
    account: shape.account ?? 'default',
    requestId: 'req-1',
    signature: 'sig',
    delivery: { body: Buffer.from(eventId), headers: {}, query: new URLSearchParams() },
  })
}

/** An expected payment of 10,000 piastres under a reference of its own. */
export function expected(shape: Partial<ExpectedPayment> = {}): ExpectedPayment {
  return {
    gateway: GATEWAY,
    account: 'default',
    merchantRef: `m-${randomUUID()}`,
    gatewayRef: null,
    amountMinor: 10_000n,
    currency: 'EGP',
    tripId: null,
    customerId: null,
    driverId: null,
    ...shape,
  }
}

/** One processor with its own pool, whose doorbell only notes who was rung for. */
export class Processing {
  readonly pool: Pool
  readonly processor: Processor
  /** Stores as the door does, and tells what is stored already. */
  readonly commit: GroupCommit
  readonly #ingest: Pool
  readonly lines: Record<string, unknown>[] = []
  readonly log: Log = createLogger({
    level: 'info',
    destination: { write: (line) => void this.lines.push(JSON.parse(line)) },
  })
  /** Rung for, and not processed yet. */
  rung: Id[] = []

  constructor(database: TestDatabase, options: Partial<ProcessorOptions> = {}, connections = 4) {
    this.pool = openPool(database.address, { connectionLimit: connections, lockWaitSeconds: 5 })
    this.processor = new Processor({
      pool: this.pool,
      pauses: new PauseBoard(this.pool),
      log: this.log,
      callbacks: false,
      maxAttempts: 12,
      ring: (ids) => void this.rung.push(...ids),
      ...options,
    })
    this.#ingest = openPool(database.address, {
      connectionLimit: 2,
      lockWaitSeconds: 1,
      countChangedRows: true,
    })
    this.commit = new GroupCommit({ pool: this.#ingest, onStored: (ids) => void this.rung.push(...ids) })
  }

  /** Registers, and rings for what waited. */
  register(payment: ExpectedPayment): Promise<Registration> {
    return registerPayment(this.pool, payment, async (keys) => {
      this.rung.push(...(await wakeParked(this.pool, keys)))
    })
  }

  /** Stores the events, processes them in one batch, and then whatever was rung for. */
  async take(...events: readonly NewEvent[]): Promise<void> {
    await store(this.pool, ...events)
    await this.processor.process(events.map(({ id }) => id))
    await this.drain()
  }

  /** Processes what was rung for, until nothing is. */
  async drain(): Promise<void> {
    while (this.rung.length > 0) await this.processor.process(this.rung.splice(0, 50))
  }

  async close(): Promise<void> {
    await this.pool.end()
    await this.#ingest.end()
  }
}

const DEADLINE_MS = 10_000

/** Makes the events durable, as ingest does. Throws where one was not stored. */
export async function store(pool: Pool, ...events: readonly NewEvent[]): Promise<void> {
  for (const outcome of await commitBatch(pool, events, performance.now() + DEADLINE_MS)) {
    if (outcome instanceof Error) throw outcome
  }
}
