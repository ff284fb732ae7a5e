import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { findRedisBinary } from '../../db/embedded/binaries.ts'
import { signalQuietly } from '../../db/embedded/processes.ts'
import { startRedis } from '../../db/embedded/redis-server.ts'
import type { RedisAddress } from '../../db/redis.ts'

const DATA = resolve(import.meta.dirname, '../../.data')

/** A Redis that one test has for itself, since it freezes and kills it. */
export interface OwnRedis {
  readonly address: RedisAddress
  freeze(): void
  thaw(): void
  /** Resolves when it is gone. */
  kill(): Promise<void>
  /** Starts the killed server again, on the same port. */
  revive(): Promise<void>
  /** Stops it, whatever state it is in, and removes its folder. */
  remove(): Promise<void>
}

export async function openOwnRedis(name: string): Promise<OwnRedis> {
  mkdirSync(DATA, { recursive: true })
  const dataDir = mkdtempSync(join(DATA, `${name}-`))
  const binary = findRedisBinary(dataDir)
  if (binary === undefined) throw new Error('there is no Redis here')
  const password = randomBytes(12).toString('hex')
  let server = await startRedis(binary, dataDir, password)
  const { port } = server
  return {
    address: { host: '127.0.0.1', port, password },
    freeze: () => signalQuietly(server.process.pid, 'SIGSTOP'),
    thaw: () => signalQuietly(server.process.pid, 'SIGCONT'),
    kill: () => server.process.end('SIGKILL'),
    revive: async () => {
      server = await startRedis(binary, dataDir, password, port)
    },
    remove: async () => {
      await server.process.end('SIGKILL')
      rmSync(dataDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
    },
  }
}
