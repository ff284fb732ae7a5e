import type { Redis } from '../../db/redis.ts'
import type { FeedMessage, NumberedMessage } from './message.ts'

/** A numbered message of a feed, or one that nobody keeps. */
export type Push = NumberedMessage | FeedMessage

export interface PublisherOptions {
  /** A client of the role `publish`: it never waits long, and never sends a message twice. */
  readonly redis: Redis
  /** Whose users these are: the database's name. Two installations may share a Redis if their databases' names differ. */
  readonly installation: string
  /** Hears why messages were not published; called often while Redis is away. */
  readonly onError: (error: Error) => void
}

/** A pipeline is answered as one, within one command's time; more messages are several, so that none holds megabytes. */
const PIPELINE_MESSAGES = 250

/**
 * The channel of one user. It has no hash tag: in a cluster users' channels spread over the slots, and nothing is ever
 * done to two of them in one command.
 */
export function userChannel(installation: string, userId: string): string {
  return `onceline:${installation}:user:${userId}`
}

/** The one frame that goes through Redis, and on to the sockets as it is. `seq` only where the message is kept. */
export function frameOf(push: Push): string {
  const { event, data } = push
  return 'seq' in push ? JSON.stringify({ event, seq: push.seq, data }) : JSON.stringify({ event, data })
}

/** Tells whichever process holds the users' sockets, over Redis. */
export class Publisher {
  readonly #options: PublisherOptions

  constructor(options: PublisherOptions) {
    this.#options = options
  }

  /**
   * Publishes messages in their order; for those of a feed, after the commit. Each is sent once at most. False when Redis
   * did not take all of them in time: then a kept message is found by whoever compares numbers, and any other is
   * lost, as it is where nobody holds the user. Never throws.
   */
  async publish(pushes: readonly Push[]): Promise<boolean> {
    for (let start = 0; start < pushes.length; start += PIPELINE_MESSAGES) {
      const error = await this.#send(pushes.slice(start, start + PIPELINE_MESSAGES))
      if (error === null) continue
      this.#options.onError(error)
      return false
    }
    return true
  }

  async #send(pushes: readonly Push[]): Promise<Error | null> {
    const { redis, installation } = this.#options
    const pipeline = redis.pipeline()
    for (const push of pushes) pipeline.publish(userChannel(installation, push.userId), frameOf(push))
    try {
      const results = await pipeline.exec()
      return results?.find(([error]) => error !== null)?.[0] ?? null
    } catch (error) {
      return error as Error
    }
  }
}
