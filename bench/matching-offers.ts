import type { DataHost } from '../db/embedded/data-host.ts'
import { type Child, startChild } from './child.ts'
import { watchCpu } from './cpu.ts'
import { emptyRedis, withDatabase } from './data.ts'
import type { CityOrder, RequestsOrder, RequestsReport } from './matching-offers-client.ts'
import { JWT_SECRET } from './realtime/stage.ts'
import { progress, WrongResult } from './report.ts'
import { type Latencies, median, summarise } from './statistics.ts'

export interface OffersOptions {
  readonly rounds: number
  /** Online in one city, each with a socket. */
  readonly drivers: number
  readonly requests: number
  readonly requestsPerSecond: number
}

export interface OffersFigures extends Latencies {
  readonly drivers: number
  /** What all processes but the client used for one request and its offers, its cancellation included. */
  readonly cpuMicrosPerRequest: number
}

const LOCATION_MS = 5_000

/**
 * From the moment at which a rider's app sends its request to the moment at which the first driver's app has the offer, through the real
 * sockets of one process, while all drivers of a city tell where they are every few seconds.
 */
export function measureOffers(host: DataHost, options: OffersOptions): Promise<OffersFigures> {
  return withDatabase(host, async (database) => {
    await emptyRedis(host)
    const [server, client] = [startChild('./realtime/server.ts'), startChild('./matching-offers-client.ts')]
    try {
      const port = await server.ask<number>('start', {
        ...{ contender: 'ours', database: database.address, redis: host.redis, jwtSecret: JWT_SECRET },
        ...{ isUnlimited: true, webhookSecret: null },
      })
      const city: CityOrder = {
        ...{ port, secret: JWT_SECRET, drivers: options.drivers },
        ...{ locationMs: LOCATION_MS, isBare: false },
      }
      const seconds = await client.ask<number>('open', city)
      progress(`${options.drivers} drivers online after ${Math.round(seconds)} s`)
      return await measureRounds(host, server, client, options)
    } finally {
      await Promise.all([server.end(), client.end()])
    }
  })
}

async function measureRounds(
  host: DataHost,
  server: Child,
  client: Child,
  { rounds, drivers, requests, requestsPerSecond }: OffersOptions,
): Promise<OffersFigures> {
  const runs: (Latencies & { cpu: number })[] = []
  for (let round = 0; round < rounds; round += 1) {
    const cpu = watchCpu({ server: server.pid, database: host.mysqlPid, redis: host.redisPid })
    const order: RequestsOrder = { round, requests, requestsPerSecond }
    const { latenciesMs } = await client.ask<RequestsReport>('request', order)
    const used = cpu()
    if (latenciesMs.length !== requests)
      throw new WrongResult(`${latenciesMs.length} of ${requests} requests were offered to a driver`)
    const latencies = summarise(latenciesMs)
    progress(`round ${round + 1}: p50 ${latencies.p50Ms.toFixed(1)} ms, p99 ${latencies.p99Ms.toFixed(1)} ms`)
    runs.push({ ...latencies, cpu: (used.server + used.database + used.redis) / requests })
  }
  return {
    drivers,
    p50Ms: median(runs.map(({ p50Ms }) => p50Ms)),
    p99Ms: median(runs.map(({ p99Ms }) => p99Ms)),
    maxMs: Math.max(...runs.map(({ maxMs }) => maxMs)),
    cpuMicrosPerRequest: median(runs.map(({ cpu }) => cpu)),
  }
}
