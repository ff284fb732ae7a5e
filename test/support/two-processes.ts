import { randomUUID } from 'node:crypto'
import type { Pool } from '../../db/pools.ts'
import type { RowDataPacket } from '../../db/rows.ts'
import { type Id, idToText } from '../../src/base/ids.ts'
import { type Heard, type OpenCommands, openCommands, StandInConnection } from './commands.ts'
import { type TestDatabase, testDatabase } from './database.ts'
import { createdTrip, offer } from './trips.ts'

/** A ride with its two users, and the offer by which the driver may have it. */
export interface OfferedRide {
  readonly rideId: string
  readonly rider: StandInConnection
  readonly driver: StandInConnection
  readonly offerId: Id
}

/** The commands of two processes over one database, and what they leave in it. */
export class TwoProcesses {
  readonly database: TestDatabase
  readonly here: OpenCommands
  readonly there: OpenCommands

  private constructor(database: TestDatabase) {
    this.database = database
    this.here = openCommands(database)
    this.there = openCommands(database)
  }

  static async open(name: string): Promise<TwoProcesses> {
    return new TwoProcesses(await testDatabase(name))
  }

  async close(): Promise<void> {
    await this.here.close()
    await this.there.close()
    await this.database.drop()
  }

  get pool(): Pool {
    return this.database.pool
  }

  /** Under an id of its own. */
  readonly say = (
    connection: StandInConnection,
    event: string,
    data: object,
    on = this.here,
  ): Promise<Heard> => on.say(connection, event, data, randomUUID())

  readonly accept = (
    driver: StandInConnection,
    rideId: string,
    offerId: Id,
    on = this.here,
  ): Promise<Heard> => this.say(driver, 'driver:accept:ride', { rideId, offerId: idToText(offerId) }, on)

  /** A ride that one driver was asked for. */
  async offeredRide(): Promise<OfferedRide> {
    const [rider, driver] = [newRider(), newDriver()]
    const { id: rideId } = await createdTrip(this.pool, { customerId: rider.user.userId })
    const offerId = await offer(this.pool, rideId, driver.user.userId)
    return { rideId, rider, driver, offerId }
  }

  /** A ride that its driver has accepted. */
  async acceptedRide(): Promise<OfferedRide> {
    const ride = await this.offeredRide()
    const { reply } = await this.accept(ride.driver, ride.rideId, ride.offerId)
    if (!reply?.ok) throw new Error(`not accepted: ${reply?.error?.code}`)
    return ride
  }

  readonly rows = async (sql: string, values: readonly unknown[]): Promise<RowDataPacket[]> => {
    const [found] = await this.pool.query<RowDataPacket[]>(sql, [...values])
    return found
  }

  /** What was written for a user, the oldest first. */
  readonly feedOf = async ({ user }: StandInConnection): Promise<readonly Told[]> => {
    const sql = 'SELECT event, data FROM feed_messages WHERE user_id = ? ORDER BY seq'
    return (await this.rows(sql, [user.userId])).map(toTold('data'))
  }

  readonly eventsOf = async (connection: StandInConnection): Promise<string[]> =>
    (await this.feedOf(connection)).map(({ event }) => event)

  /** What Laravel is told of a ride, the oldest first. */
  readonly callbacksOf = async (rideId: unknown): Promise<readonly Told[]> => {
    const sql = 'SELECT event, payload FROM outbox WHERE ordering_key = ? ORDER BY seq'
    return (await this.rows(sql, [rideId])).map(toTold('payload'))
  }
}

interface Told {
  readonly event: string
  // biome-ignore lint/suspicious/noExplicitAny: JSON of any event, which the tests look into
  readonly data: any
}

function toTold(column: 'data' | 'payload') {
  return (row: RowDataPacket): Told => ({ event: row.event, data: JSON.parse(row[column]) })
}

export function newRider(): StandInConnection {
  return new StandInConnection(randomUUID(), 'customer')
}

export function newDriver(): StandInConnection {
  return new StandInConnection(randomUUID(), 'driver')
}

export function codeOf({ reply }: Heard): string | undefined {
  return reply?.ok ? 'ok' : reply?.error?.code
}
