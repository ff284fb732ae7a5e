import { clusterState, openRedis, type Redis, type RedisNode, redisDoubts } from '../../db/redis.ts'
import type { CliContext } from './context.ts'
import { type Finding, ok, warning, wrong } from './finding.ts'

const TIMEOUT_MS = 1_500
const WITHOUT = 'webhooks are stored and processed without it, more slowly'

/** Whether Redis answers, is what the configuration says, and never evicts. */
export async function checkRedis({ redis: address }: CliContext): Promise<Finding> {
  if (address === null)
    return warning('Redis', 'REDIS_HOST is not set', 'several hosts need one Redis between them')
  const isCluster = address.isCluster === true
  const place = `${address.host}:${address.port}${isCluster ? ' and its cluster' : ''}`
  const redis = openRedis(address, 'control', () => undefined)
  try {
    if (!(await becomesReady(redis))) {
      const reasons = `does not answer${isCluster ? ', is in no cluster,' : ''} or rejects the password`
      return wrong('Redis', `${place} ${reasons}`, `${WITHOUT}; start it or check REDIS_*`)
    }
    const doubts = await redisDoubts(redis)
    if (doubts.length > 0)
      return wrong('Redis', doubts.join('; '), 'CONFIG SET maxmemory-policy noeviction, and in redis.conf')
    if (!isCluster && (await clusterState(redis as RedisNode)) !== 'none')
      return warning('Redis', `${place} is a node of a cluster`, 'set REDIS_CLUSTER=true')
    return ok('Redis', `${place}, never evicts`)
  } catch (error) {
    return wrong('Redis', `${place}: ${(error as Error).message}`, WITHOUT)
  } finally {
    redis.disconnect()
  }
}

async function becomesReady(redis: Redis): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), TIMEOUT_MS)
    redis.once('ready', () => {
      clearTimeout(timer)
      resolve(true)
    })
  })
}
