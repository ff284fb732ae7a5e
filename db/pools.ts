import { createConnection, createPool, type Pool, type PoolOptions } from 'mysql2/promise'

export type { Pool, PoolConnection } from 'mysql2/promise'

/** Where the database is and who we are there. */
export interface DatabaseAddress {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
}

/** Separate pools, so that neither webhooks, workers nor commands can starve the others of connections. */
export interface Database {
  /** The group commit's own: two connections, one second of lock wait, changed rows counted instead of found rows. */
  readonly ingest: Pool
  readonly workers: Pool
  readonly commands: CommandPool
  /** For the callbacks alone; connects only where there are some to send. */
  readonly callbacks: Pool
  /** For Laravel's messages alone; connects only where they are heard. */
  readonly bridge: CommandPool
  /** For greetings and feeds of connections; a thousand that come back at once must not keep a command waiting. */
  readonly realtime: CommandPool
  /** For finding drivers alone: a crowd of commands must not keep offers waiting, nor the other way round. */
  readonly dispatch: CommandPool
  /** For leases and drivers' sessions alone: who cannot renew in time is taken for dead. */
  readonly presence: Pool
  /** For what drivers are and where they are: written and read for many at once, and searched while Redis is away. */
  readonly drivers: Pool
  /** Ends every connection: politely, and by force what has not said goodbye within `timeoutMs` (default one second). */
  close(timeoutMs?: number): Promise<void>
}

/** One or two connections carry the whole ingest: more raised p50 from 8 to 39 ms, since batches grow smaller. */
export const INGEST_CONNECTIONS = 2
const COMMAND_CONNECTIONS = 8
/**
 * A request waits two seconds at most for one with the same key; the servers measure lock waits in whole seconds, and MySQL
 * may be one late.
 */
const COMMAND_LOCK_WAIT_SECONDS = 1
/** A callback needs one for milliseconds before and after its request, never during it. */
const CALLBACK_CONNECTIONS = 4
/** As many as messages are acted on at once; they wait for each other's keys, and requests must not wait for them. */
const BRIDGE_CONNECTIONS = 4
/** Greetings take four at once, each for many; the rest reads feeds. */
const REALTIME_CONNECTIONS = 6
/** Three trips are looked at at once, windows beside them, and what is counted and cleared away. */
const DISPATCH_CONNECTIONS = 6
const PRESENCE_CONNECTIONS = 4
/** One writes, one reads, and the rest searches. */
const DRIVER_CONNECTIONS = 4
/** A dead host is found before a webhook's two seconds are over. */
const CONNECT_TIMEOUT_MS = 1_500
const CLOSE_TIMEOUT_MS = 1_000
/**
 * A host that vanishes in the middle of a transaction (power, partition) says no goodbye; its locks are held until the
 * server gives the silent connection up. Longer than any transaction of ours, far shorter than the server's eight hours.
 */
const IDLE_TIMEOUT_SECONDS = 30
/** One statement shape a batch size (1…128), plus the read-back's as many. */
const MAX_PREPARED_STATEMENTS = 300

/** Opens the pools; connects to nothing until the first query. */
export function openDatabase(address: DatabaseAddress, workerConnections: number): Database {
  const ingest = openPool(address, {
    connectionLimit: INGEST_CONNECTIONS,
    lockWaitSeconds: 1,
    countChangedRows: true,
  })
  const workers = openPool(address, { connectionLimit: workerConnections, lockWaitSeconds: 5 })
  const commands = openCommandPool(address)
  const callbacks = openPool(address, { connectionLimit: CALLBACK_CONNECTIONS, lockWaitSeconds: 5 })
  const bridge = openCommandPool(address, BRIDGE_CONNECTIONS)
  const realtime = openCommandPool(address, REALTIME_CONNECTIONS)
  const dispatch = openCommandPool(address, DISPATCH_CONNECTIONS)
  const presence = openPool(address, { connectionLimit: PRESENCE_CONNECTIONS, lockWaitSeconds: 2 })
  const drivers = openPool(address, { connectionLimit: DRIVER_CONNECTIONS, lockWaitSeconds: 2 })
  const all = [ingest, workers, commands, callbacks, bridge, realtime, dispatch, presence, drivers]
  return {
    ingest,
    workers,
    commands,
    callbacks,
    bridge,
    realtime,
    dispatch,
    presence,
    drivers,
    close: async (timeoutMs = CLOSE_TIMEOUT_MS) => {
      await Promise.all(all.map((pool) => closePool(pool, timeoutMs)))
    },
  }
}

declare const severalStatements: unique symbol
/** A pool over which one round trip may carry several statements. */
export type CommandPool = Pool & { readonly [severalStatements]: true }

/** A pool for commands of people and of Laravel, as `Once` needs it. */
export function openCommandPool(address: DatabaseAddress, connections = COMMAND_CONNECTIONS): CommandPool {
  return openPool(address, {
    connectionLimit: connections,
    lockWaitSeconds: COMMAND_LOCK_WAIT_SECONDS,
    severalStatements: true,
  }) as CommandPool
}

export interface PoolShape {
  readonly connectionLimit: number
  readonly lockWaitSeconds: number
  /** Without it mysql2 counts found rows, and a no-op ON DUPLICATE KEY UPDATE looks like an insert. */
  readonly countChangedRows?: boolean
  /** Whether one round trip may carry several statements, parted by semicolons; never what comes from outside, unescaped. */
  readonly severalStatements?: boolean
}

/**
 * A pool whose sessions are in UTC, READ COMMITTED and strict mode. BIGINT comes back as text (use BigInt), DATETIME as
 * a Date.
 */
export function openPool(address: DatabaseAddress, shape: PoolShape): Pool {
  const options: PoolOptions = {
    ...address,
    connectionLimit: shape.connectionLimit,
    maxIdle: shape.connectionLimit,
    connectTimeout: CONNECT_TIMEOUT_MS,
    charset: 'utf8mb4_bin',
    timezone: 'Z',
    supportBigNumbers: true,
    bigNumberStrings: true,
    maxPreparedStatements: MAX_PREPARED_STATEMENTS,
    enableKeepAlive: true,
    // A stack trace for each statement, in case it fails, took a twentieth of ingest's time. Phases have names instead.
    trace: false,
    multipleStatements: shape.severalStatements ?? false,
    ...(shape.countChangedRows ? { flags: ['-FOUND_ROWS'] } : {}),
  }
  const pool = createPool(options)
  const open = new Set<RawConnection>()
  openConnections.set(pool, open)
  pool.on('connection', (connection) => {
    const raw = connection as unknown as RawConnection
    open.add(raw)
    raw.stream.once('close', () => open.delete(raw))
    prepareSession(raw, shape.lockWaitSeconds)
  })
  return pool
}

/** A pool's events bear the driver's own connections and not those of its promise interface. */
interface RawConnection {
  query(sql: string, done: (error: Error | null) => void): void
  readonly stream: { once(event: 'close', listener: () => void): void; destroy(): void }
  destroy(): void
}

const openConnections = new WeakMap<Pool, ReadonlySet<RawConnection>>()

/**
 * Ends the pool's connections, and cuts after `timeoutMs` those that the server has not closed: a goodbye queues behind
 * the statement in hand, which a frozen server never answers, and an open socket keeps the process alive. Never rejects.
 */
async function closePool(pool: Pool, timeoutMs: number): Promise<void> {
  const open = openConnections.get(pool) ?? new Set()
  const allClosed = [...open].map(
    ({ stream }) => new Promise<void>((resolve) => stream.once('close', resolve)),
  )
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs)
  })
  pool.end().catch(() => undefined)
  await Promise.race([Promise.all(allClosed), tooLate])
  clearTimeout(timer)
  for (const connection of open) {
    connection.destroy()
    // The driver's destroy() only ends its side.
    connection.stream.destroy()
  }
}

const SQL_MODE =
  'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ZERO_DATE,NO_ZERO_IN_DATE,NO_ENGINE_SUBSTITUTION'

/** Commands of one connection run in order, so these precede the borrower's first statement. */
function prepareSession(raw: RawConnection, lockWaitSeconds: number): void {
  const orDestroy = (error: Error | null): void => {
    if (error) raw.destroy()
  }
  raw.query(
    `SET time_zone = '+00:00', wait_timeout = ${IDLE_TIMEOUT_SECONDS}, sql_mode = '${SQL_MODE}', innodb_lock_wait_timeout = ${lockWaitSeconds}`,
    orDestroy,
  )
  raw.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED', orDestroy)
}

/** Creates the database of a private server; on a real one a person has done it, with the rights of a person. */
export async function createDatabaseIfMissing({ database, ...server }: DatabaseAddress): Promise<void> {
  const connection = await createConnection(server)
  try {
    await connection.query('CREATE DATABASE IF NOT EXISTS ?? CHARACTER SET utf8mb4 COLLATE utf8mb4_bin', [
      database,
    ])
  } finally {
    await connection.end()
  }
}
