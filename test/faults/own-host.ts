import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { createConnection } from 'mysql2/promise'
import { openDataHost } from '../../db/embedded/data-host.ts'
import { diesWithUs, signalQuietly } from '../../db/embedded/processes.ts'
import { migrate } from '../../db/migrate.ts'
import { type DatabaseAddress, openPool, type Pool } from '../../db/pools.ts'
import type { RedisAddress } from '../../db/redis.ts'

/** A data host that one fault test has for itself, since it freezes and kills the servers. */
export interface OwnHost {
  readonly database: DatabaseAddress
  readonly redis: RedisAddress
  readonly pool: Pool
  freezeMysql(): void
  thawMysql(): void
  killMysql(): Promise<void>
  /** Starts the killed server as it was, on the same port and files. */
  reviveMysql(): Promise<void>
  freezeRedis(): void
  thawRedis(): void
  killRedis(): void
  reviveRedis(): Promise<void>
  /** Stops both servers, whatever state they are in, and removes the folder. */
  remove(): Promise<void>
}

const DATA = resolve(import.meta.dirname, '../../.data')
const ENGINE = process.env.ONCELINE_TEST_ENGINE === 'mysql' ? 'mysql' : 'mariadb'
const REVIVAL_TIMEOUT_MS = 30_000
const POLL_MS = 20

/** Opens a data host in a new folder, with one migrated database. */
export async function openOwnHost(name: string): Promise<OwnHost> {
  mkdirSync(DATA, { recursive: true })
  const dataDir = mkdtempSync(join(DATA, `${name}-`))
  const host = await openDataHost({ dataDir, engine: ENGINE, bufferPoolMb: 64 })
  const database = { ...host.mysql, database: 'onceline' }
  const connection = await createConnection(host.mysql)
  await connection.query('CREATE DATABASE onceline CHARACTER SET utf8mb4 COLLATE utf8mb4_bin')
  await connection.end()
  await migrate(database)
  const pool = openPool(database, { connectionLimit: 4, lockWaitSeconds: 5 })
  const mysql = new Mortal(host.mysqlPid)
  return {
    database,
    redis: host.redis,
    pool,
    freezeMysql: () => mysql.signal('SIGSTOP'),
    thawMysql: () => mysql.signal('SIGCONT'),
    killMysql: () => mysql.kill(),
    reviveMysql: () => mysql.revive(() => answers(host.mysql)),
    freezeRedis: () => signalQuietly(host.redisPid, 'SIGSTOP'),
    thawRedis: () => signalQuietly(host.redisPid, 'SIGCONT'),
    killRedis: () => signalQuietly(host.redisPid, 'SIGKILL'),
    reviveRedis: () => host.restartRedis(),
    remove: async () => {
      mysql.signal('SIGCONT')
      signalQuietly(host.redisPid, 'SIGCONT')
      await pool.end().catch(() => undefined)
      await mysql.kill()
      await host.stop()
      rmSync(dataDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
    },
  }
}

/** A server process that is killed and started again with the same command line, environment and folder. */
class Mortal {
  readonly #command: [string, ...string[]]
  readonly #environment: Record<string, string>
  readonly #folder: string
  #pid: number
  #successor: ChildProcess | null = null

  constructor(pid: number) {
    const [program = '', ...args] = words(`/proc/${pid}/cmdline`)
    this.#command = diesWithUs([program, ...args], 'KILL')
    this.#environment = Object.fromEntries(
      words(`/proc/${pid}/environ`).map((pair) => [
        pair.slice(0, pair.indexOf('=')),
        pair.slice(pair.indexOf('=') + 1),
      ]),
    )
    this.#folder = readlinkSync(`/proc/${pid}/cwd`)
    this.#pid = pid
  }

  signal(signal: NodeJS.Signals): void {
    signalQuietly(this.#pid, signal)
  }

  async kill(): Promise<void> {
    const child = this.#successor
    const ended = child === null || child.exitCode !== null || child.signalCode !== null
    const exit = child === null || ended ? Promise.resolve() : once(child, 'exit')
    this.signal('SIGKILL')
    await exit
  }

  async revive(isAnswering: () => Promise<boolean>): Promise<void> {
    const [program, ...args] = this.#command
    this.#successor = spawn(program, args, {
      cwd: this.#folder,
      env: this.#environment,
      detached: true,
      stdio: 'ignore',
    })
    this.#pid = this.#successor.pid ?? 0
    const endMs = performance.now() + REVIVAL_TIMEOUT_MS
    while (!(await isAnswering())) {
      if (performance.now() > endMs) throw new Error('the database did not come back')
      await pause(POLL_MS)
    }
  }
}

/** A file of /proc whose words end with a zero byte. */
function words(path: string): string[] {
  return readFileSync(path, 'utf8').split('\0').slice(0, -1)
}

async function answers(server: {
  host: string
  port: number
  user: string
  password: string
}): Promise<boolean> {
  try {
    const connection = await createConnection({ ...server, connectTimeout: 1_000 })
    await connection.end()
    return true
  } catch {
    return false
  }
}
