import { expect } from 'vitest'
import { openPool, type Pool } from '../../db/pools.ts'
import { openRedis, type Redis } from '../../db/redis.ts'
import { Publisher } from '../../src/feed/publish.ts'
import { openApp, type TestApp, type TestAppOptions } from './app.ts'
import { type TestDatabase, testDatabase } from './database.ts'
import { append, feedMessage } from './feed.ts'
import { RawSocket } from './raw-socket.ts'
import { JWT_SECRET, openSocket, type TestSocket } from './socket.ts'
import { signToken } from './tokens.ts'

/** A service, one client of which behaves well, and what shows whether he is served whatever others do. */
export class Attacked {
  readonly app: TestApp
  readonly database: TestDatabase
  readonly #pool: Pool
  readonly #redis: Redis
  readonly #publisher: Publisher
  readonly #bystander: TestSocket
  readonly #secrets: string[] = [JWT_SECRET]
  #told = 0

  private constructor(database: TestDatabase, app: TestApp, bystander: TestSocket) {
    this.database = database
    this.app = app
    this.#bystander = bystander
    this.#pool = openPool(database.address, { connectionLimit: 2, lockWaitSeconds: 5 })
    this.#redis = openRedis(database.redis, 'worker', () => undefined)
    this.#publisher = new Publisher({
      redis: this.#redis,
      installation: database.address.database,
      onError: (error) => {
        throw error
      },
    })
  }

  static async open(name: string, options: TestAppOptions = {}): Promise<Attacked> {
    const database = await testDatabase(name)
    const realtime = { jwtSecrets: [JWT_SECRET], allowedOrigins: [] }
    const app = await openApp(database, { realtime, logLevel: 'debug', ...options })
    return new Attacked(database, app, await openSocket(app.url, 'bystander'))
  }

  /** A good token of this user; whatever is logged is searched for it. */
  token(userId: string, claims: Readonly<Record<string, unknown>> = {}, secret = JWT_SECRET): string {
    const token = signToken({ secret, claims: { sub: userId, user_type: 'customer', ...claims } })
    this.keepSecret(token)
    return token
  }

  /** Whatever is logged is searched for this. */
  keepSecret(text: string): void {
    this.#secrets.push(text)
  }

  /** An open and greeted socket of a client of ill will. */
  attacker(userId = 'attacker'): Promise<RawSocket> {
    return RawSocket.open(this.app.port, `/?token=${this.token(userId)}`)
  }

  /** How many messages the service takes from these frames of a client. */
  async taken(...frames: readonly Buffer[]): Promise<number> {
    const raw = await this.attacker()
    const before = await this.count('messages_received_total')
    await raw.sent(...frames)
    const after = await this.count('messages_received_total')
    raw.end()
    return after - before
  }

  /** The code that these frames of a client are closed with. */
  async codeAfter(...frames: readonly Buffer[]): Promise<number> {
    const raw = await this.attacker()
    raw.send(...frames)
    const code = await raw.closeCode()
    raw.end()
    return code
  }

  /** Whoever behaves gets his message at once, nothing is left of the others, and nothing that is secret was logged. */
  async isWell(): Promise<void> {
    this.#told += 1
    await this.#publisher.publish(await append(this.#pool, feedMessage('bystander', this.#told)))
    await this.#bystander.seq(this.#told)
    await expect.poll(() => this.connections(), { timeout: 10_000 }).toBe(1)
    for (const line of this.app.lines) for (const secret of this.#secrets) expect(line).not.toContain(secret)
    expect(this.app.lines.filter((line) => /"level":(?:"(?:error|fatal)"|50|60)/.test(line))).toEqual([])
  }

  /** Open sockets, as the metrics say. */
  async connections(): Promise<number> {
    const lines = await this.app.metrics('onceline_realtime_connections{')
    return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
  }

  /** The value of one counter; 0 where it has never counted. */
  async count(name: string): Promise<number> {
    const [line] = await this.app.metrics(`onceline_realtime_${name}`)
    return Number(line?.split(' ').at(-1) ?? 0)
  }

  async close(): Promise<void> {
    await this.#bystander.close()
    await this.app.stop()
    this.#redis.disconnect()
    await this.#pool.end()
    await this.database.drop()
  }
}
