import { mkdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import type { ServerBinary } from './binaries.ts'
import {
  type ServerOrder,
  type ServerProcess,
  startServer,
  waitUntilAnswering,
  withFreePort,
} from './server-process.ts'

/** A running private Redis. */
export interface RedisServer {
  readonly port: number
  readonly process: ServerProcess
}

/** Loading a large append-only file takes a while; a healthy start takes 50 ms. */
const START_TIMEOUT_MS = 30_000
const PING_TIMEOUT_MS = 1_000

/**
 * Starts Redis on this port, or on a free one, with what `<dataDir>/redis` holds; resolves when it answers. `settings`: further
 * lines of its configuration.
 */
export async function startRedis(
  binary: ServerBinary,
  dataDir: string,
  password: string,
  port?: number,
  settings: readonly string[] = [],
): Promise<RedisServer> {
  const start = (at: number) => startOn(binary, dataDir, password, at, settings)
  return port === undefined ? withFreePort(start) : start(port)
}

async function startOn(
  binary: ServerBinary,
  dataDir: string,
  password: string,
  port: number,
  settings: readonly string[],
): Promise<RedisServer> {
  const workingDir = join(dataDir, 'redis')
  mkdirSync(workingDir, { recursive: true, mode: 0o700 })
  const configFile = join(workingDir, 'redis.conf')
  // The password is in a file of our own and never on a command line, which every user could read.
  writeFileSync(configFile, [configText(workingDir, password, port), ...settings, ''].join('\n'), {
    mode: 0o600,
  })
  const order: ServerOrder = {
    name: 'Redis',
    binary,
    args: [configFile],
    workingDir,
    deathSignal: 'TERM',
    logFile: join(dataDir, 'redis.log'),
  }
  const server = startServer(order)
  await waitUntilAnswering(server, order, () => answersPing(port, password), START_TIMEOUT_MS)
  return { port, process: server }
}

/** The append-only file carries what must survive a restart; nothing is ever evicted, since BullMQ's locks live here. */
function configText(dir: string, password: string, port: number): string {
  return `${[
    'bind 127.0.0.1',
    `port ${port}`,
    `requirepass ${password}`,
    `dir ${JSON.stringify(dir)}`,
    'daemonize no',
    'save ""',
    'appendonly yes',
    'appendfsync everysec',
    'maxmemory-policy noeviction',
    'tcp-keepalive 60',
  ].join('\n')}\n`
}

/** Logs in and pings in Redis' inline form; false while it loads, refuses or is not there yet. */
function answersPing(port: number, password: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    let reply = ''
    const finish = (answered: boolean) => {
      socket.destroy()
      resolve(answered)
    }
    socket.setTimeout(PING_TIMEOUT_MS, () => finish(false))
    socket.once('connect', () => socket.write(`AUTH ${password}\r\nPING\r\n`))
    socket.on('data', (chunk: Buffer) => {
      reply += chunk
      if (reply.split('\r\n').length > 2) finish(reply === '+OK\r\n+PONG\r\n')
    })
    socket.once('error', () => finish(false))
    socket.once('close', () => finish(false))
  })
}
