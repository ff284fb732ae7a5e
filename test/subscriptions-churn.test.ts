import { setTimeout as pause } from 'node:timers/promises'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Redis } from '../db/redis.ts'
import { type OwnRedis, openOwnRedis } from './support/own-redis.ts'
import { propertyRuns } from './support/property-runs.ts'
import {
  type Listening,
  openObserver,
  openSubscriptions,
  subscribedChannels,
} from './support/subscriptions.ts'
import { TcpProxy } from './support/tcp-proxy.ts'

let redis: OwnRedis
let proxy: TcpProxy
let observer: Redis

beforeAll(async () => {
  redis = await openOwnRedis('subscriptions-churn')
  proxy = await TcpProxy.open(redis.address)
  observer = openObserver(redis.address)
})
afterAll(async () => {
  observer?.disconnect()
  await proxy?.close()
  await redis?.remove()
})

type Step =
  | { readonly do: 'add' | 'remove' | 'publish'; readonly channel: string }
  /** Adds it, and publishes as soon as that was acknowledged. */
  | { readonly do: 'addAndPublish'; readonly channel: string }
  /** `settled`: everything that is certain was heard before. */
  | { readonly do: 'cut'; readonly settled: boolean }
  /** Until the link is there and everything is subscribed. */
  | { readonly do: 'listen' }
  /** Long enough for removals, or for nothing. */
  | { readonly do: 'wait'; readonly ms: number }

const channel = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f')
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('add' as const), channel }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('remove' as const), channel }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('addAndPublish' as const), channel }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('publish' as const), channel }) },
  { weight: 3, arbitrary: fc.constant({ do: 'listen' as const }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cut' as const), settled: fc.boolean() }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 25 }) }),
  },
)

/** What one sequence left behind, beside what it listens to. */
interface Played {
  readonly wanted: Set<string>
  /** Published after an acknowledgement, and not on its way when the link was cut. */
  readonly certain: Set<string>
}

async function play(listening: Listening, steps: readonly Step[]): Promise<Played> {
  const { subscriptions } = listening
  const wanted = new Set<string>()
  const certain = new Set<string>()
  for (const [n, one] of steps.entries()) {
    if (one.do === 'cut') await cut(listening, certain, one.settled)
    else if (one.do === 'wait') await pause(one.ms)
    else if (one.do === 'listen') await expect.poll(() => subscriptions.isListening, LONG).toBe(true)
    else if (one.do === 'publish') await observer.publish(one.channel, `${n}`)
    else if (one.do === 'remove') {
      wanted.delete(one.channel)
      subscriptions.remove(one.channel)
    } else {
      wanted.add(one.channel)
      const added = subscriptions.add(one.channel)
      if (one.do === 'add' || !(await added)) continue
      const receivers = await observer.publish(one.channel, `${n}`)
      expect(receivers).toBeGreaterThan(0)
      certain.add(`${n}`)
    }
  }
  return { wanted, certain }
}

async function cut({ heard }: Listening, certain: Set<string>, isSettled: boolean): Promise<void> {
  const texts = () => heard.map(([, text]) => text)
  if (isSettled) await expect.poll(texts, LONG).toEqual(expect.arrayContaining([...certain]))
  proxy.cutAll()
  // Time for the reset to be read, so that nobody believes in the old link.
  await pause(5)
  for (const text of certain) if (!texts().includes(text)) certain.delete(text)
}

/**
 * Any sequence of additions, removals and cuts: in the end exactly what is wanted is subscribed, once; nothing was ever heard
 * twice; and what was published after an acknowledgement is heard.
 */
it('after any churn exactly what is wanted is subscribed, and each message is heard once', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), async (steps) => {
      const address = { ...redis.address, host: '127.0.0.1', port: proxy.port }
      const listening = openSubscriptions(address, { removalMs: 10, heartbeatMs: 200 })
      const { subscriptions, heard } = listening
      try {
        const { wanted, certain } = await play(listening, steps)
        await expect.poll(() => subscribedChannels(observer), LONG).toEqual([...wanted].sort())
        await expect.poll(() => subscriptions.isListening, LONG).toBe(true)
        await expect.poll(() => subscriptions.size, LONG).toBe(wanted.size)
        for (const name of wanted) expect(await observer.publish(name, `last ${name}`)).toBe(1)
        await expect
          .poll(() => heard.filter(([, text]) => text.startsWith('last')).length, LONG)
          .toBe(wanted.size)
        const texts = heard.map(([, text]) => text)
        expect(new Set(texts).size).toBe(texts.length)
        expect(texts).toEqual(expect.arrayContaining([...certain]))
      } finally {
        await subscriptions.close()
        await expect.poll(() => subscribedChannels(observer), LONG).toEqual([])
      }
    }),
    { ...propertyRuns(60), endOnFailure: true },
  )
}, 120_000)

const LONG = { timeout: 10_000, interval: 5 }
