import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { DataHost } from '../db/embedded/data-host.ts'
import { registerPayments, verifyCaptures } from './backlog.ts'
import { type Child, startChild } from './child.ts'
import { watchCpu } from './cpu.ts'
import { type BenchDatabase, countRows, emptyRedis, oldestIdOf, withDatabase } from './data.ts'
import type { ServerOrder, Variant } from './ingest-server.ts'
import type { LoadReport, RunOrder } from './load.ts'
import type { LoadOrder } from './load-client.ts'
import { WrongResult } from './report.ts'

/** What is sent, and how. */
export interface LoadShape {
  readonly gateway: string
  readonly secret: string
  readonly connections: number
  readonly bodyBytes: number
  readonly seconds: number
  /** null: as fast as the answers come. */
  readonly ratePerSecond: number | null
}

export type Figures = Record<
  | 'requestsPerSecond'
  | 'p50Ms'
  | 'p99Ms'
  | 'maxMs'
  | 'serverMicros'
  | 'databaseMicros'
  | 'redisMicros'
  | 'clientMicros',
  number
>

/** At full speed, until the server's code is compiled; not measured. */
export const WARM_UP_SECONDS = 2
/** More than any variant that stores could take on this kind of machine; the run says when they were not enough. */
const PREPARED_PER_SECOND = 30_000
/** With workers on, each needs a registered payment too, and the workers take their share of the processor. */
const PREPARED_PER_SECOND_WORKING = 15_000
/** Servers that store nothing may be sent the same requests again. */
const PREPARED_FOR_REPEATING = 20_000
/** One variant in fresh processes and, where it stores, a fresh database; what it acknowledged is counted afterwards. */
export function runVariant(host: DataHost, variant: Variant, shape: LoadShape): Promise<Figures> {
  return withDatabase(host, async (database) => {
    await emptyRedis(host)
    return runAgainst(host, database, variant, shape)
  })
}

/** The same against a database of the caller's. */
export function runAgainst(
  host: DataHost,
  database: BenchDatabase,
  variant: Variant,
  shape: LoadShape,
): Promise<Figures> {
  return withLoad(host, database, variant, shape, shape.seconds, (send) => send(shape.seconds))
}

/** Sends for so many seconds, and says what that cost. */
export type Send = (seconds: number) => Promise<Figures>

/**
 * Starts a server and a client that can send for `seconds` in all, warms them up, lends the sending to `work`, and
 * afterwards checks that every answer was right and that all that was acknowledged is stored.
 */
export async function withLoad<T>(
  host: DataHost,
  { address, pool }: BenchDatabase,
  variant: Variant,
  shape: LoadShape,
  seconds: number,
  work: (send: Send) => Promise<T>,
): Promise<T> {
  const firstId = oldestIdOf(Date.now())
  const server = startChild('./ingest-server.ts')
  const client = startChild('./load-client.ts')
  try {
    const { gateway, secret, connections, bodyBytes, ratePerSecond } = shape
    const order: ServerOrder = { variant, database: address, redis: host.redis, gateway, secret }
    const port = await server.ask<number>('start', order)
    const repeat = variant === 'bare' || variant === 'verify'
    const most = variant === 'working' ? PREPARED_PER_SECOND_WORKING : PREPARED_PER_SECOND
    const perSecond = ratePerSecond === null ? most : ratePerSecond * 1.1
    const prepare = repeat ? PREPARED_FOR_REPEATING : Math.ceil(most * WARM_UP_SECONDS + perSecond * seconds)
    const tag = randomBytes(4).toString('hex')
    if (variant === 'working') await registerPayments(pool, gateway, tag, prepare)
    const load: LoadOrder = { port, connections, gateway, secret, bodyBytes, prepare, tag, repeat }
    await client.ask('prepare', load)
    const reports = [await client.ask<LoadReport>('run', { seconds: WARM_UP_SECONDS, ratePerSecond: null })]
    const result = await work(async (lasting) => {
      const { report, figures } = await measured(host, server, client, { seconds: lasting, ratePerSecond })
      reports.push(report)
      return figures
    })
    assertSound(variant, reports)
    const acknowledged = reports.reduce((sum, { requests }) => sum + requests, 0)
    if (!repeat) await assertStored(pool, firstId, acknowledged)
    if (variant === 'working') await assertProcessed(pool, acknowledged)
    return result
  } finally {
    await Promise.all([server.end(), client.end()])
  }
}

async function measured(host: DataHost, server: Child, client: Child, order: RunOrder) {
  const cpu = watchCpu({
    server: server.pid,
    database: host.mysqlPid,
    redis: host.redisPid,
    client: client.pid,
  })
  const report = await client.ask<LoadReport>('run', order)
  const used = cpu()
  const { requests, requestsPerSecond, p50Ms, p99Ms, maxMs } = report
  const figures: Figures = {
    requestsPerSecond,
    p50Ms,
    p99Ms,
    maxMs,
    serverMicros: used.server / requests,
    databaseMicros: used.database / requests,
    redisMicros: used.redis / requests,
    clientMicros: used.client / requests,
  }
  return { report, figures }
}

function assertSound(variant: Variant, reports: readonly LoadReport[]): void {
  for (const { errors, requests, ranOut } of reports) {
    if (errors > 0)
      throw new WrongResult(`${variant}: ${errors} of ${requests} requests were not acknowledged`)
    if (ranOut)
      throw new WrongResult(`${variant}: the prepared requests were used up before the time was over`)
  }
}

async function assertStored(
  pool: BenchDatabase['pool'],
  firstId: string,
  acknowledged: number,
): Promise<void> {
  const stored = await countRows(pool, `webhook_events WHERE id >= UNHEX('${firstId}')`)
  if (stored !== acknowledged)
    throw new WrongResult(`${acknowledged} events were acknowledged and ${stored} stored`)
}

const DRAIN_TIMEOUT_MS = 120_000

/** The workers may still be behind when the senders stop; in the end every event must have captured its payment. */
async function assertProcessed(pool: BenchDatabase['pool'], acknowledged: number): Promise<void> {
  const endMs = performance.now() + DRAIN_TIMEOUT_MS
  while ((await countRows(pool, `webhook_events WHERE state = 'received'`)) > 0) {
    if (performance.now() > endMs) throw new WrongResult('the workers did not finish')
    await pause(200)
  }
  await verifyCaptures(pool, acknowledged)
}
