import { randomUUID } from 'node:crypto'
import { Registry } from 'prom-client'
import { openPool, type Pool } from '../../db/pools.ts'
import type { RowDataPacket } from '../../db/rows.ts'
import { type ManualClock, manualClock } from '../../src/base/clock.ts'
import { createLogger } from '../../src/base/log.ts'
import type { Push } from '../../src/feed/envelope.ts'
import { startDispatchIn } from '../../src/matching/dispatch/dispatch-store.ts'
import { DEFAULT_SETTINGS } from '../../src/matching/dispatch/settings.ts'
import { setDriverOnline } from '../../src/matching/drivers/driver-store.ts'
import { acceptTripIn } from '../../src/matching/trips/accept.ts'
import { createUpkeepMetrics } from '../../src/matching/upkeep/metrics.ts'
import { Reconciler, type ReconcilerOptions } from '../../src/matching/upkeep/reconciler.ts'
import { type TestDatabase, testDatabase } from './database.ts'
import { createdTrip, inTx, offer } from './trips.ts'

export const GRACE_MS = 30_000
const RULES = { settingsOf: () => DEFAULT_SETTINGS }

/** A database with Laravel's hand in it, and who puts right what it does. */
export class ReconcilingWorld {
  readonly database: TestDatabase
  readonly pool: Pool
  readonly clock: ManualClock = manualClock(0)
  pushes: Push[] = []
  wakes: string[] = []
  registry = new Registry()
  reconciler: Reconciler
  readonly #opened: Reconciler[] = []

  constructor(database: TestDatabase) {
    this.database = database
    this.pool = openPool(database.address, { connectionLimit: 6, lockWaitSeconds: 5 })
    this.reconciler = this.open()
  }

  static async begin(name: string): Promise<ReconcilingWorld> {
    return new ReconcilingWorld(await testDatabase(name))
  }

  /** Another process's. */
  open(more: Partial<ReconcilerOptions> = {}): Reconciler {
    const opened = new Reconciler({
      ...{ pool: this.pool, clock: this.clock, rules: RULES, graceMs: GRACE_MS },
      log: createLogger({ level: 'silent' }),
      metrics: createUpkeepMetrics(new Registry()),
      publish: async (some) => void this.pushes.push(...some),
      wake: (tripIds) => void this.wakes.push(...tripIds),
      answered: () => undefined,
      ...more,
    })
    this.#opened.push(opened)
    return opened
  }

  /** The one reconciler is another, which is counted from nothing on. */
  async replace(more: Partial<ReconcilerOptions> = {}): Promise<void> {
    await Promise.all(this.#opened.splice(0).map((one) => one.stop(1_000)))
    this.registry = new Registry()
    this.reconciler = this.open({ metrics: createUpkeepMetrics(this.registry), ...more })
  }

  /** Between two tests. */
  async clear(): Promise<void> {
    for (const table of ['trip_requests', 'trip_details', 'trip_dispatches', 'driver_details'])
      await this.pool.query('DELETE FROM ??', [table])
    this.pushes = []
    this.wakes = []
    await this.replace()
  }

  async end(): Promise<void> {
    await Promise.all(this.#opened.map((one) => one.stop(1_000)))
    await this.pool.end()
    await this.database.drop()
  }

  /** A whole pass, however many pages it has. */
  async pass(one = this.reconciler): Promise<void> {
    while (await one.runOnce());
  }

  /** Sees it, and sees it again when it has stood for the grace. */
  async twice(one = this.reconciler): Promise<void> {
    await this.pass(one)
    this.clock.advance(GRACE_MS)
    await this.pass(one)
  }

  async dutyOf(driverId: string): Promise<string | undefined> {
    const [row] = await this.rows(
      'SELECT is_online, availability_status FROM driver_details WHERE user_id = ?',
      [driverId],
    )
    return row && `${row.is_online} ${row.availability_status}`
  }

  /** By Laravel's word, which is stale. */
  async driverOnTrip(isOnline = '1'): Promise<string> {
    const driverId = randomUUID()
    await this.pool.query(
      `INSERT INTO driver_details (user_id, is_online, availability_status) VALUES (?, ?, 'on_trip')`,
      [driverId, isOnline],
    )
    return driverId
  }

  /** A trip that is looked for, and its rider. */
  async waitingTrip(): Promise<{ readonly tripId: string; readonly rider: string }> {
    const rider = randomUUID()
    const trip = await createdTrip(this.pool, { customerId: rider })
    await inTx(this.pool, (connection) => startDispatchIn(connection, trip, RULES))
    return { tripId: trip.id, rider }
  }

  async ride(): Promise<{ readonly tripId: string; readonly rider: string; readonly driverId: string }> {
    const { tripId, rider } = await this.waitingTrip()
    const driverId = randomUUID()
    await inTx(this.pool, (connection) => setDriverOnline(connection, driverId))
    const offerId = await offer(this.pool, tripId, driverId)
    await inTx(this.pool, (connection) => acceptTripIn(connection, { tripId, driverId, offerId }))
    return { tripId, rider, driverId }
  }

  async laravelWrites(tripId: string, values: Readonly<Record<string, unknown>>): Promise<void> {
    await this.pool.query('UPDATE trip_requests SET ? WHERE id = ?', [values, tripId])
  }

  async isSearched(tripId: string): Promise<boolean> {
    return (await this.rows('SELECT 1 FROM trip_dispatches WHERE trip_id = ?', [tripId])).length === 1
  }

  async eventsOf(userId: string): Promise<string[]> {
    const found = await this.rows('SELECT event FROM feed_messages WHERE user_id = ? ORDER BY seq', [userId])
    return found.map(({ event }) => event)
  }

  async rows(sql: string, values: readonly unknown[]): Promise<RowDataPacket[]> {
    const [found] = await this.pool.query<RowDataPacket[]>(sql, [...values])
    return found
  }
}
