import type { Pool, PoolConnection } from '../../db/pools.ts'
import type { RowDataPacket } from '../../db/rows.ts'
import { withConnection } from '../../db/transaction.ts'
import { decideMove, stateOf, type TripState, type TripStatus } from '../../src/matching/trips/trip-state.ts'
import { wrongSearches } from './dispatched-truth.ts'
import type { Played } from './matching-run.ts'
import { wrongBids, wrongDrivers } from './matching-truth-bids.ts'

const READ_TIMEOUT_MS = 20_000

/** In words, where the tables contradict each other, or what was told; empty: nowhere. Reads them all as they were at one moment. */
export function wrongTables(pool: Pool, played: Played): Promise<string[]> {
  return withConnection(pool, 'truth', READ_TIMEOUT_MS, async (connection) => {
    await connection.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ')
    await connection.query('START TRANSACTION WITH CONSISTENT SNAPSHOT')
    const tables = await readTables(connection, played)
    await connection.query('COMMIT')
    const ofTrips = played.tripIds.flatMap((id) => [
      ...wrongHistory(id, tables, played),
      ...wrongOffers(id, tables),
      ...wrongBids(id, tables),
      ...wrongFeeds(id, tables, played),
      ...wrongAnswers(id, tables, played),
    ])
    if (played.isDispatched) ofTrips.push(...wrongSearches(played.tripIds, tables))
    return played.isByHand ? ofTrips : [...ofTrips, ...wrongDrivers(played.driverIds, tables)]
  })
}

export interface Tables {
  readonly trips: readonly RowDataPacket[]
  readonly steps: readonly RowDataPacket[]
  readonly offers: readonly RowDataPacket[]
  readonly dispatches: readonly RowDataPacket[]
  readonly feeds: readonly RowDataPacket[]
  readonly bids: readonly RowDataPacket[]
  /** Laravel's. */
  readonly fareBiddings: readonly RowDataPacket[]
  readonly drivers: readonly RowDataPacket[]
  /** What the drivers have, also of trips whose riders were not told yet that they are there. */
  readonly rides: readonly RowDataPacket[]
  readonly liveBids: readonly RowDataPacket[]
}

async function readTables(
  connection: PoolConnection,
  { tripIds, riderIds, driverIds }: Played,
): Promise<Tables> {
  const rows = async (sql: string, values: readonly unknown[]): Promise<RowDataPacket[]> =>
    (await connection.query<RowDataPacket[]>(sql, [...values]))[0]
  return {
    trips: await rows(
      `SELECT t.id, t.driver_id, t.current_status, (SELECT d.agreed_fare_minor FROM trip_details AS d
         WHERE d.trip_id = CAST(t.id AS CHAR CHARACTER SET ascii)) AS agreed FROM trip_requests AS t WHERE t.id IN (?)`,
      [tripIds],
    ),
    steps: await rows('SELECT * FROM trip_transitions WHERE trip_id IN (?) ORDER BY trip_id, version', [
      tripIds,
    ]),
    offers: await rows(
      `SELECT trip_id, driver_id, state, live_slot, expires_at <= UTC_TIMESTAMP(3) AS overdue FROM trip_offers
       WHERE trip_id IN (?)`,
      [tripIds],
    ),
    dispatches: await rows('SELECT trip_id, policy FROM trip_dispatches WHERE trip_id IN (?)', [tripIds]),
    feeds: await rows(
      "SELECT user_id, data FROM feed_messages WHERE user_id IN (?) AND event = 'ride:driver_assigned' ORDER BY user_id, seq",
      [[...new Set(riderIds), ...driverIds]],
    ),
    bids: await rows(
      `SELECT LOWER(INSERT(INSERT(INSERT(INSERT(HEX(id), 9, 0, '-'), 14, 0, '-'), 19, 0, '-'), 24, 0, '-')) AS id, trip_id,
         driver_id, state, amount_minor FROM trip_bids WHERE trip_id IN (?) ORDER BY trip_id, id`,
      [tripIds],
    ),
    fareBiddings: await rows('SELECT id, is_ignored FROM fare_biddings WHERE trip_request_id IN (?)', [
      tripIds,
    ]),
    rides: await rows(
      "SELECT driver_id FROM trip_requests WHERE driver_id IN (?) AND current_status IN ('accepted', 'ongoing')",
      [driverIds],
    ),
    liveBids: await rows("SELECT driver_id FROM trip_bids WHERE driver_id IN (?) AND state = 'live'", [
      driverIds,
    ]),
    drivers: await rows(
      'SELECT user_id, is_online, availability_status FROM driver_details WHERE user_id IN (?)',
      [driverIds],
    ),
  }
}

/** A path of the machine, without a gap, to where the trip stands; Laravel's own hand leaves no step. */
function wrongHistory(id: string, tables: Tables, { isByHand }: Played): string[] {
  const trip = tables.trips.find((row) => row.id === id)
  const steps = tables.steps.filter((row) => row.trip_id === id)
  if (trip === undefined) return [`trip ${id} is gone`]
  const wrong: string[] = []
  let last: TripState | null = null
  for (const [index, step] of steps.entries()) {
    if (Number(step.version) !== index + 1)
      wrong.push(`trip ${id}: step ${index + 1} has the version ${step.version}`)
    if (step.from_state !== last) wrong.push(`trip ${id}: a step from ${step.from_state} after ${last}`)
    if (Number(step.observed) === 0 && last !== null && !isArrow(last, step.to_state))
      wrong.push(`trip ${id}: no way leads from ${last} to ${step.to_state}`)
    last = step.to_state
  }
  const stands = stateOf(last, trip.current_status)
  if (stands !== last && !isByHand) wrong.push(`trip ${id} stands at ${stands}, its history at ${last}`)
  return wrong
}

function isArrow(from: TripState, to: TripState): boolean {
  const decision = decideMove(from, statusWord(from), to)
  return decision.kind === 'move'
}

function statusWord(state: TripState): TripStatus {
  return state === 'arrived' ? 'accepted' : state
}

/** The drivers who took the trip, one after the other. */
export function winnersOf(id: string, { steps }: Tables): string[] {
  return steps
    .filter((step) => step.trip_id === id && step.to_state === 'accepted' && step.actor_type !== 'laravel')
    .map((step) => step.driver_id ?? step.actor_id)
}

/** One accepted offer for each acceptance, and none that lives on once the trip has a driver or is over. */
function wrongOffers(id: string, tables: Tables): string[] {
  const trip = tables.trips.find((row) => row.id === id)
  const offers = tables.offers.filter((row) => row.trip_id === id)
  const wrong: string[] = []
  const accepted = offers.filter(({ state }) => state === 'accepted').map((row) => row.driver_id)
  const winners = winnersOf(id, tables)
  if (accepted.toSorted().join() !== winners.toSorted().join())
    wrong.push(`trip ${id} was taken by [${winners}], accepted are the offers of [${accepted}]`)
  // Laravel's own hand ends no offer; they are ended with the next step that is told.
  const isTold = tables.steps.findLast((step) => step.trip_id === id)?.to_state === trip?.current_status
  const live = offers.filter(({ state }) => state === 'offered')
  if (trip?.current_status !== 'pending' && isTold && live.length > 0)
    wrong.push(`trip ${id} is ${trip?.current_status}, and offered to [${live.map((row) => row.driver_id)}]`)
  for (const row of offers)
    if (row.state !== 'offered' && row.live_slot !== null)
      wrong.push(`trip ${id}: an offer that is ${row.state} holds a slot of ${row.driver_id}`)
  if (trip?.current_status !== 'pending' && isTold && tables.dispatches.some((row) => row.trip_id === id))
    wrong.push(`trip ${id} is ${trip?.current_status}, and a driver is looked for`)
  return wrong
}

/** Whoever took it, and the rider, read so in their feeds; nobody else does. */
function wrongFeeds(id: string, tables: Tables, { tripIds, riderIds, driverIds }: Played): string[] {
  const riderId = riderIds[tripIds.indexOf(id)] ?? ''
  const toldTo = (userId: string): string[] =>
    tables.feeds
      .filter((row) => row.user_id === userId)
      .map((row) => JSON.parse(row.data))
      .filter(({ rideId }) => rideId === id)
      .map(({ driverId }) => driverId)
  const assigned = tables.steps
    .filter((step) => step.trip_id === id && step.to_state === 'accepted' && step.from_state !== null)
    .map((step) => (Number(step.observed) === 1 ? null : (step.driver_id ?? step.actor_id)))
  const isSame = (told: readonly string[], steps: readonly (string | null)[]): boolean =>
    told.length === steps.length &&
    steps.every((driverId, index) => driverId === null || driverId === told[index])
  const wrong: string[] = []
  if (!isSame(toldTo(riderId), assigned))
    wrong.push(`trip ${id}: the rider was told of [${toldTo(riderId)}] instead of [${assigned}]`)
  for (const driverId of driverIds) {
    const own = assigned.filter((one) => one === driverId)
    const told = toldTo(driverId).filter((one) => one === driverId)
    const isObserved = assigned.includes(null)
    if (isObserved ? told.length < own.length : told.length !== own.length)
      wrong.push(
        `trip ${id}: ${driverId} was told ${told.length} times that it is his, and took it ${own.length} times`,
      )
  }
  return wrong
}

/** Whoever was told that it is his has a step that says so, or Laravel's hand. */
function wrongAnswers(id: string, tables: Tables, { history }: Played): string[] {
  const winners = winnersOf(id, tables)
  return history.flatMap(({ act, heard }) => {
    if ((act.kind !== 'accept' && act.kind !== 'choose') || act.tripId !== id) return []
    if (heard?.answer.word !== 'ok') return []
    const isGiven = history.some(
      (other) => other.act.kind === 'give' && other.act.tripId === id && other.act.driverId === act.driverId,
    )
    return winners.includes(act.driverId) || isGiven
      ? []
      : [`trip ${id}: ${act.driverId} was told that it is his, and took it nowhere`]
  })
}
