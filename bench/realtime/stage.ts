import type { DataHost } from '../../db/embedded/data-host.ts'
import { type Child, startChild } from '../child.ts'
import { watchCpu } from '../cpu.ts'
import { type BenchDatabase, emptyRedis, withDatabase } from '../data.ts'
import { WrongResult } from '../report.ts'
import { type Contender, dialectOf, type ServerOrder } from './contender.ts'
import type { DriveOrder, DriveReport } from './drive.ts'
import type { OpenOrder } from './sockets.ts'
import type { SocketsReport } from './sockets-client.ts'

/** The secret that every token of the benchmark is signed with. */
export const JWT_SECRET = 'the-secret-of-the-benchmarks-tokens-0123456789'

/** Servers under test, in processes of their own, and one client of all their sockets. */
export interface Stage {
  readonly database: BenchDatabase
  readonly contender: Contender
  readonly servers: readonly Child[]
  readonly ports: readonly number[]
  readonly client: Child
}

export interface StageShape {
  readonly contender: Contender
  readonly processes: number
  readonly isUnlimited?: boolean
  readonly webhookSecret?: string
}

/** Lends fresh processes of one contender, with a fresh database and an empty Redis; whatever happens, they end. */
export function withStage<T>(
  host: DataHost,
  shape: StageShape,
  work: (stage: Stage) => Promise<T>,
): Promise<T> {
  return withDatabase(host, async (database) => {
    await emptyRedis(host)
    const { contender, processes, isUnlimited = false, webhookSecret = null } = shape
    const client = startChild('./realtime/sockets-client.ts')
    const servers = Array.from({ length: processes }, () => startChild('./realtime/server.ts'))
    try {
      const order: ServerOrder = {
        contender,
        database: database.address,
        redis: host.redis,
        jwtSecret: JWT_SECRET,
        isUnlimited,
        webhookSecret,
      }
      const ports = await Promise.all(servers.map((server) => server.ask<number>('start', order)))
      return await work({ database, contender, servers, ports, client })
    } finally {
      await Promise.all([client, ...servers].map((child) => child.end()))
    }
  })
}

/** Handshakes at once while sockets are opened that are to stay. */
const OPENING_AT_ONCE = 50

/** Opens sockets, in turns on all of the stage's ports, or on others. */
export async function openSockets(
  stage: Stage,
  sockets: number,
  users: OpenOrder['users'],
  { ports = stage.ports, notesPayments = false, first = 0 }: Partial<OpenOrder> = {},
): Promise<void> {
  const order: OpenOrder = {
    ports,
    dialect: dialectOf(stage.contender),
    secret: JWT_SECRET,
    sockets,
    users,
    inFlight: OPENING_AT_ONCE,
    notesPayments,
    first,
  }
  await stage.client.ask('open', order)
}

export interface Driven extends DriveReport {
  readonly serverMicros: number
  /** The part of the server that was told to send. */
  readonly senderMicros: number
  readonly databaseMicros: number
  readonly redisMicros: number
  readonly clientMicros: number
}

/** Lets one of the servers send, and says what that cost all of them. Throws when anything was lost or came twice. */
export async function measureDrive(
  host: DataHost,
  stage: Stage,
  sender: number,
  order: Omit<DriveOrder, 'control'>,
): Promise<Driven> {
  const control = await stage.client.ask<number>('control', null)
  const before = await stage.client.ask<SocketsReport>('report', null)
  const cpu = watchServers(host, stage)
  const report = await serverOf(stage, sender).ask<DriveReport>('drive', { ...order, control })
  const used = cpu()
  const after = await stage.client.ask<SocketsReport>('report', null)
  const received = after.received - before.received
  if (received !== report.messages * order.audience)
    throw new WrongResult(`${stage.contender}: ${report.messages} messages sent, ${received} received`)
  if (Object.keys(after.closed).length > 0)
    throw new WrongResult(`${stage.contender}: sockets were closed: ${JSON.stringify(after.closed)}`)
  return { ...report, ...used, senderMicros: used.each[sender] ?? 0 }
}

/** Starts to watch all processes; the function it returns says what they have used since, the servers together and each. */
export function watchServers(host: DataHost, stage: Stage) {
  const servers = Object.fromEntries(stage.servers.map(({ pid }, index) => [`server${index}`, pid]))
  const others = { database: host.mysqlPid, redis: host.redisPid, client: stage.client.pid }
  const cpu = watchCpu<string>({ ...servers, ...others })
  return () => {
    const used = cpu()
    const each = stage.servers.map((_, index) => used[`server${index}`] ?? 0)
    return {
      each,
      serverMicros: each.reduce((sum, micros) => sum + micros, 0),
      databaseMicros: used.database ?? 0,
      redisMicros: used.redis ?? 0,
      clientMicros: used.client ?? 0,
    }
  }
}

function serverOf(stage: Stage, index: number): Child {
  const server = stage.servers[index]
  if (server === undefined) throw new Error(`there is no server ${index}`)
  return server
}
