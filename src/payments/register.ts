import { isDuplicateKey } from '../../db/errors.ts'
import type { Pool, PoolConnection } from '../../db/pools.ts'
import { inTransaction } from '../../db/transaction.ts'
import type { Id } from '../base/ids.ts'
import { gatewayRefKey, merchantRefKey } from './refs.ts'
import {
  findPaymentIds,
  insertPayment,
  newPaymentRow,
  type PaymentRow,
  readPayment,
  setGatewayRef,
} from './store.ts'

/** A payment that we are about to ask a rider for. Amounts in minor units; references at most 255 bytes. */
export interface ExpectedPayment {
  readonly gateway: string
  readonly account: string
  readonly merchantRef: string
  readonly gatewayRef: string | null
  readonly amountMinor: bigint
  readonly currency: string
  readonly tripId: string | null
  readonly customerId: string | null
  readonly driverId: string | null
}

/**
 * created: it is new. existing: the same payment was registered before. different: the merchant reference stands with
 * other content, named in `fields`; nothing changed. reference_taken: the gateway's reference belongs to another payment.
 */
export type Registration =
  | { readonly kind: 'created' | 'existing'; readonly payment: PaymentRow }
  | { readonly kind: 'different'; readonly payment: PaymentRow; readonly fields: readonly string[] }
  | { readonly kind: 'reference_taken' }

/** Hears the reference keys of a payment after the commit that made it known, so that parked events are woken. */
export type OnRegistered = (refKeys: readonly Buffer[]) => Promise<void>

/**
 * Registers an expected payment, once per (gateway, account, merchantRef). Wakes what waited for it, also when it was there
 * before: whoever registered it may have died between the commit and the waking.
 */
export async function registerPayment(
  pool: Pool,
  expected: ExpectedPayment,
  onRegistered: OnRegistered,
): Promise<Registration> {
  const registration = await inTransaction(pool, 'register payment', (connection) =>
    registerIn(connection, expected),
  )
  await onRegistered(refKeysOf(registration))
  return registration
}

/** The same in the caller's transaction. After the commit the caller wakes what waits for `refKeysOf` its result. */
export async function registerIn(
  connection: PoolConnection,
  expected: ExpectedPayment,
): Promise<Registration> {
  const row = toRow(expected)
  try {
    await insertPayment(connection, row)
  } catch (error) {
    if (!REFERENCE_INDEXES.some((index) => isDuplicateKey(error, index))) throw error
    // The failed statement alone is undone, so the transaction goes on.
    return (await existing(connection, expected, row)) ?? TAKEN
  }
  const payment = await readPayment(connection, row.id)
  return { kind: 'created', payment: payment ?? row }
}

/** The keys that parked events may wait for; none where nothing is registered. */
export function refKeysOf(registration: Registration): Buffer[] {
  if (registration.kind !== 'created' && registration.kind !== 'existing') return []
  const { merchantRefKey, gatewayRefKey } = registration.payment
  return gatewayRefKey === null ? [merchantRefKey] : [merchantRefKey, gatewayRefKey]
}

const REFERENCE_INDEXES = ['one_payment_per_merchant_ref', 'one_payment_per_gateway_ref']

const TAKEN: Registration = { kind: 'reference_taken' }

/**
 * Adds the gateway's reference to a payment that has none. `existing` when it has this one already, `different` when it
 * has another, null when there is no such payment. Wakes what waited for the reference.
 */
export async function attachGatewayRef(
  pool: Pool,
  paymentId: Id,
  gatewayRef: string,
  onRegistered: OnRegistered,
): Promise<Registration | null> {
  const registration = await inTransaction(pool, 'attach gateway reference', (connection) =>
    attachIn(connection, paymentId, gatewayRef),
  )
  if (registration !== null) await onRegistered(refKeysOf(registration))
  return registration
}

/** The same in the caller's transaction. */
export async function attachIn(
  connection: PoolConnection,
  paymentId: Id,
  gatewayRef: string,
): Promise<Registration | null> {
  const before = await readPayment(connection, paymentId)
  if (!before) return null
  if (before.gatewayRef === gatewayRef) return { kind: 'existing', payment: before }
  if (before.gatewayRef !== null) return { kind: 'different', payment: before, fields: ['gatewayRef'] }
  const key = gatewayRefKey(before.gateway, before.account, gatewayRef)
  try {
    await setGatewayRef(connection, paymentId, gatewayRef, key)
  } catch (error) {
    if (isDuplicateKey(error, 'one_payment_per_gateway_ref')) return TAKEN
    throw error
  }
  const payment = await readPayment(connection, paymentId)
  if (payment === null) return null
  if (payment.gatewayRef !== gatewayRef) return { kind: 'different', payment, fields: ['gatewayRef'] }
  return { kind: 'created', payment }
}

function toRow(expected: ExpectedPayment): PaymentRow {
  const { gateway, account, merchantRef, gatewayRef, amountMinor, ...rest } = expected
  return newPaymentRow({
    ...rest,
    gateway,
    account,
    merchantRef,
    gatewayRef,
    merchantRefKey: merchantRefKey(gateway, account, merchantRef),
    gatewayRefKey: gatewayRef === null ? null : gatewayRefKey(gateway, account, gatewayRef),
    expectedMinor: amountMinor,
  })
}

async function existing(
  connection: PoolConnection,
  expected: ExpectedPayment,
  row: PaymentRow,
): Promise<Registration | null> {
  const found = await findPaymentIds(connection, [row.merchantRefKey])
  const id = found.get(row.merchantRefKey.toString('hex'))
  const payment = id ? await readPayment(connection, id) : null
  if (!payment) return null
  const fields = differences(payment, expected)
  return fields.length === 0 ? { kind: 'existing', payment } : { kind: 'different', payment, fields }
}

/** A gateway reference that was learnt later is no difference to a registration that named none. */
function differences(payment: PaymentRow, expected: ExpectedPayment): string[] {
  const pairs: [string, unknown, unknown][] = [
    ['amountMinor', payment.payment.expectedMinor, expected.amountMinor],
    ['currency', payment.payment.currency, expected.currency],
    ['tripId', payment.tripId, expected.tripId],
    ['customerId', payment.customerId, expected.customerId],
    ['driverId', payment.driverId, expected.driverId],
    ['gatewayRef', payment.gatewayRef, expected.gatewayRef ?? payment.gatewayRef],
  ]
  return pairs.filter(([, stored, asked]) => stored !== asked).map(([field]) => field)
}
