import { isRefusal, openRedisNode, type RedisAddress, type RedisNode } from '../../db/redis.ts'

export interface SubscriptionOptions {
  readonly redis: RedisAddress
  readonly channels: readonly string[]
  readonly onMessage: (channel: string, text: string) => void
  readonly onListening: (isListening: boolean) => void
  /** Called often while Redis is away, or refuses the channels. */
  readonly onError: (error: Error) => void
  readonly heartbeatMs?: number
}

/** A link that died without a goodbye is silent, as quiet channels are: only an answer tells them apart. */
const HEARTBEAT_MS = 5_000
const UNSUBSCRIBE_MS = 500

/**
 * A connection of its own that listens to channels, and listens again after every reconnect. A link that does not answer, and a
 * Redis that refuses (an ACL), is left, and tried anew. What is published meanwhile is lost: that is the nature of these channels.
 */
export class Subscription {
  readonly #options: SubscriptionOptions
  readonly #redis: RedisNode
  readonly #heartbeat: NodeJS.Timeout
  #isClosed = false

  constructor(options: SubscriptionOptions) {
    this.#options = options
    // What is published on one node of a cluster is heard on all of them, unless it is sharded.
    this.#redis = openRedisNode(options.redis, 'subscriber', options.onError)
    this.#redis.on('message', options.onMessage)
    this.#redis.on('ready', () => void this.#subscribe())
    this.#redis.on('close', () => options.onListening(false))
    this.#heartbeat = setInterval(() => void this.#ask(), options.heartbeatMs ?? HEARTBEAT_MS)
    this.#heartbeat.unref()
  }

  /** Hears what Redis has sent until it knows better, then nothing more, and ends the connection. */
  async close(): Promise<void> {
    clearInterval(this.#heartbeat)
    this.#isClosed = true
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, UNSUBSCRIBE_MS)
    })
    if (this.#redis.status === 'ready')
      await Promise.race([this.#redis.unsubscribe().catch(() => undefined), late])
    clearTimeout(timer)
    this.#redis.disconnect()
  }

  async #subscribe(): Promise<void> {
    if (this.#isClosed) return
    try {
      await this.#redis.subscribe(...this.#options.channels)
      this.#options.onListening(true)
    } catch (error) {
      this.#options.onError(error as Error)
    }
  }

  /** The question is the subscription itself: asked again it changes nothing, and it mends what was refused before. */
  async #ask(): Promise<void> {
    if (this.#redis.status !== 'ready') return
    try {
      await this.#redis.subscribe(...this.#options.channels)
      this.#options.onListening(true)
    } catch (error) {
      this.#options.onListening(false)
      this.#options.onError(error as Error)
      if (!isRefusal(error)) this.#redis.disconnect(true)
    }
  }
}
