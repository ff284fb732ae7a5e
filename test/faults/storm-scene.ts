import { openPool, type Pool } from '../../db/pools.ts'
import { openRedis, type Redis } from '../../db/redis.ts'
import { Publisher } from '../../src/feed/publish.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { type OwnRedis, openOwnRedis } from '../support/own-redis.ts'
import { JWT_SECRET } from '../support/socket.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'
import { ServerNode } from './server-node.ts'

/** Shorter than in production, so that dead links are found while the storm blows. */
const TEMPO = {
  heartbeat: { pingMs: 1_500, pongMs: 3_000, warningMs: 60_000, graceMs: 25_000, turnMs: 250 },
  headsMs: 1_000,
}
const PROXIES_A_NODE = 2
/** Whoever was cut off leaves a seat behind until the process notices: nobody is refused here, and all are counted. */
const SOCKETS = { perUser: 1_000, perNetwork: 100_000 }
const WRITER_CONNECTIONS = 8
export const INTERNAL_KEY = 'internal-key-of-the-storm-71c4'

/** A place of a server process, which another one takes when it is dead, and the ways to it. */
export interface Berth {
  node: ServerNode
  readonly proxies: readonly TcpProxy[]
}

/** Two processes over one database and a Redis of their own, and proxies before them. */
export class StormScene {
  readonly database: TestDatabase
  readonly redis: OwnRedis
  /** The writers'; the storm does not cut it. */
  readonly pool: Pool
  readonly publisher: Publisher
  readonly berths: Berth[] = []
  readonly #publishing: Redis
  readonly #ownSessions = new Set<number>()
  #spare = new ServerNode()

  private constructor(database: TestDatabase, redis: OwnRedis) {
    this.database = database
    this.redis = redis
    this.pool = openPool(database.address, { connectionLimit: WRITER_CONNECTIONS, lockWaitSeconds: 5 })
    for (const pool of [this.pool, database.pool])
      pool.on('connection', ({ threadId }) => this.#ownSessions.add(threadId))
    this.#publishing = openRedis(redis.address, 'publish', () => undefined)
    this.publisher = new Publisher({
      redis: this.#publishing,
      installation: database.address.database,
      onError: () => undefined,
    })
  }

  static async open(): Promise<StormScene> {
    const scene = new StormScene(await testDatabase('feed-storm'), await openOwnRedis('feed-storm'))
    const nodes = await Promise.all([scene.#started(new ServerNode()), scene.#started(new ServerNode())])
    for (const node of nodes) {
      const berth: Berth = { node, proxies: [] }
      const target = {
        host: '127.0.0.1',
        get port() {
          return berth.node.port
        },
      }
      const proxies = Array.from({ length: PROXIES_A_NODE }, () => TcpProxy.open(target))
      scene.berths.push(Object.assign(berth, { proxies: await Promise.all(proxies) }))
    }
    return scene
  }

  /** Every process that answers, without a proxy. */
  get urls(): string[] {
    return this.berths.flatMap(({ node }) => (node.port === 0 ? [] : [urlOf(node)]))
  }

  /** Every way to every process that answers. */
  get doors(): string[] {
    const alive = this.berths.filter(({ node }) => node.port !== 0)
    return [...this.urls, ...alive.flatMap(({ proxies }) => proxies.map(urlOf))]
  }

  /** Another process takes a dead one's place. */
  async replace(berth: Berth): Promise<void> {
    const spare = this.#spare
    this.#spare = new ServerNode()
    berth.node = await this.#started(spare)
  }

  /** Ends every session that the servers have with the database. */
  async killSessions(): Promise<number> {
    const { pool, address } = this.database
    const [rows] = await pool.query('SELECT ID AS id FROM information_schema.PROCESSLIST WHERE DB = ?', [
      address.database,
    ])
    const theirs = (rows as { id: unknown }[])
      .map(({ id }) => Number(id))
      .filter((id) => !this.#ownSessions.has(id))
    // One that has gone by itself cannot be killed any more.
    for (const id of theirs) await pool.query(`KILL CONNECTION ${id}`).catch(() => undefined)
    return theirs.length
  }

  /** Says something to Redis by a connection of its own; an answer that was cut off is none. */
  async toRedis(say: (redis: Redis) => Promise<unknown>): Promise<void> {
    const redis = openRedis(this.redis.address, 'worker', () => undefined)
    await say(redis).catch(() => undefined)
    redis.disconnect()
  }

  /** The sum over both processes of every line of their metrics that starts so. */
  async metric(name: string): Promise<number> {
    const texts = await Promise.all(this.urls.map(async (url) => (await fetch(`${url}/metrics`)).text()))
    const lines = texts.flatMap((text) => text.split('\n').filter((line) => line.startsWith(name)))
    return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
  }

  async close(): Promise<void> {
    await Promise.all([...this.berths.map(({ node }) => node), this.#spare].map((node) => node.kill()))
    await Promise.all(this.berths.flatMap(({ proxies }) => proxies.map((proxy) => proxy.close())))
    this.#publishing.disconnect()
    await this.pool.end()
    await this.redis.remove()
    await this.database.drop()
  }

  #started(node: ServerNode): Promise<ServerNode> {
    return node.start({
      database: this.database.address,
      redis: this.redis.address,
      secrets: {},
      realtime: { jwtSecrets: [JWT_SECRET], allowedOrigins: [], sockets: SOCKETS, tempo: TEMPO },
      internalKey: INTERNAL_KEY,
    })
  }
}

function urlOf({ port }: { readonly port: number }): string {
  return `http://127.0.0.1:${port}`
}
