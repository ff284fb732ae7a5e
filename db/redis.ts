import { type Cluster, Redis as Node } from 'ioredis'
import { openCluster } from './redis-cluster.ts'

export type { Cluster } from 'ioredis'

/** A client of one server. */
export type RedisNode = Node
/** A client of one server, or of a whole cluster. */
export type Redis = Node | Cluster

export interface RedisAddress {
  readonly host: string
  readonly port: number
  readonly password: string
  /** The address is that of one node of a Redis Cluster, which knows the others. */
  readonly isCluster?: boolean
}

/**
 * queue: adds jobs, must answer soon or fail: no offline queue, and a frozen server is given up after 500 ms.
 * worker: blocks on the queue, so it must wait for ever and never time out a command.
 * control: health checks.
 * limits: a request waits for it, and there is an insurance or a way around it (limits, tickets): nothing is repeated, and a
 * frozen server is given up sooner.
 * publish: tells of what is done; nothing is repeated, since whoever heard it twice would believe it twice.
 * subscriber: listens; whoever owns it subscribes after every connect, since an answer to that is worth knowing.
 */
export type RedisRole = 'queue' | 'worker' | 'control' | 'limits' | 'publish' | 'subscriber'

const COMMAND_TIMEOUT_MS = 500
/** What a limit may cost a request. Less, and a process that is busy for a moment would take a healthy Redis for a frozen one. */
const LIMIT_TIMEOUT_MS = 250
/** A subscription is answered at once, or the link is dead. */
const SUBSCRIBE_TIMEOUT_MS = 2_000
const CONNECT_TIMEOUT_MS = 1_500
/** A link that is left because it is silent says no goodbye, either. */
const SILENT_END_MS = 100
/** Reconnects for ever: Redis away delays work and must never end the process. */
const RECONNECT_CAP_MS = 1_000

/** Connects in the background; `onError` hears of every failed try, so that no error event is ever unhandled. */
export function openRedis(address: RedisAddress, role: RedisRole, onError: (error: Error) => void): Redis {
  if (address.isCluster !== true) return openRedisNode(address, role, onError)
  return openCluster(address, {
    shape: shapeOf(role),
    retryStrategy,
    isRepeating: isRepeating(role),
    onError,
  })
}

/** As openRedis(), and of a cluster that one node. */
export function openRedisNode(
  address: RedisAddress,
  role: RedisRole,
  onError: (error: Error) => void,
): RedisNode {
  const redis = new Node(address.port, address.host, {
    ...shapeOf(role),
    password: address.password,
    retryStrategy,
  })
  redis.on('error', onError)
  return role === 'limits' ? sendingTogether(redis) : redis
}

/**
 * What is asked in one turn of the event loop goes out in one write. A write costs as much as all the rest of a question, and a
 * handshake asks three.
 */
function sendingTogether(redis: RedisNode): RedisNode {
  const send = redis.sendCommand.bind(redis)
  let isCorked = false
  redis.sendCommand = (command, to) => {
    const { stream } = redis
    if (!isCorked && to === undefined && redis.status === 'ready') {
      isCorked = true
      stream.cork()
      setImmediate(() => {
        isCorked = false
        stream.uncork()
      })
    }
    return send(command, to)
  }
  return redis
}

function retryStrategy(tries: number): number {
  return Math.min(50 * tries, RECONNECT_CAP_MS)
}

/** May a command be sent again when the link was lost and nobody knows whether Redis acted on it? */
function isRepeating(role: RedisRole): boolean {
  return role === 'queue' || role === 'worker' || role === 'control'
}

function shapeOf(role: RedisRole) {
  switch (role) {
    case 'worker':
      return { maxRetriesPerRequest: null, connectTimeout: CONNECT_TIMEOUT_MS }
    case 'queue':
    case 'control':
      return {
        maxRetriesPerRequest: 1,
        enableOfflineQueue: false,
        commandTimeout: COMMAND_TIMEOUT_MS,
        connectTimeout: CONNECT_TIMEOUT_MS,
      }
    case 'subscriber':
      return {
        autoResubscribe: false,
        autoResendUnfulfilledCommands: false,
        maxRetriesPerRequest: 0,
        enableOfflineQueue: false,
        commandTimeout: SUBSCRIBE_TIMEOUT_MS,
        connectTimeout: CONNECT_TIMEOUT_MS,
        disconnectTimeout: SILENT_END_MS,
      }
    case 'publish':
      return {
        maxRetriesPerRequest: 0,
        autoResendUnfulfilledCommands: false,
        enableOfflineQueue: false,
        commandTimeout: COMMAND_TIMEOUT_MS,
        connectTimeout: CONNECT_TIMEOUT_MS,
      }
    case 'limits':
      return {
        maxRetriesPerRequest: 0,
        autoResendUnfulfilledCommands: false,
        enableOfflineQueue: false,
        commandTimeout: LIMIT_TIMEOUT_MS,
        connectTimeout: CONNECT_TIMEOUT_MS,
      }
  }
}

/** Redis answered: the link is well, and the answer is no. */
export function isRefusal(error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError'
}

/**
 * Why this Redis must not be trusted with jobs: an evicted lock makes two workers run one job. Empty: it is safe. Every node of a cluster
 * is asked. Throws when Redis does not answer, or when a part of the cluster does not.
 */
export async function redisDoubts(redis: Redis): Promise<string[]> {
  if (!redis.isCluster) return doubtsOfNode(redis as RedisNode)
  const nodes = (redis as Cluster).nodes('master')
  const states = await Promise.all(nodes.map((node) => clusterState(node)))
  const ill = states.find((state) => state !== 'ok')
  if (nodes.length === 0 || ill !== undefined)
    throw new Error(`the cluster's state is ${ill ?? 'unknown'}: a part of it has no node`)
  const doubts = await Promise.all(nodes.map((node) => doubtsOfNode(node)))
  return [...new Set(doubts.flat())]
}

/** `ok`, `fail`, or `none` of a server that is in no cluster. */
export async function clusterState(redis: RedisNode): Promise<string> {
  const isEnabled = /^cluster_enabled:1/m.test(await redis.info('cluster'))
  if (!isEnabled) return 'none'
  return /^cluster_state:(\S+)/m.exec(String(await redis.cluster('INFO')))?.[1] ?? 'unknown'
}

async function doubtsOfNode(redis: RedisNode): Promise<string[]> {
  const info = await redis.info('memory')
  const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1] ?? 'unknown'
  if (policy === 'noeviction') return []
  return [
    `maxmemory-policy is ${policy}: under memory pressure Redis would evict jobs and locks. ` +
      'Set noeviction, or give Onceline a Redis of its own (the policy holds for a whole instance).',
  ]
}
