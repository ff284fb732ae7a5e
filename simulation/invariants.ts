import type { Pool } from '../db/pools.ts'
import type { RowDataPacket } from '../db/rows.ts'
import { type HistoryStep, overlaps, readHistories } from './histories.ts'
import type { DriverRecord, RideRecord } from './ride-record.ts'

/** Something that has to hold when the city is closed. */
export interface Invariant {
  readonly title: string
  readonly holds: boolean
  /** How much was looked at. */
  readonly seen: string
  /** Some of what breaks it. */
  readonly broken: readonly string[]
}

export interface Witnesses {
  readonly rides: readonly RideRecord[]
  readonly drivers: readonly DriverRecord[]
}

const SHOWN = 10

/** Asks the database, and compares what it says with what the phones were told. The database is nobody else's. */
export async function checkInvariants(pool: Pool, witnesses: Witnesses): Promise<readonly Invariant[]> {
  const [steps, trips] = await Promise.all([readSteps(pool), readTrips(pool)])
  const { holdings, takenTwice } = readHistories(steps)
  const found = (title: string, seen: string, broken: readonly string[]): Invariant => ({
    ...{ title, holds: broken.length === 0, seen, broken: broken.slice(0, SHOWN) },
  })
  const list = (sql: string) => readList(pool, sql)
  return [
    found('No trip had two drivers at once', `${trips.size} trips, ${steps.length} steps`, takenTwice),
    found('No driver had two trips at once', `${holdings.length} assignments`, overlaps(holdings)),
    found(
      'No phone was told of two rides at once',
      `${witnesses.drivers.length} drivers`,
      phoneOverlaps(witnesses),
    ),
    found(
      'Every assignment has an offer of its own that was accepted',
      `${holdings.length} assignments`,
      await list(UNEXPLAINED),
    ),
    found('Every trip has ended', `${trips.size} trips`, unended(trips)),
    found(
      'Nobody looks for a driver for a trip that does not wait',
      'trip_dispatches',
      await list(IDLE_DISPATCHES),
    ),
    found('Every trip that waits is looked after', 'trip_requests', await list(FORGOTTEN_TRIPS)),
    found('No offer of a trip that does not wait is open', 'trip_offers', await list(IDLE_OFFERS)),
    found('No driver without a ride counts as on one', 'driver_details', await list(STUCK_DRIVERS)),
    found(
      'The riders were told what happened',
      `${witnesses.rides.length} riders`,
      contradictions(witnesses, trips),
    ),
  ]
}

// Never joined: tables that may be Laravel's have collations of their own elsewhere, but here both are ours.
const IDLE_DISPATCHES = `SELECT d.trip_id AS word FROM trip_dispatches AS d
  LEFT JOIN trip_requests AS t ON t.id = d.trip_id AND t.current_status = 'pending' AND t.driver_id IS NULL
  WHERE t.id IS NULL LIMIT 50`
const FORGOTTEN_TRIPS = `SELECT t.id AS word FROM trip_requests AS t LEFT JOIN trip_dispatches AS d ON d.trip_id = t.id
  WHERE t.current_status = 'pending' AND d.trip_id IS NULL LIMIT 50`
const IDLE_OFFERS = `SELECT CONCAT(o.trip_id, ' to ', o.driver_id) AS word FROM trip_offers AS o
  LEFT JOIN trip_requests AS t ON t.id = o.trip_id AND t.current_status = 'pending'
  WHERE (o.state = 'offered' OR o.live_slot IS NOT NULL) AND t.id IS NULL LIMIT 50`
const STUCK_DRIVERS = `SELECT d.user_id AS word FROM driver_details AS d
  LEFT JOIN trip_requests AS t ON t.active_driver_id = d.user_id
  WHERE d.availability_status = 'on_trip' AND t.id IS NULL LIMIT 50`

async function readList(pool: Pool, sql: string): Promise<string[]> {
  const [rows] = await pool.query<RowDataPacket[]>(sql)
  return rows.map(({ word }) => String(word))
}

async function readSteps(pool: Pool): Promise<HistoryStep[]> {
  const [rows] = await pool.query<RowDataPacket[]>(
    'SELECT trip_id, to_state, driver_id, at FROM trip_transitions ORDER BY trip_id, version',
  )
  return rows.map((row) => ({
    ...{ tripId: row.trip_id, to: row.to_state, driverId: row.driver_id },
    atMs: row.at.getTime(),
  }))
}

async function readTrips(pool: Pool): Promise<ReadonlyMap<string, string>> {
  const [rows] = await pool.query<RowDataPacket[]>('SELECT id, current_status FROM trip_requests')
  return new Map(rows.map((row) => [row.id, row.current_status]))
}

/** Trips that were taken more or less often than offers of theirs were accepted. */
const UNEXPLAINED = `SELECT CONCAT(s.trip_id, ': taken ', s.taken, ' times, offers accepted ', s.accepted) AS word
  FROM (SELECT h.trip_id, COUNT(*) AS taken,
      (SELECT COUNT(*) FROM trip_offers AS o WHERE o.trip_id = h.trip_id AND o.state = 'accepted') AS accepted
    FROM trip_transitions AS h WHERE h.to_state = 'accepted' GROUP BY h.trip_id) AS s
  WHERE s.taken <> s.accepted LIMIT 50`

function unended(trips: ReadonlyMap<string, string>): string[] {
  return [...trips]
    .filter(([, status]) => status !== 'completed' && status !== 'cancelled')
    .map(([id, status]) => `${id}: ${status}`)
}

function phoneOverlaps({ drivers }: Witnesses): string[] {
  return drivers.flatMap(({ plan, overlaps: rides }) => rides.map((rideId) => `${plan.driverId}: ${rideId}`))
}

/** A rider who was told of another end than his trip has, or of none, or whose trip is in no table. */
function contradictions({ rides }: Witnesses, trips: ReadonlyMap<string, string>): string[] {
  return rides.flatMap(({ request, rideId, end }) => {
    const status = rideId === null ? null : (trips.get(rideId) ?? 'unknown')
    const told = end === null ? 'nothing' : end.how
    if (rideId === null)
      return told === 'refused' || told === 'closed' ? [] : [`${request.riderId}: ${told}, no trip`]
    return (told === 'completed') === (status === 'completed') && end !== null
      ? []
      : [`${request.riderId}: told ${told}, trip ${rideId} ${status}`]
  })
}
