import type { RedisNode } from '../../../db/redis.ts'
import { slotOf } from '../../../db/redis-slot.ts'

/** How channels are asked for: as those of one server, or as a cluster's sharded ones. */
export interface ChannelDialect {
  readonly event: 'messageBuffer' | 'smessageBuffer'
  /** Only channels of one group may be in one command. */
  groupOf(channel: string): number
  subscribe(redis: RedisNode, channels: readonly string[]): Promise<unknown>
  unsubscribe(redis: RedisNode, channels: readonly string[]): Promise<unknown>
}

export const PLAIN: ChannelDialect = {
  event: 'messageBuffer',
  groupOf: () => 0,
  subscribe: (redis, channels) => redis.subscribe(...channels),
  unsubscribe: (redis, channels) => redis.unsubscribe(...channels),
}

/** A message goes to the nodes of its slot alone, and not to all nodes of the cluster. */
export const SHARDED: ChannelDialect = {
  event: 'smessageBuffer',
  groupOf: slotOf,
  subscribe: (redis, channels) => redis.ssubscribe(...channels),
  unsubscribe: (redis, channels) => redis.sunsubscribe(...channels),
}
