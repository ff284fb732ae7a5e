import { openRedisNode, type RedisAddress } from '../../../db/redis.ts'
import { PLAIN } from './channel-dialect.ts'
import { ShardedLinks } from './sharded-links.ts'
import { SubscriberLink } from './subscriber-link.ts'

export interface SubscriptionsOptions {
  readonly redis: RedisAddress
  /**
   * The bytes as they were published; may come before add() has resolved, and for a while after remove(). They share memory with what came
   * in the same read from the socket (64 KiB at most): whoever keeps them for long copies them.
   */
  readonly onMessage: (channel: string, payload: Buffer) => void
  /** What was published until now may be lost: on channels that a connection's end interrupted, or whose add() said false. */
  readonly onResubscribed: () => void
  /** Called often while Redis is away, or refuses the channels. */
  readonly onError: (error: Error) => void
  readonly heartbeatMs?: number
  readonly removalMs?: number
}

/** With the two seconds that an answer may take, a link that died silently is noticed and left within four. */
const HEARTBEAT_MS = 2_000
/** A channel is left after one to two of these: a phone that changes from one cell to the next is back sooner. */
const REMOVAL_MS = 2_500

/**
 * The channels that this process listens to: those of the users it holds, and no others. A connection of its own, in a cluster one to each
 * master, which comes back by itself and then subscribes to everything again.
 */
export class Subscriptions {
  readonly #link: SubscriberLink | ShardedLinks

  constructor({ redis, onMessage, onResubscribed, onError, ...tempo }: SubscriptionsOptions) {
    const options = {
      onMessage,
      onRestored: onResubscribed,
      onError,
      heartbeatMs: tempo.heartbeatMs ?? HEARTBEAT_MS,
      removalMs: tempo.removalMs ?? REMOVAL_MS,
    }
    this.#link =
      redis.isCluster === true
        ? new ShardedLinks({ ...options, redis })
        : new SubscriberLink({
            ...options,
            redis: openRedisNode(redis, 'subscriber', onError),
            dialect: PLAIN,
          })
  }

  /**
   * Resolves with true when Redis acknowledged: whatever is published from then on is heard. With false, at once or
   * within half a second, while Redis is away or silent: the channel is subscribed as soon as that is possible, and then onResubscribed is
   * called. Never rejects. What one tick adds is one command; what is there already costs none.
   */
  add(channel: string): Promise<boolean> {
    return this.#link.add(channel)
  }

  /** Ends it in a few seconds, unless it is added again. Unknown channels are ignored. */
  remove(channel: string): void {
    this.#link.remove(channel)
  }

  /** Connected, and all channels are subscribed but those that are just being added. */
  get isListening(): boolean {
    return this.#link.isListening
  }

  /** How many channels are wanted, or were a few seconds ago. */
  get size(): number {
    return this.#link.size
  }

  /** Hears nothing from now on, and tells all who wait false. */
  async close(): Promise<void> {
    this.#link.close()
  }
}
