import { openRedis, type Redis, type RedisAddress } from '../../db/redis.ts'
import { Subscriptions, type SubscriptionsOptions } from '../../src/realtime/channels/subscriptions.ts'

/** Subscriptions whose messages and calls are kept. */
export interface Listening {
  readonly subscriptions: Subscriptions
  readonly heard: (readonly [channel: string, text: string])[]
  readonly payloads: Buffer[]
  readonly errors: Error[]
  /** How often it was said that messages may have been lost. */
  readonly resubscribed: () => number
}

export type Tempo = Pick<SubscriptionsOptions, 'heartbeatMs' | 'removalMs'>

export function openSubscriptions(redis: RedisAddress, tempo: Tempo = {}): Listening {
  const heard: (readonly [string, string])[] = []
  const payloads: Buffer[] = []
  const errors: Error[] = []
  let resubscribed = 0
  const subscriptions = new Subscriptions({
    redis,
    ...tempo,
    onMessage: (channel, payload) => {
      payloads.push(payload)
      heard.push([channel, payload.toString()])
    },
    onResubscribed: () => resubscribed++,
    onError: (error) => errors.push(error),
  })
  return { subscriptions, heard, payloads, errors, resubscribed: () => resubscribed }
}

/** A client for publishing and for asking Redis what it knows; it waits for as long as it takes. */
export function openObserver(redis: RedisAddress): Redis {
  return openRedis(redis, 'worker', () => undefined)
}

/** The channels that somebody is subscribed to, sorted. */
export async function subscribedChannels(observer: Redis): Promise<string[]> {
  return ((await observer.pubsub('CHANNELS')) as string[]).sort()
}

/** How often a command was called since the server started. */
export async function callsOf(observer: Redis, command: string): Promise<number> {
  const stats = await observer.info('commandstats')
  return Number(new RegExp(`^cmdstat_${command}:calls=(\\d+)`, 'm').exec(stats)?.[1] ?? 0)
}
