import { randomBytes } from 'node:crypto'
import type { DataHost } from '../db/embedded/data-host.ts'
import { type Child, startChild } from './child.ts'
import { watchCpu } from './cpu.ts'
import { type BenchDatabase, countRows, oldestIdOf, withDatabase } from './data.ts'
import type { KeyedLoadOrder, KeyedVariant } from './keyed-client.ts'
import type { KeyedServerOrder } from './keyed-server.ts'
import type { LoadReport } from './load.ts'
import { WrongResult } from './report.ts'

export interface KeyedShape {
  readonly connections: number
  readonly seconds: number
}

export type KeyedFigures = Record<
  'requestsPerSecond' | 'p50Ms' | 'p99Ms' | 'serverMicros' | 'databaseMicros' | 'clientMicros',
  number
>

/** At full speed, until the server's code is compiled; not measured. */
const WARM_UP_SECONDS = 2
/** More than could be executed on this kind of machine; the run says when they were not enough. */
const PREPARED_PER_SECOND = 10_000
/** Keys that are replayed again and again: more than connections, so that no two requests of a key meet. */
const STANDING_KEYS = 5_000

/** One variant in fresh processes and a fresh database; what was executed is counted afterwards. */
export function runKeyed(host: DataHost, variant: KeyedVariant, shape: KeyedShape): Promise<KeyedFigures> {
  return withDatabase(host, (database) => runKeyedAgainst(host, database, variant, shape))
}

/** The same against a database of the caller's. */
export async function runKeyedAgainst(
  host: DataHost,
  { address, pool }: BenchDatabase,
  variant: KeyedVariant,
  { connections, seconds }: KeyedShape,
): Promise<KeyedFigures> {
  await pool.query('DROP TABLE IF EXISTS bench_effects')
  await pool.query(
    'CREATE TABLE bench_effects (id BINARY(16) NOT NULL PRIMARY KEY, content VARCHAR(500) NOT NULL) ENGINE=InnoDB',
  )
  const firstId = oldestIdOf(Date.now())
  const server = startChild('./keyed-server.ts')
  const client = startChild('./keyed-client.ts')
  try {
    const serverOrder: KeyedServerOrder = { database: address }
    const port = await server.ask<number>('start', serverOrder)
    const isFresh = variant === 'firstUse'
    const prepare = isFresh ? Math.ceil(PREPARED_PER_SECOND * (WARM_UP_SECONDS + seconds)) : STANDING_KEYS
    const load: KeyedLoadOrder = { port, connections, variant, prepare, tag: randomBytes(4).toString('hex') }
    const seeded = await client.ask<number>('prepare', load)
    const warmUp = await client.ask<LoadReport>('run', { seconds: WARM_UP_SECONDS, ratePerSecond: null })
    const { report, figures } = await measured(host, server, client, seconds)
    assertSound(variant, [warmUp, report])
    const answered = warmUp.requests + report.requests
    await assertWritten(pool, variant, firstId, variant === 'replay' ? seeded : answered)
    return figures
  } finally {
    await Promise.all([server.end(), client.end()])
  }
}

async function measured(host: DataHost, server: Child, client: Child, seconds: number) {
  const cpu = watchCpu({ server: server.pid, database: host.mysqlPid, client: client.pid })
  const report = await client.ask<LoadReport>('run', { seconds, ratePerSecond: null })
  const used = cpu()
  const { requests, requestsPerSecond, p50Ms, p99Ms } = report
  const figures: KeyedFigures = {
    requestsPerSecond,
    p50Ms,
    p99Ms,
    serverMicros: used.server / requests,
    databaseMicros: used.database / requests,
    clientMicros: used.client / requests,
  }
  return { report, figures }
}

function assertSound(variant: KeyedVariant, reports: readonly LoadReport[]): void {
  for (const { errors, requests, ranOut } of reports) {
    if (errors > 0)
      throw new WrongResult(`${variant}: ${errors} of ${requests} answers were not the right one`)
    if (ranOut)
      throw new WrongResult(`${variant}: the prepared requests were used up before the time was over`)
  }
}

/** One effect for each execution and, where there were keys, one key with its answer. */
async function assertWritten(
  pool: BenchDatabase['pool'],
  variant: KeyedVariant,
  firstId: string,
  executed: number,
): Promise<void> {
  const effects = await countRows(pool, 'bench_effects')
  const finished = await countRows(
    pool,
    `idempotency_keys AS k JOIN bench_effects AS e ON e.id = k.id JOIN idempotency_answers AS a ON a.id = k.id
     WHERE k.id >= UNHEX('${firstId}') AND k.state = 'done' AND a.status = 201`,
  )
  const all = await countRows(pool, `idempotency_keys WHERE id >= UNHEX('${firstId}')`)
  const keys = variant === 'keyless' ? 0 : executed
  if (effects !== executed || finished !== keys || all !== keys)
    throw new WrongResult(
      `${variant}: ${executed} executions, ${effects} effects, ${finished} finished keys of ${all}`,
    )
}
