import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import { openRedis, type RedisAddress } from '../../db/redis.ts'
import { Publisher, userChannel } from '../../src/feed/publish.ts'
import { type Listening, openSubscriptions } from './subscriptions.ts'

/** Elections and restarts take seconds, and the machine may be busy. */
export const LONG = { timeout: 40_000, interval: 50 }

/** Many users who are told things, and whoever holds them. */
export class Audience {
  readonly users = Array.from({ length: 300 }, () => randomUUID())
  readonly channels = this.users.map((userId) => userChannel('i', userId))
  readonly #redis: RedisAddress
  readonly #closing: (() => unknown)[] = []
  #lastNumber = 0

  constructor(redis: RedisAddress) {
    this.#redis = redis
  }

  /** Listens to nobody yet. */
  async listen(): Promise<Listening> {
    const listening = openSubscriptions(this.#redis, { removalMs: 100 })
    this.#closing.push(() => listening.subscriptions.close())
    await expect.poll(() => listening.subscriptions.isListening, LONG).toBe(true)
    return listening
  }

  /** Listens to everybody. */
  async listenToAll(): Promise<Listening> {
    const listening = await this.listen()
    expect(await Promise.all(this.channels.map((one) => listening.subscriptions.add(one)))).not.toContain(
      false,
    )
    return listening
  }

  /** Resolves when every node takes messages. */
  async openPublisher(): Promise<Publisher> {
    const redis = openRedis(this.#redis, 'publish', () => undefined)
    this.#closing.push(() => redis.disconnect())
    const publisher = new Publisher({ redis, installation: 'i', onError: () => undefined })
    await expect.poll(() => this.#tell(publisher), LONG).toBe(true)
    return publisher
  }

  /** Everybody is told once more, and each hears it once. */
  async expectHeard(publisher: Publisher, { heard }: Listening): Promise<void> {
    await expect.poll(() => this.#tell(publisher), LONG).toBe(true)
    const text = `e {"event":"e","data":{"n":${this.#lastNumber}}}`
    const those = () => heard.filter(([, one]) => one === text)
    await expect.poll(() => those().length, LONG).toBe(this.users.length)
    expect(new Set(those().map(([channel]) => channel))).toEqual(new Set(this.channels))
  }

  async close(): Promise<void> {
    for (const close of this.#closing.splice(0).reverse()) await close()
  }

  /** One message to everybody; whether Redis took all of them. */
  #tell(publisher: Publisher): Promise<boolean> {
    this.#lastNumber++
    return publisher.publish(
      this.users.map((userId) => ({ userId, event: 'e', data: { n: this.#lastNumber } })),
    )
  }
}
