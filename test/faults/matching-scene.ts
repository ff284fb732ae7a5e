import type { RedisAddress } from '../../db/redis.ts'
import { DEFAULT_SETTINGS, type DispatchSettings } from '../../src/matching/dispatch/settings.ts'
import type { TestServers } from '../support/global-setup.ts'
import { type OwnDatabase, openOwnDatabase } from '../support/own-database.ts'
import { JWT_SECRET } from '../support/socket.ts'
import { INTERNAL_KEY } from './matching-laravel.ts'
import type { Mutant } from './mutants.ts'
import { ServerNode } from './server-node.ts'

/** In zones whose names begin so drivers are found in a hurry. */
export const QUICK_ZONES = 'quick-'

export const QUICK_SETTINGS: DispatchSettings = {
  ...DEFAULT_SETTINGS,
  ...{ maxDrivers: 2, offerMs: 1_500, biddingMs: 3_000, windowMs: 200, retryMs: 200 },
  ...{ noDriversMs: 1_500, matchTimeoutMs: 6_000 },
}

/** Two processes over one database; a third one waits to take a dead one's place. */
export class MatchingScene {
  readonly database: OwnDatabase
  readonly #redis: RedisAddress
  readonly #mutant: Mutant | null
  readonly #nodes: ServerNode[] = []
  #spare: ServerNode
  #replacing: Promise<void> | null = null
  /** How many processes were killed. */
  killed = 0

  private constructor(database: OwnDatabase, redis: RedisAddress, mutant: Mutant | null) {
    this.database = database
    this.#redis = redis
    this.#mutant = mutant
    this.#spare = this.#newNode()
  }

  static async open(servers: TestServers, mutant: Mutant | null = null): Promise<MatchingScene> {
    const database = await openOwnDatabase(servers.mysql, 'matching-storm')
    for (const sql of mutant?.sql ?? []) await database.pool.query(sql)
    const scene = new MatchingScene(database, servers.redis, mutant)
    const nodes = [scene.#newNode(), scene.#newNode()]
    scene.#nodes.push(...(await Promise.all(nodes.map((node) => scene.#started(node)))))
    return scene
  }

  /** Every process that answers. */
  get urls(): string[] {
    return this.#nodes.flatMap(({ port }) => (port === 0 ? [] : [`http://127.0.0.1:${port}`]))
  }

  /** What the processes wrote last. */
  get words(): string {
    return this.#nodes.map(({ words }) => words).join('\n')
  }

  /** Kills a process, unless another one is being replaced: `end` says how. Resolves when there are two again. */
  kill(index: number, end: (node: ServerNode) => Promise<void>): Promise<void> {
    const node = this.#nodes[index % this.#nodes.length]
    if (this.#replacing !== null || node === undefined) return Promise.resolve()
    this.#replacing = this.#replace(node, end).finally(() => {
      this.#replacing = null
    })
    return this.#replacing
  }

  async close(): Promise<void> {
    await this.#replacing
    await Promise.all([...this.#nodes, this.#spare].map((node) => node.kill()))
    await this.database.drop()
  }

  async #replace(node: ServerNode, end: (node: ServerNode) => Promise<void>): Promise<void> {
    const spare = this.#spare
    await spare.loaded()
    await end(node)
    this.killed += 1
    this.#spare = this.#newNode()
    this.#nodes[this.#nodes.indexOf(node)] = await this.#started(spare)
  }

  #newNode(): ServerNode {
    const { host, port, password } = this.#redis
    const redis = JSON.stringify({ host, port, password })
    return new ServerNode(this.#mutant === null ? {} : { mutant: this.#mutant.name, redis })
  }

  #started(node: ServerNode): Promise<ServerNode> {
    return node.start({
      database: this.database.address,
      redis: this.#redis,
      secrets: {},
      realtime: { jwtSecrets: [JWT_SECRET], allowedOrigins: [] },
      internalKey: INTERNAL_KEY,
      dispatch: { zones: QUICK_ZONES, settings: QUICK_SETTINGS },
    })
  }
}
