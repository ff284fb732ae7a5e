import { type Cluster, openRedis, type RedisAddress } from './redis.ts'

export interface ClusterMapOptions {
  readonly redis: RedisAddress
  /** The map was read; often it is as it was. */
  readonly onRead: (hasChanged: boolean) => void
  readonly onError: (error: Error) => void
}

/** Who asks for the map because a link was lost or a channel moved is seldom alone. */
const REFRESH_AFTER_MS = 100

/** Which node of a Redis Cluster has which slots, read anew every few seconds and when somebody asks. */
export class ClusterMap {
  readonly #address: RedisAddress
  readonly #cluster: Cluster
  /** By slot, as it was read last. */
  #masters: readonly (string | undefined)[] = []
  #refresh: NodeJS.Timeout | null = null
  #isClosed = false

  constructor({ redis, onRead, onError }: ClusterMapOptions) {
    this.#address = redis
    this.#cluster = openRedis({ ...redis, isCluster: true }, 'subscriber', onError) as Cluster
    this.#cluster.on('refresh', () => {
      if (!this.#isClosed) onRead(this.#take())
    })
  }

  /** The master of a slot as `host:port`; undefined while nobody is known to have it. */
  masterOf(slot: number): string | undefined {
    return this.#masters[slot]
  }

  /** All masters that have slots. */
  masters(): ReadonlySet<string> {
    const masters = new Set<string>()
    for (const master of this.#masters) if (master !== undefined) masters.add(master)
    return masters
  }

  /** Where this master is; not a cluster's address, but that of the one node. */
  addressOf(master: string): RedisAddress {
    const colon = master.lastIndexOf(':')
    return {
      host: master.slice(0, colon),
      port: Number(master.slice(colon + 1)),
      password: this.#address.password,
    }
  }

  /** Reads the map soon. */
  refresh(): void {
    if (this.#isClosed) return
    this.#refresh ??= setTimeout(() => {
      this.#refresh = null
      this.#cluster.refreshSlotsCache()
    }, REFRESH_AFTER_MS)
  }

  close(): void {
    this.#isClosed = true
    if (this.#refresh !== null) clearTimeout(this.#refresh)
    this.#cluster.disconnect()
  }

  /** Whether it is another map than before. */
  #take(): boolean {
    const masters = Array.from(this.#cluster.slots, (nodes) => nodes?.[0])
    const before = this.#masters
    this.#masters = masters
    return masters.length !== before.length || masters.some((master, slot) => master !== before[slot])
  }
}
