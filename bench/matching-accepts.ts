import type { DataHost } from '../db/embedded/data-host.ts'
import { type CommandPool, openCommandPool, type Pool, type PoolConnection } from '../db/pools.ts'
import { type Id, idToText, newId } from '../src/base/ids.ts'
import { fingerprint, recordKey } from '../src/idempotency/key.ts'
import { Once } from '../src/idempotency/once.ts'
import { DEFAULT_RULES } from '../src/matching/dispatch/settings.ts'
import { acceptAndTell, performOnce } from '../src/matching/trips/perform.ts'
import { type BenchDatabase, countRows, withDatabase } from './data.ts'
import { progress, WrongResult } from './report.ts'
import { median } from './statistics.ts'

export interface AcceptsOptions {
  readonly rounds: number
  /** Each is accepted once. */
  readonly trips: number
  /** Who are online beside those who accept. */
  readonly drivers: number
  /** Acceptances in flight. */
  readonly connections: number
}

export interface AcceptsFigures {
  readonly acceptsPerSecond: number
  /** The same statements with the same values, by a bare client. */
  readonly barePerSecond: number
  readonly acceptsToBare: number
  readonly statements: number
}

/** One acceptance to be: a trip, its offer, its driver. */
interface Waiting {
  readonly tripId: string
  readonly driverId: string
  readonly offerId: Id
}

interface Statement {
  readonly sql: string
  readonly values: unknown[] | undefined
}

/**
 * How many acceptances a second, each with its key, beside the same statements sent by a client that knows nothing. What an acceptance
 * sends is recorded once; then both play it against databases that were filled alike.
 */
export async function measureAccepts(host: DataHost, options: AcceptsOptions): Promise<AcceptsFigures> {
  const runs: { ours: number; bare: number }[] = []
  let statements = 0
  for (let round = 0; round < options.rounds; round += 1) {
    const waiting = Array.from({ length: options.trips }, (_, index) => waitingOf(round, index))
    const scripts = await withFilled(host, waiting, options, record)
    statements = median(scripts.map((script) => script.length))
    const measure = {
      ours: () => withFilled(host, waiting, options, (pool) => playOurs(pool, waiting, options)),
      bare: () => withFilled(host, waiting, options, (pool) => playBare(pool, scripts, options)),
    }
    // Each begins in every other round.
    const [first, second] = round % 2 === 0 ? (['ours', 'bare'] as const) : (['bare', 'ours'] as const)
    const rates = { ours: 0, bare: 0 }
    rates[first] = await measure[first]()
    rates[second] = await measure[second]()
    progress(`round ${round + 1}: ${Math.round(rates.ours)} accepts/s, bare ${Math.round(rates.bare)}/s`)
    runs.push(rates)
  }
  return {
    acceptsPerSecond: median(runs.map(({ ours }) => ours)),
    barePerSecond: median(runs.map(({ bare }) => bare)),
    acceptsToBare: median(runs.map(({ ours, bare }) => ours / bare)),
    statements,
  }
}

function waitingOf(round: number, index: number): Waiting {
  const number = String(index).padStart(6, '0')
  return { tripId: `trip-${round}-${number}`, driverId: `driver-${number}`, offerId: newId() }
}

/** A fresh database in which all of these wait; counted afterwards. */
function withFilled<T>(
  host: DataHost,
  waiting: readonly Waiting[],
  options: AcceptsOptions,
  work: (pool: CommandPool, waiting: readonly Waiting[]) => Promise<T>,
): Promise<T> {
  return withDatabase(host, async (database) => {
    await fill(database, waiting, options)
    const pool = openCommandPool(database.address, options.connections)
    try {
      const result = await work(pool, waiting)
      const taken = await countRows(database.pool, "trip_requests WHERE current_status = 'accepted'")
      if (taken !== waiting.length) throw new WrongResult(`${taken} of ${waiting.length} trips were taken`)
      return result
    } finally {
      await pool.end()
    }
  })
}

const ROWS_A_STATEMENT = 2_000

async function fill(
  { pool }: BenchDatabase,
  waiting: readonly Waiting[],
  { drivers }: AcceptsOptions,
): Promise<void> {
  const now = new Date()
  const until = new Date(now.getTime() + 3_600_000)
  const others = Array.from({ length: drivers }, (_, index) => `driver-${String(index).padStart(6, '0')}`)
  const insert = async (into: string, rows: unknown[][]) => {
    for (let start = 0; start < rows.length; start += ROWS_A_STATEMENT)
      await pool.query(`INSERT INTO ${into} VALUES ?`, [rows.slice(start, start + ROWS_A_STATEMENT)])
  }
  await insert(
    'trip_requests (id, customer_id, zone_id, estimated_fare, type, current_status)',
    waiting.map(({ tripId }) => [tripId, `rider-${tripId}`, 'zone', 1, 'ride_request', 'pending']),
  )
  await insert(
    'trip_status (trip_request_id, customer_id)',
    waiting.map(({ tripId }) => [tripId, `rider-${tripId}`]),
  )
  await insert(
    `trip_details (trip_id, customer_id, zone_id, category, pickup_latitude, pickup_longitude, destination_latitude,
       destination_longitude, estimated_fare_minor, currency, adopted, created_at)`,
    waiting.map(({ tripId }) => [
      tripId,
      `rider-${tripId}`,
      'zone',
      'car',
      30,
      31,
      30,
      31,
      100,
      'EGP',
      0,
      now,
    ]),
  )
  await insert(
    'trip_transitions (trip_id, version, to_state, observed, actor_type, at)',
    waiting.map(({ tripId }) => [tripId, 1, 'pending', 0, 'customer', now]),
  )
  await insert(
    'trip_dispatches',
    waiting.map(({ tripId }) => [tripId, 'zone', 'car', 'nearest', 1, 1, now, until, until]),
  )
  await insert(
    'trip_offers (id, trip_id, driver_id, state, expires_at, created_at, live_slot)',
    waiting.map(({ offerId, tripId, driverId }) => [offerId, tripId, driverId, 'offered', until, now, 1]),
  )
  await insert(
    'driver_details (user_id, is_online, availability_status)',
    others.map((driverId) => [driverId, '1', 'available']),
  )
  await pool.query('ANALYZE TABLE trip_requests, trip_offers, driver_details, trip_dispatches, trip_details')
}

async function acceptAll(pool: CommandPool, waiting: readonly Waiting[], inFlight: number): Promise<void> {
  const performer = {
    ...{ once: new Once({ pool }), callbacks: true, ring: () => undefined, publish: async () => true },
    ...{ rules: DEFAULT_RULES, wake: () => undefined, answered: () => undefined },
  }
  await share(waiting, inFlight, async (acceptance) => {
    const { driverId: actor, tripId } = acceptance
    const scope = {
      kind: 'command',
      tenant: 'driver',
      actor,
      operation: 'driver:accept:ride',
      key: tripId,
    } as const
    const request = { key: recordKey(scope), fingerprint: fingerprint('bench', [tripId]) }
    await performOnce(performer, request, async (connection) => {
      const { accepted, told } = await acceptAndTell(connection, acceptance, {
        callbacks: true,
        traceId: 'bench',
      })
      if (accepted.kind !== 'accepted') throw new WrongResult(`an acceptance was ${accepted.kind}`)
      const body = Buffer.from(JSON.stringify({ tripId, offerId: idToText(acceptance.offerId) }))
      return { reply: { status: 200, body, keep: true }, told }
    })
  })
}

/** What each acceptance sends, in turn. */
async function record(pool: CommandPool, waiting: readonly Waiting[]): Promise<Statement[][]> {
  const scripts: Statement[][] = []
  const connection = await pool.getConnection()
  const prototype = Object.getPrototypeOf(connection) as PoolConnection
  connection.release()
  const { query } = prototype
  let script: Statement[] = []
  prototype.query = function (this: PoolConnection, sql: string, values?: unknown[]) {
    script.push({ sql, values })
    return Reflect.apply(query, this, [sql, values])
  } as typeof query
  try {
    for (const one of waiting) {
      script = []
      await acceptAll(pool, [one], 1)
      scripts.push(script)
    }
  } finally {
    prototype.query = query
  }
  return scripts
}

async function playOurs(
  pool: CommandPool,
  waiting: readonly Waiting[],
  { connections }: AcceptsOptions,
): Promise<number> {
  const startMs = performance.now()
  await acceptAll(pool, waiting, connections)
  return rate(waiting.length, startMs)
}

async function playBare(
  pool: Pool,
  scripts: readonly Statement[][],
  { connections }: AcceptsOptions,
): Promise<number> {
  const startMs = performance.now()
  await share(scripts, connections, async (script) => {
    const connection = await pool.getConnection()
    for (const { sql, values } of script) await connection.query(sql, values)
    connection.release()
  })
  return rate(scripts.length, startMs)
}

function rate(count: number, startMs: number): number {
  return (count * 1_000) / (performance.now() - startMs)
}

/** Works on all, so many at once. */
async function share<T>(all: readonly T[], inFlight: number, work: (one: T) => Promise<void>): Promise<void> {
  const left = all.values()
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      for (const one of left) await work(one)
    }),
  )
}
