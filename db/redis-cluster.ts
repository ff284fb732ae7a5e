import { Cluster, type Redis as Node, type RedisOptions } from 'ioredis'
import type { RedisAddress } from './redis.ts'

export interface ClusterClientOptions {
  /** How the connection to each node behaves. */
  readonly shape: Omit<RedisOptions, 'replyMapping'>
  readonly retryStrategy: (tries: number) => number
  /** Send a command again whose link was lost before the answer came. */
  readonly isRepeating: boolean
  readonly onError: (error: Error) => void
}

/** A node that is frozen says nothing, and nobody says that its slots moved: the map is read anew this often. */
const MAP_INTERVAL_MS = 5_000
const MAP_TIMEOUT_MS = 1_000
const REPEAT_AFTER_MS = 100
/** More of them are nodes that were. */
const MAX_SEEDS = 50

/** A client of a whole cluster: each command goes to the node that has its key. Connects in the background. */
export function openCluster(address: RedisAddress, options: ClusterClientOptions): Cluster {
  const { shape, retryStrategy, isRepeating, onError } = options
  const seeds = [{ host: address.host, port: address.port }]
  const waits = shape.enableOfflineQueue ?? true
  const cluster = new Cluster(seeds, {
    clusterRetryStrategy: retryStrategy,
    slotsRefreshInterval: MAP_INTERVAL_MS,
    slotsRefreshTimeout: MAP_TIMEOUT_MS,
    enableOfflineQueue: waits,
    retryDelayOnFailover: isRepeating ? REPEAT_AFTER_MS : 0,
    redisOptions: { ...shape, password: address.password },
  })
  cluster.on('error', onError)
  cluster.on('node error', onError)
  cluster.on('+node', (node: Node) => {
    rememberSeed(seeds, node.options)
    if (!waits) warm(node)
  })
  return cluster
}

/** Every node that joined is as good a start as the first, which may be away when all links were lost. */
function rememberSeed(seeds: { host: string; port: number }[], { host, port }: RedisOptions): void {
  if (host === undefined || port === undefined || seeds.length >= MAX_SEEDS) return
  if (!seeds.some((seed) => seed.host === host && seed.port === port)) seeds.push({ host, port })
}

/** A command that may not wait finds the link made. Its errors are the cluster's `node error`. */
function warm(node: Node): void {
  if (node.status === 'wait' && node.options.readOnly !== true) node.connect().catch(() => undefined)
}
