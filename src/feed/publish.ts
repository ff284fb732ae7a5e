import type { Cluster, Redis } from '../../db/redis.ts'
import { reached } from '../base/checkpoint.ts'
import { type Clock, systemClock } from '../base/clock.ts'
import { encodeEnvelope, type Push } from './envelope.ts'

export interface PublisherOptions {
  /** A client of the role `publish`: it never waits long, and never sends a message twice. */
  readonly redis: Redis
  /** Whose users these are: the database's name. Two installations may share a Redis if their databases' names differ. */
  readonly installation: string
  /** Hears why messages were not published, and how many; called often while Redis is away. */
  readonly onError: (error: Error, unpublished: number) => void
  /** Hears how many messages Redis took. */
  readonly onPublished?: (count: number) => void
  readonly clock?: Clock
}

/** One command's time is enough for these; more messages are several commands, so that none holds megabytes or keeps Redis for long. */
const COMMAND_MESSAGES = 250

/**
 * Channels and envelopes in turn. As one command they cost this process a fifth of what they would in a pipeline (2 µs instead of
 * 10 a message), and Redis little more. It names no keys, since channels are none.
 */
const PUBLISH_ALL = "for i = 1, #ARGV, 2 do redis.call('PUBLISH', ARGV[i], ARGV[i + 1]) end"

/**
 * The channel of one user. It has no hash tag: in a cluster users' channels spread over the slots, and nothing is ever
 * done to two of them in one command.
 */
export function userChannel(installation: string, userId: string): string {
  return `onceline:${installation}:user:${userId}`
}

/** The channel of those who watch one ride. */
export function rideChannel(installation: string, rideId: string): string {
  return `onceline:${installation}:ride:${rideId}`
}

/** Tells whichever process holds the sockets, over Redis, in envelopes (envelope.ts). */
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
    reached('feed:before-publish')
    for (let start = 0; start < pushes.length; start += COMMAND_MESSAGES) {
      const some = pushes.slice(start, start + COMMAND_MESSAGES)
      const error = await this.#send(some)
      if (error !== null) {
        this.#options.onError(error, pushes.length - start)
        return false
      }
      this.#options.onPublished?.(some.length)
    }
    return true
  }

  async #send(pushes: readonly Push[]): Promise<Error | null> {
    const { redis } = this.#options
    const envelopes = this.#envelopes(pushes)
    try {
      return redis.isCluster
        ? await sendSharded(redis as Cluster, envelopes)
        : await sendTogether(redis, envelopes)
    } catch (error) {
      return error as Error
    }
  }

  /** What several users are told in a row is made into JSON once. */
  *#envelopes(pushes: readonly Push[]): Generator<readonly [channel: string, envelope: string]> {
    const { installation, clock = systemClock } = this.#options
    const nowMs = clock.nowMs()
    let last = { data: null as unknown, json: '' }
    for (const push of pushes) {
      if ('data' in push && last.data !== push.data)
        last = { data: push.data, json: JSON.stringify(push.data) }
      const channel =
        'rideId' in push ? rideChannel(installation, push.rideId) : userChannel(installation, push.userId)
      yield [channel, encodeEnvelope(push, nowMs, last.json)]
    }
  }
}

type Envelopes = Iterable<readonly [channel: string, envelope: string]>

async function sendTogether(redis: Redis, envelopes: Envelopes): Promise<Error | null> {
  await redis.eval(PUBLISH_ALL, 0, ...[...envelopes].flat())
  return null
}

/** One command each, since a pipeline goes to one node; what goes to one node is written at once. */
async function sendSharded(cluster: Cluster, envelopes: Envelopes): Promise<Error | null> {
  const streams = cluster.nodes('master').flatMap(({ stream }) => stream ?? [])
  const answers: Promise<unknown>[] = []
  for (const stream of streams) stream.cork()
  for (const [channel, envelope] of envelopes) answers.push(cluster.spublish(channel, envelope))
  for (const stream of streams) stream.uncork()
  const results = await Promise.allSettled(answers)
  return results.find((result) => result.status === 'rejected')?.reason ?? null
}
