import { openRedisNode, type RedisAddress } from '../../../db/redis.ts'
import { ClusterMap } from '../../../db/redis-cluster-map.ts'
import { slotOf } from '../../../db/redis-slot.ts'
import { SHARDED } from './channel-dialect.ts'
import { type LinkOptions, SubscriberLink } from './subscriber-link.ts'

export interface ShardedLinksOptions extends Omit<LinkOptions, 'redis' | 'dialect'> {
  readonly redis: RedisAddress
}

const NO = Promise.resolve(false)

/**
 * A link to each master of a Redis Cluster, each with the channels of its slots. When slots move, their channels follow; what was
 * published on the way may be lost, and that is said.
 */
export class ShardedLinks {
  readonly #options: ShardedLinksOptions
  readonly #map: ClusterMap
  readonly #links = new Map<string, SubscriberLink>()
  /** Channels of slots that nobody is known to have. */
  readonly #homeless = new Set<string>()
  /** Redis has told of channels that moved; which ones, only a new map says. */
  #hasMoved = false

  constructor(options: ShardedLinksOptions) {
    this.#options = options
    this.#map = new ClusterMap({
      redis: options.redis,
      onRead: (hasChanged) => this.#arrange(hasChanged),
      onError: options.onError,
    })
  }

  get isListening(): boolean {
    const links = [...this.#links.values()]
    return links.length > 0 && this.#homeless.size === 0 && links.every((link) => link.isListening)
  }

  get size(): number {
    let size = this.#homeless.size
    for (const link of this.#links.values()) size += link.size
    return size
  }

  add(channel: string): Promise<boolean> {
    const link = this.#linkOf(channel)
    if (link !== undefined) return link.add(channel)
    this.#homeless.add(channel)
    return NO
  }

  remove(channel: string): void {
    this.#homeless.delete(channel)
    this.#linkOf(channel)?.remove(channel)
  }

  close(): void {
    this.#map.close()
    for (const link of this.#links.values()) link.close()
    this.#links.clear()
  }

  #linkOf(channel: string): SubscriberLink | undefined {
    const master = this.#map.masterOf(slotOf(channel))
    return master === undefined ? undefined : this.#links.get(master)
  }

  /** Brings links and channels to where the map says that they belong. */
  #arrange(hasChanged: boolean): void {
    const anew = this.#hasMoved
    this.#hasMoved = false
    if (hasChanged) this.#rehome()
    for (const link of this.#links.values()) link.ask({ anew })
  }

  #rehome(): void {
    const masters = this.#map.masters()
    for (const master of masters) if (!this.#links.has(master)) this.#links.set(master, this.#open(master))
    const movers = [...this.#homeless]
    this.#homeless.clear()
    for (const [master, link] of this.#links) {
      for (const channel of link.channels())
        if (this.#map.masterOf(slotOf(channel)) !== master && link.release(channel)) movers.push(channel)
      if (masters.has(master)) continue
      // A master that became a replica would bring every message a second time.
      link.close()
      this.#links.delete(master)
    }
    for (const channel of movers) {
      const link = this.#linkOf(channel)
      if (link === undefined) this.#homeless.add(channel)
      else link.restore(channel)
    }
  }

  #open(master: string): SubscriberLink {
    const redis = openRedisNode(this.#map.addressOf(master), 'subscriber', this.#options.onError)
    redis.on('close', () => this.#map.refresh())
    redis.on('moved', () => {
      this.#hasMoved = true
      this.#map.refresh()
    })
    return new SubscriberLink({ ...this.#options, redis, dialect: SHARDED })
  }
}
