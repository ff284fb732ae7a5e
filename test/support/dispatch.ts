import { Registry } from 'prom-client'
import { type CommandPool, openCommandPool } from '../../db/pools.ts'
import type { RowDataPacket } from '../../db/rows.ts'
import { createLogger } from '../../src/base/log.ts'
import type { Push } from '../../src/feed/envelope.ts'
import { startDispatchIn } from '../../src/matching/dispatch/dispatch-store.ts'
import { Dispatcher } from '../../src/matching/dispatch/dispatcher.ts'
import { createDispatchMetrics } from '../../src/matching/dispatch/metrics.ts'
import { Decider } from '../../src/matching/dispatch/policies/decide.ts'
import type { RoundTools } from '../../src/matching/dispatch/rounds.ts'
import { DEFAULT_SETTINGS, type DispatchSettings } from '../../src/matching/dispatch/settings.ts'
import type { NearbyDriver, NearbyDrivers, Position } from '../../src/matching/drivers/nearby.ts'
import { straightLine, straightMeters } from '../../src/matching/drivers/route-estimate.ts'
import { createTripIn } from '../../src/matching/trips/create.ts'
import type { Trip, TripOrder } from '../../src/matching/trips/trip.ts'
import { connectedAmong } from '../../src/realtime/presence/presence-store.ts'
import type { TestDatabase } from './database.ts'
import { inTx, orderOf } from './trips.ts'

/** Where drivers are, by the test's word, for all processes. */
export class Map2d implements NearbyDrivers {
  readonly #drivers = new Map<string, { zoneId: string; category: string; position: Position }>()

  put(driverId: string, position: Position, zoneId = 'zone-1', category = 'car'): void {
    this.#drivers.set(driverId, { zoneId, category, position })
  }

  remove(driverId: string): void {
    this.#drivers.delete(driverId)
  }

  async search({ zoneIds, category, center, radiiMeters, limit }: Parameters<NearbyDrivers['search']>[0]) {
    const widest = radiiMeters.at(-1) ?? 0
    return [...this.#drivers]
      .filter(([, driver]) => driver.category === category && zoneIds.includes(driver.zoneId))
      .map(([driverId, { zoneId, position }]): NearbyDriver => {
        return { driverId, zoneId, position, straightMeters: straightMeters(position, center), ageMs: 0 }
      })
      .filter((driver) => driver.straightMeters <= widest)
      .toSorted((a, b) => a.straightMeters - b.straightMeters)
      .slice(0, limit)
  }
}

/** A process that looks for drivers. Its turns are the test's. */
export interface DispatchNode {
  readonly dispatcher: Dispatcher
  /** What its rounds and windows are played with. */
  readonly tools: RoundTools
  readonly pool: CommandPool
  readonly pushes: Push[]
}

export function openDispatchNode(
  database: TestDatabase,
  nearby: NearbyDrivers,
  settings: DispatchSettings,
): DispatchNode {
  const pool = openCommandPool(database.address, 6)
  const pushes: Push[] = []
  const options = {
    pool,
    nearby,
    estimate: straightLine,
    connected: connectedAmong,
    decide: new Decider().decide,
    rules: { settingsOf: () => settings },
    callbacks: true,
    ring: () => undefined,
    publish: async (some: readonly Push[]) => void pushes.push(...some),
    metrics: createDispatchMetrics(new Registry()),
    log: createLogger({ level: 'silent' }),
  } as const
  const dispatcher = new Dispatcher(options)
  return { dispatcher, tools: { ...options, answered: () => undefined }, pool, pushes }
}

export const QUICK: DispatchSettings = { ...DEFAULT_SETTINGS, policy: 'nearest' }

/** A trip for which a driver is looked for, at once. */
export async function requestedTrip(
  database: TestDatabase,
  settings: DispatchSettings,
  more: Partial<TripOrder> = {},
): Promise<Trip> {
  return inTx(database.pool, async (connection) => {
    const creation = await createTripIn(connection, orderOf(more))
    if (creation.kind !== 'created') throw new Error(`the trip is ${creation.kind}`)
    await startDispatchIn(connection, creation.trip, { settingsOf: () => settings })
    return creation.trip
  })
}

/** A driver who is at work, and has a socket unless it is said otherwise. */
export async function workingDriver(
  database: TestDatabase,
  driverId: string,
  session: 'connected' | 'disconnected' | 'offline' = 'connected',
): Promise<void> {
  await database.pool.query(
    `INSERT INTO driver_details (user_id, is_online, availability_status) VALUES (?, '1', 'available')`,
    [driverId],
  )
  await database.pool.query(
    `INSERT INTO driver_sessions (user_id, fence, node_id, state, grace_until, changed_at)
     VALUES (?, 1, 'node', ?, NULL, UTC_TIMESTAMP(3))`,
    [driverId, session],
  )
}

/** Whatever waits for a moment waits no more; offers are over, too, if `offers`. */
export async function letPass(database: TestDatabase, ms: number): Promise<void> {
  const micros = ms * 1_000
  for (const [table, columns] of [
    ['trip_dispatches', ['since', 'deadline_at', 'next_at']],
    ['trip_offers', ['expires_at', 'decided_at']],
    ['dispatch_windows', ['next_at']],
  ] as const) {
    const moved = columns.map((column) => `${column} = ${column} - INTERVAL ${micros} MICROSECOND`).join(', ')
    await database.pool.query(`UPDATE ${table} SET ${moved}`)
  }
}

export interface OfferRow {
  readonly driver: string
  readonly state: string
}

export async function offersOf(database: TestDatabase, tripId: string): Promise<OfferRow[]> {
  const [rows] = await database.pool.query<RowDataPacket[]>(
    'SELECT driver_id, state FROM trip_offers WHERE trip_id = ? ORDER BY id',
    [tripId],
  )
  return rows.map((row) => ({ driver: row.driver_id, state: row.state }))
}

export async function searchRow(database: TestDatabase, tripId: string): Promise<RowDataPacket | null> {
  const [rows] = await database.pool.query<RowDataPacket[]>(
    'SELECT * FROM trip_dispatches WHERE trip_id = ?',
    [tripId],
  )
  return rows[0] ?? null
}
