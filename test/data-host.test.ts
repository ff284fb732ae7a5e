import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { Redis } from 'ioredis'
import { createConnection, type RowDataPacket } from 'mysql2/promise'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type DataHost, openDataHost } from '../db/embedded/data-host.ts'
import { tryLockFolder } from '../db/embedded/lock.ts'
import { isSameProcess, type ProcessMark, processMark } from '../db/embedded/processes.ts'
import {
  endOpener,
  killOpeners,
  type OpenedHost,
  spawnOpener,
  startOpener,
} from './support/data-host-opener.ts'

const ENGINE = process.env.ONCELINE_TEST_ENGINE === 'mysql' ? 'mysql' : 'mariadb'
const DATA = resolve(import.meta.dirname, '../.data')
/** A first start of MySQL takes 5 s on a quiet machine, and several stand in one test. */
const TIMEOUT_MS = 120_000
mkdirSync(DATA, { recursive: true, mode: 0o700 })
const base = mkdtempSync(join(DATA, 'data-host-test-'))
const hosts = new Set<DataHost>()

afterEach(async () => {
  killOpeners()
  for (const host of hosts) await host.stop()
  hosts.clear()
}, TIMEOUT_MS)

// A killed opener's servers may still be closing their files.
afterAll(() => rmSync(base, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }))

describe('a data folder whose servers have run before', { timeout: TIMEOUT_MS }, () => {
  const dataDir = join(base, 'used')

  beforeAll(async () => {
    await (await open(dataDir)).stop()
  }, TIMEOUT_MS)

  it('answers with durable settings and stops without a trace', async () => {
    const host = await open(dataDir)
    expect(host).toMatchObject({ owned: true, engine: ENGINE })
    expect(await variables(host)).toEqual({
      flush: 1,
      binlog: 0,
      charset: 'utf8mb4',
      zone: '+00:00',
      strict: 1,
      packet: 64 * 1024 * 1024,
    })
    expect(await redisSettings(host)).toEqual(['noeviction', 'yes', 'everysec', ''])
    const marks = marksOf(host)
    await host.stop()
    expect(marks.map(isSameProcess)).toEqual([false, false])
    expect(readdirSync(dataDir)).not.toContain('host.json')
  })

  it('keeps every password from other users: files of mode 0600, nothing on a command line', async () => {
    const host = await open(dataDir)
    const secrets = ['host.json', 'passwords/redis', `passwords/${ENGINE}`, 'redis/redis.conf']
    expect(secrets.map((name) => statSync(join(dataDir, name)).mode & 0o777)).toEqual(
      secrets.map(() => 0o600),
    )
    const commandLines = [host.mysqlPid, host.redisPid].map((pid) =>
      readFileSync(`/proc/${pid}/cmdline`, 'utf8'),
    )
    expect(commandLines.join()).not.toContain(host.mysql.password)
    expect(commandLines.join()).not.toContain(host.redis.password)
    await expect(createConnection({ ...host.mysql, password: '' })).rejects.toThrow(/denied/i)
  })

  it('is shared by a second process, whose end leaves the servers alone', async () => {
    const host = await open(dataDir)
    const other = await spawnOpener(dataDir, ENGINE)
    expect(other.host).toMatchObject({
      owned: false,
      mysql: host.mysql,
      redis: host.redis,
      redisPid: host.redisPid,
    })
    await endOpener(other.child)
    expect(await run(host, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
    expect(await redisDo(host, (redis) => redis.ping())).toBe('PONG')
  })

  it('refuses to share servers of another engine', async () => {
    await open(dataDir)
    const other = ENGINE === 'mysql' ? 'mariadb' : 'mysql'
    await expect(openDataHost({ dataDir, engine: other })).rejects.toThrow(/another DATA_DIR/)
  })

  it('has one owner when four processes open it at once', async () => {
    const openers = await Promise.all([1, 2, 3, 4].map(() => spawnOpener(dataDir, ENGINE)))
    expect(openers.filter((opener) => opener.host.owned)).toHaveLength(1)
    expect(new Set(openers.map((opener) => opener.host.mysql.port)).size).toBe(1)
    for (const opener of openers.toSorted((a, b) => Number(a.host.owned) - Number(b.host.owned))) {
      await endOpener(opener.child)
    }
  })

  it('outlives a kill -9 of its owner: the old servers are gone, what was committed is there', async () => {
    const owner = await spawnOpener(dataDir, ENGINE)
    await run(owner.host, 'CREATE DATABASE IF NOT EXISTS kept')
    await run(owner.host, 'CREATE TABLE IF NOT EXISTS kept.rows_ (id INT PRIMARY KEY)')
    await run(owner.host, 'REPLACE INTO kept.rows_ VALUES (7)')
    await redisDo(owner.host, (redis) => redis.set('kept', '7'))
    const marks = marksOf(owner.host)
    expect(marks.map(isSameProcess)).toEqual([true, true])
    owner.child.kill('SIGKILL')
    await once(owner.child, 'exit')
    const host = await open(dataDir)
    expect(marks.map(isSameProcess)).toEqual([false, false])
    expect(host.owned).toBe(true)
    expect(await run(host, 'SELECT id FROM kept.rows_')).toEqual([{ id: 7 }])
    expect(await redisDo(host, (redis) => redis.get('kept'))).toBe('7')
  })

  it('ends a server that nobody else would end, and nothing but servers of this very folder', async () => {
    const nested = join(dataDir, 'nested/redis')
    mkdirSync(nested, { recursive: true })
    const start = (cwd: string, argv0: string) => spawn('sleep', ['1000'], { cwd, argv0, stdio: 'ignore' })
    const orphan = start(join(dataDir, 'redis'), 'redis-server')
    const strangers = [start(join(dataDir, 'redis'), 'vi'), start(nested, 'redis-server')]
    const ended = once(orphan, 'exit')
    try {
      await open(dataDir)
      expect(await ended).toEqual([null, 'SIGTERM'])
      expect(strangers.map((stranger) => stranger.exitCode ?? stranger.signalCode)).toEqual([null, null])
    } finally {
      for (const child of [orphan, ...strangers]) child.kill('SIGKILL')
    }
  })

  it.each([
    ['nobody', { pid: 2 ** 22 + 1, started: '1' }],
    ['a process that has been given the same pid', { pid: process.pid, started: '1' }],
  ])('is not fooled by a host.json that names %s', async (_whom, owner) => {
    const mysql = { port: 1, user: 'root', password: 'stale', pid: 1 }
    const stale = {
      owner,
      startedAt: '',
      engine: ENGINE,
      mysql,
      redis: { port: 1, password: 'stale', pid: 1 },
    }
    writeFileSync(join(dataDir, 'host.json'), JSON.stringify(stale))
    const successor = await tryLockFolder(dataDir, 'host')
    const opening = open(dataDir)
    expect(await Promise.race([opening, sleep(200, 'waiting for the successor')])).toBe(
      'waiting for the successor',
    )
    await successor?.release()
    const host = await opening
    expect(host.owned).toBe(true)
    expect(host.mysql.port).not.toBe(1)
  })

  it('restarts a killed Redis on the same port with what it held, and tells the others', async () => {
    const host = await open(dataDir)
    await redisDo(host, (redis) => redis.set('counter', '41'))
    const { port } = host.redis
    const before = processMark(host.redisPid)
    process.kill(host.redisPid, 'SIGKILL')
    await host.restartRedis()
    expect(isSameProcess(before)).toBe(false)
    expect(host.redis.port).toBe(port)
    expect(await redisDo(host, (redis) => redis.incr('counter'))).toBe(42)
    expect((await spawnOpener(dataDir, ENGINE)).host.redisPid).toBe(host.redisPid)
    await host.restartRedis()
    expect(await redisDo(host, (redis) => redis.get('counter'))).toBe('42')
  })

  it('says so when the password file does not fit the data files', async () => {
    const path = join(dataDir, 'passwords', ENGINE)
    const password = readFileSync(path)
    writeFileSync(path, 'another\n')
    await expect(open(dataDir)).rejects.toThrow(/do not belong together/)
    writeFileSync(path, password)
    await expect(open(dataDir)).resolves.toMatchObject({ owned: true })
  })
})

describe('a new data folder', { timeout: 3 * TIMEOUT_MS }, () => {
  it('survives seven kill -9 at random moments of its first start', async () => {
    const seed = Number(process.env.FC_SEED ?? Date.now() % 2 ** 31)
    const longest = ENGINE === 'mysql' ? 6_000 : 1_200
    const delays = fc.sample(fc.integer({ min: 0, max: longest }), { seed, numRuns: 7 })
    const dataDir = join(base, 'killed')
    for (const delay of delays) {
      const { child } = startOpener(dataDir, ENGINE)
      await sleep(delay)
      child.kill('SIGKILL')
      await once(child, 'close')
    }
    await open(dataDir).catch((error: unknown) => {
      throw new Error(`FC_SEED=${seed}: the start after kills at ${delays.join(', ')} ms failed`, {
        cause: error,
      })
    })
  })
})

async function open(dataDir: string): Promise<DataHost> {
  const host = await openDataHost({ dataDir, engine: ENGINE, bufferPoolMb: 32 })
  hosts.add(host)
  return host
}

function marksOf(host: OpenedHost): ProcessMark[] {
  return [processMark(host.mysqlPid), processMark(host.redisPid)]
}

async function run(host: OpenedHost, sql: string): Promise<RowDataPacket[]> {
  const connection = await createConnection({ ...host.mysql })
  try {
    const [rows] = await connection.query<RowDataPacket[]>(sql)
    return rows
  } finally {
    await connection.end()
  }
}

async function variables(host: OpenedHost): Promise<Record<string, unknown>> {
  const [row] = await run(
    host,
    `SELECT @@innodb_flush_log_at_trx_commit AS flush, @@log_bin AS binlog, @@character_set_server AS charset,
            @@time_zone AS zone, @@sql_mode LIKE '%STRICT_TRANS_TABLES%' AS strict, @@max_allowed_packet AS packet`,
  )
  return { ...row }
}

async function redisDo<T>(host: OpenedHost, action: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis({ ...host.redis, retryStrategy: () => null })
  try {
    return await action(redis)
  } finally {
    redis.disconnect()
  }
}

async function redisSettings(host: OpenedHost): Promise<string[]> {
  const names = ['maxmemory-policy', 'appendonly', 'appendfsync', 'save']
  const answers = await redisDo(host, (redis) => Promise.all(names.map((name) => redis.config('GET', name))))
  return answers.map((answer) => String((answer as string[])[1]))
}
