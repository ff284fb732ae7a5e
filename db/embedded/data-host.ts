import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type DatabaseBinary,
  type Engine,
  findDatabaseBinary,
  findRedisBinary,
  type ServerBinary,
} from './binaries.ts'
import { type HostFile, passwordOf, readHostFile, removeHostFile, writeHostFile } from './host-file.ts'
import { type FolderLock, tryLockFolder } from './lock.ts'
import { type MysqlServer, startMysql } from './mysql-server.ts'
import { endOrphans, isSameProcess, processMark, signalQuietly } from './processes.ts'
import { type RedisServer, startRedis } from './redis-server.ts'
import type { ServerProcess } from './server-process.ts'

/** A private MySQL-compatible server and a private Redis, on loopback ports that no other program may log in to. */
export interface DataHost {
  readonly mysql: {
    readonly host: string
    readonly port: number
    readonly user: string
    readonly password: string
  }
  readonly redis: { readonly host: string; readonly port: number; readonly password: string }
  /** Whether this process started the servers; the others only use them. */
  readonly owned: boolean
  readonly engine: Engine
  /** For fault tests and the demo. */
  readonly mysqlPid: number
  readonly redisPid: number
  /** The owner's: ends both servers (ten seconds, then by force). Does nothing for the others. */
  stop(): Promise<void>
  /** The owner's: kills Redis with SIGKILL if it lives and starts it on the same port with the same append-only file. */
  restartRedis(): Promise<void>
}

export interface DataHostOptions {
  /** Where everything is kept; two processes with the same folder share the same servers. */
  readonly dataDir: string
  readonly engine?: Engine | 'auto'
  /** InnoDB's cache, in MiB. */
  readonly bufferPoolMb?: number
  readonly log?: (line: string) => void
}

/** The servers cannot be had; the message says what to do. */
export class DataHostError extends Error {
  override readonly name = 'DataHostError'
}

/** The database of the service: a private server is Onceline's alone, so the name needs no choice. */
export const EMBEDDED_DATABASE = 'onceline'

const LOOPBACK = '127.0.0.1'
const DEFAULT_BUFFER_POOL_MB = 256
/** Longer than a first start of MySQL on a slow disk takes. */
const SHARE_TIMEOUT_MS = 120_000
const POLL_MS = 25

/**
 * Opens the data host of a folder. The first process to open it starts the servers and owns them; the others wait until
 * they answer and share them. Whatever a killed owner left is cleaned up first. Throws DataHostError or ServerStartError.
 */
export async function openDataHost(options: DataHostOptions): Promise<DataHost> {
  const dataDir = resolve(options.dataDir)
  const log = options.log ?? (() => {})
  const deadline = Date.now() + SHARE_TIMEOUT_MS
  while (Date.now() < deadline) {
    const lock = await tryLockFolder(dataDir, 'host')
    if (lock !== undefined) return await start({ ...options, dataDir, log }, lock)
    const file = readHostFile(dataDir)
    // The file of an owner that was killed must not be mistaken for the one its successor is about to write.
    if (file !== undefined && isSameProcess(file.owner)) return share(file, options.engine ?? 'auto')
    await sleep(POLL_MS)
  }
  throw new DataHostError(
    `another process holds ${dataDir} and has not started its servers in ${SHARE_TIMEOUT_MS} ms`,
  )
}

type StartOptions = DataHostOptions & { readonly log: (line: string) => void }

async function start(options: StartOptions, lock: FolderLock): Promise<DataHost> {
  const { dataDir, log } = options
  const started: ServerProcess[] = []
  try {
    removeHostFile(dataDir)
    await endOrphans(dataDir, log)
    const binaries = binariesFor(options)
    const passwords = {
      mysql: passwordOf(dataDir, binaries.database.engine),
      redis: passwordOf(dataDir, 'redis'),
    }
    const bufferPoolMb = options.bufferPoolMb ?? DEFAULT_BUFFER_POOL_MB
    const mysql = await startMysql(binaries.database, dataDir, passwords.mysql, bufferPoolMb)
    started.push(mysql.process)
    // Redis comes second: two of them would run on one folder, but a second database server gives up, lock or no lock.
    const redis = await startRedis(binaries.redis, dataDir, passwords.redis)
    started.push(redis.process)
    const host = new OwnedHost(options, binaries, passwords, { mysql, redis }, lock)
    log(
      `${host.engine} on ${LOOPBACK}:${mysql.port} and Redis on ${LOOPBACK}:${redis.port}, data in ${dataDir}`,
    )
    return host
  } catch (error) {
    await Promise.all(started.map((server) => server.end('SIGTERM')))
    await lock.release()
    throw error
  }
}

interface Binaries {
  readonly database: DatabaseBinary
  readonly redis: ServerBinary
}

function binariesFor(options: DataHostOptions): Binaries {
  const engine = options.engine ?? 'auto'
  const database = findDatabaseBinary(options.dataDir, engine)
  const redis = findRedisBinary(options.dataDir)
  if (database !== undefined && redis !== undefined) return { database, redis }
  const missing = [
    ...(database === undefined ? [engine === 'mysql' ? 'a MySQL server' : 'a MariaDB or MySQL server'] : []),
    ...(redis === undefined ? ['a Redis server'] : []),
  ]
  const how = `node db/embedded/install.ts${engine === 'mysql' ? ' --engine mysql' : ''}`
  throw new DataHostError(
    `${missing.join(' and ')} is missing: run \`${how}\`, or set DB_HOST and REDIS_HOST`,
  )
}

function share(file: HostFile, engine: Engine | 'auto'): DataHost {
  if (engine !== 'auto' && engine !== file.engine) {
    throw new DataHostError(
      `this data folder is in use with ${file.engine}, so ${engine} needs another DATA_DIR`,
    )
  }
  const { mysql, redis } = file
  return {
    mysql: { host: LOOPBACK, port: mysql.port, user: mysql.user, password: mysql.password },
    redis: { host: LOOPBACK, port: redis.port, password: redis.password },
    owned: false,
    engine: file.engine,
    mysqlPid: mysql.pid,
    redisPid: redis.pid,
    stop: async () => {},
    restartRedis: async () => {
      throw new DataHostError('only the process that started Redis may restart it')
    },
  }
}

/** The owner's side: the two children, the lock and the file that tells the others. */
class OwnedHost implements DataHost {
  readonly owned = true
  readonly engine: Engine
  readonly mysql: DataHost['mysql']
  readonly redis: DataHost['redis']
  readonly mysqlPid: number
  readonly #options: StartOptions
  readonly #redisBinary: ServerBinary
  readonly #mysqlServer: MysqlServer
  readonly #lock: FolderLock
  readonly #expectedEnds = new WeakSet<ServerProcess>()
  #redisServer: RedisServer
  #stopped: Promise<void> | undefined
  /** Where the kernel cannot be asked to end the servers with us, an orderly exit still can. */
  readonly #endWithUs = () => {
    for (const pid of [this.mysqlPid, this.redisPid]) signalQuietly(pid, 'SIGTERM')
  }

  constructor(
    options: StartOptions,
    binaries: Binaries,
    passwords: { mysql: string; redis: string },
    servers: { mysql: MysqlServer; redis: RedisServer },
    lock: FolderLock,
  ) {
    this.#options = options
    this.#redisBinary = binaries.redis
    this.#mysqlServer = servers.mysql
    this.#redisServer = servers.redis
    this.#lock = lock
    this.engine = binaries.database.engine
    this.mysql = { host: LOOPBACK, port: servers.mysql.port, user: 'root', password: passwords.mysql }
    this.redis = { host: LOOPBACK, port: servers.redis.port, password: passwords.redis }
    this.mysqlPid = servers.mysql.process.pid
    this.#tellOthers()
    process.once('exit', this.#endWithUs)
    this.#watch(this.engine, servers.mysql.process)
    this.#watch('Redis', servers.redis.process)
  }

  get redisPid(): number {
    return this.#redisServer.process.pid
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#end()
    return this.#stopped
  }

  async restartRedis(): Promise<void> {
    if (this.#stopped !== undefined) throw new DataHostError('the data host has been stopped')
    this.#expectedEnds.add(this.#redisServer.process)
    await this.#redisServer.process.end('SIGKILL')
    const { port, password } = this.redis
    this.#redisServer = await startRedis(this.#redisBinary, this.#options.dataDir, password, port)
    this.#watch('Redis', this.#redisServer.process)
    this.#tellOthers()
  }

  async #end(): Promise<void> {
    // The file goes first and the lock last, so that whoever opens the folder meanwhile waits and starts its own servers.
    removeHostFile(this.#options.dataDir)
    const servers = [this.#mysqlServer.process, this.#redisServer.process]
    for (const server of servers) this.#expectedEnds.add(server)
    await Promise.all(servers.map((server) => server.end('SIGTERM')))
    process.off('exit', this.#endWithUs)
    await this.#lock.release()
  }

  /** A server that ends on its own is told of, not started again: the service has to live without it, and shows it. */
  #watch(name: string, server: ServerProcess): void {
    void server.ended.then((how) => {
      if (!this.#expectedEnds.has(server))
        this.#options.log(`${name} ${how}, its log is in ${this.#options.dataDir}`)
    })
  }

  #tellOthers(): void {
    writeHostFile(this.#options.dataDir, {
      owner: processMark(process.pid),
      startedAt: new Date().toISOString(),
      engine: this.engine,
      mysql: {
        port: this.mysql.port,
        user: this.mysql.user,
        password: this.mysql.password,
        pid: this.mysqlPid,
      },
      redis: { port: this.redis.port, password: this.redis.password, pid: this.redisPid },
    })
  }
}
