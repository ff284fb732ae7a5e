import { setTimeout as pause } from 'node:timers/promises'
import type { DataHost } from '../db/embedded/data-host.ts'
import { type Child, startChild } from './child.ts'
import { cpuMicrosOf } from './cpu.ts'
import { emptyRedis, withDatabase } from './data.ts'
import type { CityOrder } from './matching-offers-client.ts'
import { JWT_SECRET } from './realtime/stage.ts'
import { progress, WrongResult } from './report.ts'
import { median } from './statistics.ts'

export interface LocationsOptions {
  readonly rounds: number
  readonly seconds: number
  /** Each tells once a second where he is. */
  readonly drivers: number
}

export interface LocationsFigures {
  readonly drivers: number
  /** Of the server's processor time. */
  readonly perCpuSecond: number
  readonly barePerCpuSecond: number
  readonly locationsToBare: number
  /** Redis' processor time a position. */
  readonly redisMicros: number
}

type Contender = 'ours' | 'bare'

/** As often as counts. */
const EVERY_MS = 1_000

/**
 * Positions that drivers' sockets send, each once a second, and that end in the index in Redis, for each second of the server's processor
 * time; beside a server that receives the same with `ws` and JSON.parse and does nothing.
 */
export async function measureLocations(host: DataHost, options: LocationsOptions): Promise<LocationsFigures> {
  const runs: Record<Contender, { perCpuSecond: number; redisMicros: number }[]> = { ours: [], bare: [] }
  for (let round = 0; round < options.rounds; round += 1) {
    const order: readonly Contender[] = round % 2 === 0 ? ['ours', 'bare'] : ['bare', 'ours']
    for (const contender of order) {
      const run = await measureOnce(host, contender, options)
      progress(`round ${round + 1}: ${contender} ${Math.round(run.perCpuSecond)} positions a CPU second`)
      runs[contender].push(run)
    }
  }
  const ratios = runs.ours.map(({ perCpuSecond }, round) => {
    return perCpuSecond / (runs.bare[round]?.perCpuSecond ?? 0)
  })
  return {
    drivers: options.drivers,
    perCpuSecond: median(runs.ours.map(({ perCpuSecond }) => perCpuSecond)),
    barePerCpuSecond: median(runs.bare.map(({ perCpuSecond }) => perCpuSecond)),
    locationsToBare: median(ratios),
    redisMicros: median(runs.ours.map(({ redisMicros }) => redisMicros)),
  }
}

function measureOnce(host: DataHost, contender: Contender, { seconds, drivers }: LocationsOptions) {
  return withDatabase(host, async (database) => {
    await emptyRedis(host)
    const isBare = contender === 'bare'
    const server = startChild(isBare ? './matching-bare-server.ts' : './realtime/server.ts')
    const client = startChild('./matching-offers-client.ts')
    try {
      const port = await server.ask<number>('start', {
        ...{ contender: 'ours', database: database.address, redis: host.redis, jwtSecret: JWT_SECRET },
        ...{ isUnlimited: true, webhookSecret: null },
      })
      const city: CityOrder = { port, secret: JWT_SECRET, drivers, locationMs: EVERY_MS, isBare }
      await client.ask('open', city)
      return await watch(host, server, client, { seconds, drivers })
    } finally {
      await Promise.all([server.end(), client.end()])
    }
  })
}

/** A client that cannot keep its pace measures itself. */
const LEAST_PACE = 0.9

async function watch(
  host: DataHost,
  server: Child,
  client: Child,
  { seconds, drivers }: Pick<LocationsOptions, 'seconds' | 'drivers'>,
) {
  const read = async () => ({
    sent: await client.ask<number>('sent', null),
    server: cpuMicrosOf(server.pid),
    redis: cpuMicrosOf(host.redisPid),
  })
  const before = await read()
  await pause(seconds * 1_000)
  const after = await read()
  const sent = after.sent - before.sent
  if (sent < drivers * seconds * LEAST_PACE) throw new WrongResult(`the client sent ${sent} positions alone`)
  return {
    perCpuSecond: (sent * 1_000_000) / (after.server - before.server),
    redisMicros: (after.redis - before.redis) / sent,
  }
}
