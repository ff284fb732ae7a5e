import type { Reading } from '../../db/moment.ts'
import type { RowDataPacket } from '../../db/rows.ts'
import { idToText } from '../base/ids.ts'
import { isCaptured, type PaymentState } from './payment.ts'

/** A payment as its rider and its driver are shown it. */
export interface PaymentStanding {
  readonly paymentId: string
  readonly rideId: string | null
  readonly state: PaymentState
  /** In minor units: what was captured; before that, what is expected. */
  readonly amountMinor: number
  readonly currency: string
  /** Of its last change; ISO 8601. */
  readonly at: string
}

/** Whose payments: the column that names him. */
export type PaymentSide = 'customer_id' | 'driver_id'

/** As many as an app shows of the past, and as far back: what a phone may have slept through. */
export const RECENT_PAYMENTS = 5
const RECENT_HOURS = 24

const COLUMNS = `p.id, p.trip_id, p.state, p.expected_minor, p.captured_minor, p.currency, p.updated_at`

/**
 * The newest payments of each of these users, of the last day and at most five, the newest first; who has none is absent. Uses
 * customer_by_date or driver_by_date, which cover the inner part, and the primary key.
 */
export function recentPayments(
  side: PaymentSide,
  userIds: readonly string[],
): Reading<Map<string, PaymentStanding[]>> {
  return {
    sql: `SELECT recent.owner, ${COLUMNS}
      FROM (SELECT ${side} AS owner, id, ROW_NUMBER() OVER (PARTITION BY ${side} ORDER BY created_at DESC, id DESC) AS nth
        FROM payments WHERE ${side} IN (?)
          AND created_at >= UTC_TIMESTAMP(3) - INTERVAL ${RECENT_HOURS} HOUR) AS recent
      JOIN payments AS p ON p.id = recent.id
      WHERE recent.nth <= ${RECENT_PAYMENTS} ORDER BY p.id DESC`,
    values: [userIds],
    resultOf: byOwner,
  }
}

/**
 * The newest payments of each of these trips, however old, at most five; trips without any are absent. `trips` is a SELECT of
 * their ids. Uses the index trip and the primary key.
 */
export function paymentsOfTrips(trips: {
  readonly sql: string
  readonly values: readonly unknown[]
}): Reading<Map<string, PaymentStanding[]>> {
  return {
    sql: `SELECT newest.owner, ${COLUMNS}
      FROM (SELECT q.trip_id AS owner, q.id, ROW_NUMBER() OVER (PARTITION BY q.trip_id ORDER BY q.id DESC) AS nth
        FROM (${trips.sql}) AS trips JOIN payments AS q ON q.trip_id = trips.id) AS newest
      JOIN payments AS p ON p.id = newest.id
      WHERE newest.nth <= ${RECENT_PAYMENTS} ORDER BY p.id DESC`,
    values: trips.values,
    resultOf: byOwner,
  }
}

function byOwner(rows: readonly RowDataPacket[]): Map<string, PaymentStanding[]> {
  const payments = new Map<string, PaymentStanding[]>()
  for (const row of rows) {
    const his = payments.get(row.owner)
    if (his === undefined) payments.set(row.owner, [toStanding(row)])
    else his.push(toStanding(row))
  }
  return payments
}

function toStanding(row: RowDataPacket): PaymentStanding {
  return {
    paymentId: idToText(row.id),
    rideId: row.trip_id,
    state: row.state,
    amountMinor: Number(isCaptured(row.state) ? row.captured_minor : row.expected_minor),
    currency: row.currency,
    at: row.updated_at.toISOString(),
  }
}
