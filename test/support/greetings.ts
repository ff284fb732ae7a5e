import type { Pool } from '../../db/pools.ts'
import { type Id, newId } from '../../src/base/ids.ts'
import type { PaymentState } from '../../src/payments/payment.ts'

export interface PaymentSpec {
  readonly tripId?: string | null
  readonly customerId?: string | null
  readonly driverId?: string | null
  readonly state?: PaymentState
  readonly expectedMinor?: number
  readonly capturedMinor?: number
  readonly hoursAgo?: number
}

/** A payment as it stands in the table, whatever led there. */
export async function payment(pool: Pool, spec: PaymentSpec): Promise<Id> {
  const id = newId()
  const { tripId = null, customerId = null, driverId = null, state = 'created', hoursAgo = 0 } = spec
  const ref = id.toString('hex')
  await pool.query(
    `INSERT INTO payments (id, trip_id, customer_id, driver_id, gateway, account, merchant_ref, merchant_ref_key,
       expected_minor, captured_minor, currency, state, created_at, updated_at)
     VALUES (?, ?, ?, ?, 'stripe', 'default', ?, ?, ?, ?, 'EGP', ?, UTC_TIMESTAMP(3) - INTERVAL ? HOUR, UTC_TIMESTAMP(3))`,
    [
      ...[id, tripId, customerId, driverId, ref, Buffer.from(ref)],
      ...[spec.expectedMinor ?? 12_050, spec.capturedMinor ?? 0, state, hoursAgo],
    ],
  )
  return id
}
