import { setTimeout as pause } from 'node:timers/promises'
import { inTransaction } from '../../db/transaction.ts'
import { appendToFeed } from '../../src/feed/append.ts'
import type { FeedMessage, NumberedMessage } from '../../src/feed/message.ts'
import type { Chance } from './chance.ts'
import type { StormScene } from './storm-scene.ts'

export interface StormWritersOptions {
  readonly scene: Pick<StormScene, 'pool' | 'publisher'>
  readonly userIds: readonly string[]
  readonly chance: Chance
  /** So many messages, roughly, where the machine can. */
  readonly perSecond: number
}

const WRITERS = 6
const MESSAGES_A_TRANSACTION = 6
/** Two writers wait for each other's users now and then, so that commits come close together. */
const SLOW_MS = { least: 5, most: 80 } as const
const LATE_MS = { least: 5, most: 500 } as const
/** Few users get most messages, so that some have pages to read after an absence and others a single message. */
const BUSY_USERS = 8

/** Whoever takes back what he has written. */
class TakenBack extends Error {}

/** Writers that tell users of things, as the service does: in transactions, and by a doorbell that is not to be relied on. */
export class StormWriters {
  /** What each user was told by committed transactions, by its number. */
  readonly committed = new Map<string, Map<number, string>>()
  readonly counts = { messages: 0, rolledBack: 0, unpublished: 0, twice: 0, late: 0 }
  readonly #options: StormWritersOptions
  readonly #late = new Set<Promise<unknown>>()
  #isOpen = true
  #serial = 0

  constructor(options: StormWritersOptions) {
    this.#options = options
  }

  /** Writes until `rest`, and at least so many messages; rejects when a transaction fails that nothing was done to. */
  async write(atLeast: number): Promise<void> {
    const writers = Array.from({ length: WRITERS }, async () => {
      while (this.#isOpen || this.counts.messages < atLeast) await this.#writeOnce()
    })
    await Promise.all(writers)
    await Promise.all(this.#late)
  }

  /** Lets them stop when they have written enough. */
  rest(): void {
    this.#isOpen = false
  }

  /** Tells one user so many times of the same, with so many bytes each. */
  async tell(userId: string, count: number, bytes: number): Promise<void> {
    const filling = 'x'.repeat(bytes)
    const messages = Array.from({ length: count }, () => this.#messageTo(userId, { filling }))
    await this.#options.scene.publisher.publish(await this.#commit(messages, 0))
  }

  async #writeOnce(): Promise<void> {
    const { chance, perSecond } = this.#options
    const paceMs = (1_000 * WRITERS * MESSAGES_A_TRANSACTION) / perSecond
    const messages = this.#invent()
    const slowMs = chance.happens(0.2) ? chance.between(SLOW_MS.least, SLOW_MS.most) : 0
    if (chance.happens(0.1)) await this.#takeBack(messages, slowMs)
    else await this.#publish(await this.#commit(messages, slowMs))
    await pause(this.#isOpen ? chance.between(0, 2 * paceMs) : 0)
  }

  /** One to three messages for each of one to four users; for one transaction in thirty for twenty. */
  #invent(): FeedMessage[] {
    const { chance, userIds } = this.#options
    const users = chance.happens(0.03) ? 20 : chance.between(1, 4)
    const told = Array.from({ length: users }, () =>
      chance.pick(chance.happens(0.2) ? userIds.slice(0, BUSY_USERS) : userIds),
    )
    return told.flatMap((userId) =>
      Array.from({ length: chance.between(1, 3) }, () => this.#messageTo(userId)),
    )
  }

  #messageTo(userId: string, more: Readonly<Record<string, unknown>> = {}): FeedMessage {
    this.#serial += 1
    return { userId, event: 'storm:told', data: { id: `m${this.#serial}`, ...more } }
  }

  async #commit(messages: readonly FeedMessage[], slowMs: number): Promise<NumberedMessage[]> {
    const numbered = await inTransaction(this.#options.scene.pool, 'tell', async (connection) => {
      const appended = await appendToFeed(connection, messages)
      if (slowMs > 0) await pause(slowMs)
      return appended
    })
    for (const { userId, seq, data } of numbered) {
      const told = this.committed.get(userId) ?? new Map<number, string>()
      this.committed.set(userId, told.set(seq, String(data.id)))
    }
    this.counts.messages += numbered.length
    return numbered
  }

  async #takeBack(messages: readonly FeedMessage[], slowMs: number): Promise<void> {
    this.counts.rolledBack += messages.length
    const phase = inTransaction(this.#options.scene.pool, 'take back', async (connection) => {
      await appendToFeed(connection, messages)
      if (slowMs > 0) await pause(slowMs)
      throw new TakenBack()
    })
    await phase.catch((error: unknown) => {
      if (!(error instanceof TakenBack)) throw error
    })
  }

  /** Once as a rule; not at all, twice, or late and after what was told later. */
  async #publish(messages: readonly NumberedMessage[]): Promise<void> {
    const { chance, scene } = this.#options
    const manner = chance.next()
    if (manner < 0.15) this.counts.unpublished += messages.length
    else if (manner < 0.3) this.#publishLate(chance.shuffled(messages))
    else {
      await scene.publisher.publish(messages)
      if (manner > 0.4) return
      this.counts.twice += messages.length
      await scene.publisher.publish(messages)
    }
  }

  #publishLate(messages: readonly NumberedMessage[]): void {
    const { chance, scene } = this.#options
    this.counts.late += messages.length
    const published = pause(chance.between(LATE_MS.least, LATE_MS.most)).then(() =>
      scene.publisher.publish(messages),
    )
    this.#late.add(published)
    void published.finally(() => this.#late.delete(published))
  }
}
