import type { DataHost } from '../db/embedded/data-host.ts'
import { startChild } from './child.ts'
import { emptyRedis, withDatabase } from './data.ts'
import { type Figures, type LoadShape, WARM_UP_SECONDS, withLoad } from './ingest-run.ts'
import type { CommitOrder, CommitReport } from './single-commits.ts'
import type { Latencies } from './statistics.ts'

/** A shape that has a rate. */
export type SteadyShape = LoadShape & { readonly ratePerSecond: number }

/** What a service without group commit might give its requests; eight commits at once leave none of the 1,000 a second waiting. */
const COMMIT_CONNECTIONS = 8
/**
 * At the steady rate, not measured: after the warm-up at full speed the database still writes out what that left behind,
 * the compiler is at work, and the heap shrinks again.
 */
const LEAD_IN_SECONDS = 3

export interface SteadyTurns {
  readonly durable: readonly Figures[]
  readonly bareCommit: readonly Latencies[]
}

/**
 * The durable path over HTTP and bare single-row commits (single-commits.ts), both at the same rate, in turns of
 * `shape.seconds` in the same two pairs of processes: what disturbs the machine meets both alike, and all code is warm.
 */
export function runSteady(host: DataHost, shape: SteadyShape, turns: number): Promise<SteadyTurns> {
  return withDatabase(host, async (database) => {
    await emptyRedis(host)
    const seconds = LEAD_IN_SECONDS + turns * shape.seconds
    return withLoad(host, database, 'durable', shape, seconds, (send) =>
      withCommits(host, shape, async (commit) => {
        await send(LEAD_IN_SECONDS)
        await commit(LEAD_IN_SECONDS)
        const durable: Figures[] = []
        const bareCommit: Latencies[] = []
        for (let turn = 0; turn < turns; turn += 1) {
          durable.push(await send(shape.seconds))
          bareCommit.push(await commit(shape.seconds))
        }
        return { durable, bareCommit }
      }),
    )
  })
}

/** Lends a process, warmed up, that commits single rows at the shape's rate for so many seconds, without HTTP. */
function withCommits<T>(
  host: DataHost,
  { bodyBytes, ratePerSecond }: SteadyShape,
  work: (commit: (seconds: number) => Promise<Latencies>) => Promise<T>,
): Promise<T> {
  return withDatabase(host, async ({ address }) => {
    const child = startChild('./single-commits.ts')
    try {
      const order: CommitOrder = { database: address, connections: COMMIT_CONNECTIONS, rowBytes: bodyBytes }
      await child.ask('prepare', order)
      await child.ask<CommitReport>('run', { seconds: WARM_UP_SECONDS, ratePerSecond: null })
      return await work(async (seconds) => {
        const { p50Ms, p99Ms, maxMs } = await child.ask<CommitReport>('run', { seconds, ratePerSecond })
        return { p50Ms, p99Ms, maxMs }
      })
    } finally {
      await child.end()
    }
  })
}
