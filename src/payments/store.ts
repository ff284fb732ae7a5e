import type { Pool, PoolConnection } from '../../db/pools.ts'
import type { RowDataPacket } from '../../db/rows.ts'
import { type Id, newId } from '../base/ids.ts'
import type { Operation, Payment } from './state.ts'

/** A payment's row, with the aggregate that the state machine decides on. */
export interface PaymentRow {
  readonly id: Id
  readonly tripId: string | null
  readonly customerId: string | null
  readonly driverId: string | null
  readonly gateway: string
  readonly account: string
  readonly merchantRef: string
  readonly merchantRefKey: Buffer
  readonly gatewayRef: string | null
  readonly gatewayRefKey: Buffer | null
  readonly version: number
  readonly createdAt: Date
  readonly payment: Payment
}

type Queryable = Pick<PoolConnection | Pool, 'query'>

/** Finds payments by any of their reference keys, without a lock. Uses the two unique reference indexes. */
export async function findPaymentIds(
  connection: Queryable,
  refKeys: readonly Buffer[],
): Promise<Map<string, Id>> {
  const found = new Map<string, Id>()
  if (refKeys.length === 0) return found
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT id, merchant_ref_key AS ref_key FROM payments WHERE merchant_ref_key IN (?)
     UNION ALL
     SELECT id, gateway_ref_key AS ref_key FROM payments WHERE gateway_ref_key IN (?)`,
    [refKeys, refKeys],
  )
  for (const row of rows) found.set(row.ref_key.toString('hex'), row.id)
  return found
}

/** Whether any payment of this trip is registered, whatever became of it. Uses the index trip. */
export async function tracksTrip(connection: Queryable, tripId: string): Promise<boolean> {
  const [rows] = await connection.query<RowDataPacket[]>('SELECT 1 FROM payments WHERE trip_id = ? LIMIT 1', [
    tripId,
  ])
  return rows.length > 0
}

const PAYMENT_COLUMNS = `id, trip_id, customer_id, driver_id, gateway, account, merchant_ref, merchant_ref_key, gateway_ref,
  gateway_ref_key, expected_minor, currency, state, captured_minor, capture_ref, version, created_at`

/** Locks payments by id, in the order of their ids, so that no two transactions wait for each other. Uses the primary key. */
export async function lockPayments(connection: PoolConnection, ids: readonly Id[]): Promise<PaymentRow[]> {
  if (ids.length === 0) return []
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT ${PAYMENT_COLUMNS} FROM payments WHERE id IN (?) ORDER BY id FOR UPDATE`,
    [ids],
  )
  return withOperations(connection, rows)
}

/** Reads one payment without a lock; null when there is none. */
export async function readPayment(connection: Queryable, id: Id): Promise<PaymentRow | null> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT ${PAYMENT_COLUMNS} FROM payments WHERE id = ?`,
    [id],
  )
  return (await withOperations(connection, rows))[0] ?? null
}

/** Operations are read only for payments that had their money: before the capture there are none. Uses the primary key. */
async function withOperations(connection: Queryable, rows: RowDataPacket[]): Promise<PaymentRow[]> {
  const captured = rows.filter((row) => BigInt(row.captured_minor) > 0n).map((row) => row.id as Id)
  const operations = new Map<string, Operation[]>()
  if (captured.length > 0) {
    const [found] = await connection.query<RowDataPacket[]>(
      'SELECT payment_id, kind, ref, state, amount_minor FROM payment_operations WHERE payment_id IN (?) ORDER BY payment_id, kind, ref_key',
      [captured],
    )
    for (const row of found) {
      const key = row.payment_id.toString('hex')
      const list = operations.get(key) ?? []
      list.push({ kind: row.kind, ref: row.ref, state: row.state, amountMinor: BigInt(row.amount_minor) })
      operations.set(key, list)
    }
  }
  return rows.map((row) => toPaymentRow(row, operations.get(row.id.toString('hex')) ?? []))
}

function toPaymentRow(row: RowDataPacket, operations: readonly Operation[]): PaymentRow {
  return {
    id: row.id,
    tripId: row.trip_id,
    customerId: row.customer_id,
    driverId: row.driver_id,
    gateway: row.gateway,
    account: row.account,
    merchantRef: row.merchant_ref,
    merchantRefKey: row.merchant_ref_key,
    gatewayRef: row.gateway_ref,
    gatewayRefKey: row.gateway_ref_key,
    version: Number(row.version),
    createdAt: row.created_at,
    payment: {
      state: row.state,
      expectedMinor: BigInt(row.expected_minor),
      currency: row.currency,
      capturedMinor: BigInt(row.captured_minor),
      captureRef: row.capture_ref,
      operations,
    },
  }
}

/** Inserts a new payment. Throws 1062 with the name of the unique reference that is taken. */
export async function insertPayment(connection: PoolConnection, row: PaymentRow): Promise<void> {
  await connection.query(
    `INSERT INTO payments (${PAYMENT_COLUMNS}, updated_at) VALUES (?, UTC_TIMESTAMP(3), UTC_TIMESTAMP(3))`,
    [insertValues(row).slice(0, -1)],
  )
}

function insertValues(row: PaymentRow): unknown[] {
  const { payment } = row
  return [
    row.id,
    row.tripId,
    row.customerId,
    row.driverId,
    row.gateway,
    row.account,
    row.merchantRef,
    row.merchantRefKey,
    row.gatewayRef,
    row.gatewayRefKey,
    String(payment.expectedMinor),
    payment.currency,
    payment.state,
    String(payment.capturedMinor),
    payment.captureRef,
    row.version,
    row.createdAt,
  ]
}

/**
 * Writes locked payments back in one statement: an upsert whose insert half never happens, since the rows are locked and
 * there. (UPDATE … JOIN deadlocked 490 times a run on MariaDB, this never.)
 */
export async function savePayments(
  connection: PoolConnection,
  rows: readonly PaymentRow[],
  now: Date,
): Promise<void> {
  if (rows.length === 0) return
  await connection.query(
    `INSERT INTO payments (${PAYMENT_COLUMNS}, updated_at) VALUES ?
     ON DUPLICATE KEY UPDATE state = VALUES(state), captured_minor = VALUES(captured_minor), capture_ref = VALUES(capture_ref),
       version = VALUES(version), gateway_ref = VALUES(gateway_ref), gateway_ref_key = VALUES(gateway_ref_key),
       updated_at = VALUES(updated_at)`,
    [rows.map((row) => [...insertValues(row), now])],
  )
}

/** Sets the gateway's reference where there is none. Throws 1062 when it belongs to another payment. */
export async function setGatewayRef(
  connection: PoolConnection,
  id: Id,
  gatewayRef: string,
  gatewayRefKey: Buffer,
): Promise<void> {
  await connection.query(
    'UPDATE payments SET gateway_ref = ?, gateway_ref_key = ?, updated_at = UTC_TIMESTAMP(3) WHERE id = ? AND gateway_ref_key IS NULL',
    [gatewayRef, gatewayRefKey, id],
  )
}

/** A fresh row for a payment that we expect. */
export function newPaymentRow(
  fields: Omit<PaymentRow, 'id' | 'version' | 'createdAt' | 'payment'> & {
    expectedMinor: bigint
    currency: string
  },
): PaymentRow {
  const { expectedMinor, currency, ...rest } = fields
  return {
    ...rest,
    id: newId(),
    version: 0,
    createdAt: new Date(0),
    payment: {
      state: 'created',
      expectedMinor,
      currency,
      capturedMinor: 0n,
      captureRef: null,
      operations: [],
    },
  }
}
