import { randomUUID } from 'node:crypto'
import type { Pool, PoolConnection } from '../../db/pools.ts'
import type { RowDataPacket } from '../../db/rows.ts'
import { inTransaction } from '../../db/transaction.ts'
import { type Id, newId } from '../../src/base/ids.ts'
import { createTripIn } from '../../src/matching/trips/create.ts'
import type { TripMove } from '../../src/matching/trips/move.ts'
import { whoGaveUp } from '../../src/matching/trips/release.ts'
import type { Trip, TripOrder } from '../../src/matching/trips/trip.ts'

/** An order of a ride from Tahrir to the airport. */
export function orderOf(more: Partial<TripOrder> = {}): TripOrder {
  return {
    tripId: randomUUID(),
    customerId: 'customer-1',
    zoneId: 'zone-1',
    category: 'car',
    pickup: { latitude: 30.0444196, longitude: 31.2357116, address: 'ميدان التحرير' },
    destination: { latitude: 30.1219, longitude: 31.4056, address: null },
    estimatedFare: { amountMinor: 12_050n, currency: 'EGP' },
    paymentMethod: 'cash',
    policy: null,
    ...more,
  }
}

export function moveOf(to: TripMove['to'], more: Partial<TripMove> = {}): TripMove {
  return { to, by: { type: 'laravel', id: null }, driverId: null, reason: null, finalFare: null, ...more }
}

/** In a transaction of its own. */
export function inTx<T>(pool: Pool, work: (connection: PoolConnection) => Promise<T>): Promise<T> {
  return inTransaction(pool, 'test', work)
}

/** A trip that waits. */
export async function createdTrip(pool: Pool, more: Partial<TripOrder> = {}): Promise<Trip> {
  const creation = await inTx(pool, (connection) => createTripIn(connection, orderOf(more)))
  if (creation.kind !== 'created') throw new Error(`the trip is ${creation.kind}`)
  return creation.trip
}

export interface OfferSpec {
  /** From now on the database's clock. */
  readonly seconds?: number
  readonly state?: string
}

/** Offers a trip to a driver. */
export async function offer(
  pool: Pool,
  tripId: string,
  driverId: string,
  { seconds = 60, state = 'offered' }: OfferSpec = {},
): Promise<Id> {
  const id = newId()
  await pool.query(
    `INSERT INTO trip_offers (id, trip_id, driver_id, state, expires_at, created_at)
     VALUES (?, ?, ?, ?, UTC_TIMESTAMP(3) + INTERVAL ? SECOND, UTC_TIMESTAMP(3))`,
    [id, tripId, driverId, state, seconds],
  )
  return id
}

export async function offerState(pool: Pool, id: Id): Promise<string> {
  const [rows] = await pool.query<RowDataPacket[]>('SELECT state FROM trip_offers WHERE id = ?', [id])
  return rows[0]?.state
}

/** Each row of a trip's history as `from>to`, with `!` where it was observed. */
export async function historyOf(pool: Pool, tripId: string): Promise<string[]> {
  const [rows] = await pool.query<RowDataPacket[]>(
    'SELECT version, from_state, to_state, observed FROM trip_transitions WHERE trip_id = ? ORDER BY version',
    [tripId],
  )
  return rows.map((row, index) => {
    if (row.version !== index + 1) throw new Error(`version ${row.version} is the row ${index + 1}`)
    return `${row.from_state ?? ''}>${row.to_state}${row.observed ? '!' : ''}`
  })
}

/** A row of Laravel's table. */
export async function tripRow(pool: Pool, tripId: string): Promise<RowDataPacket> {
  const [rows] = await pool.query<RowDataPacket[]>('SELECT * FROM trip_requests WHERE id = ?', [tripId])
  if (!rows[0]) throw new Error(`there is no trip ${tripId}`)
  return rows[0]
}

/** By trip, who gave it up or had it taken from him. */
export async function gaveUp(pool: Pool, tripIds: readonly string[]): Promise<Map<string, Set<string>>> {
  const { sql, values, resultOf } = whoGaveUp(tripIds)
  const [rows] = await pool.query<RowDataPacket[]>(sql, [...values])
  return resultOf(rows)
}

/** A row of Laravel's table of times, its times as whether they are there. */
export async function stampsOf(pool: Pool, tripId: string): Promise<string[]> {
  const [rows] = await pool.query<RowDataPacket[]>('SELECT * FROM trip_status WHERE trip_request_id = ?', [
    tripId,
  ])
  const times = ['pending', 'accepted', 'ongoing', 'completed', 'cancelled']
  return times.filter((name) => rows[0]?.[name] != null)
}

/** Laravel stores a trip of its own, in a shared or in our own table. */
export async function laravelStores(
  pool: Pool,
  tripId: string,
  more: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const row = {
    id: tripId,
    customer_id: 'customer-1',
    estimated_fare: '120.500',
    type: 'ride_request',
    ...more,
  }
  await pool.query(`INSERT INTO trip_requests SET ?`, [row])
}

/** What Laravel posts to /internal/trips. */
export function tripBody(more: Readonly<Record<string, unknown>> = {}) {
  return {
    customerId: 'c-1',
    zoneId: 'zone-1',
    category: 'car',
    pickup: { latitude: 30.044419612345, longitude: 31.2357116, address: 'Tahrir' },
    destination: { latitude: 30.1219, longitude: 31.4056 },
    estimatedFareMinor: 12_050,
    currency: 'EGP',
    ...more,
  }
}
