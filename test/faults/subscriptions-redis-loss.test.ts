import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import type { Redis } from '../../db/redis.ts'
import { type OwnRedis, openOwnRedis } from '../support/own-redis.ts'
import {
  type Listening,
  openObserver,
  openSubscriptions,
  subscribedChannels,
} from '../support/subscriptions.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'

let redis: OwnRedis
let proxy: TcpProxy
let observer: Redis
const closing: (() => unknown)[] = []

beforeAll(async () => {
  redis = await openOwnRedis('subscriptions-loss')
  proxy = await TcpProxy.open(redis.address)
  observer = openObserver(redis.address)
})
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
  proxy.thaw()
})
afterAll(async () => {
  observer?.disconnect()
  await proxy?.close()
  await redis?.remove()
})

/** Through the proxy, with these channels. */
async function open(channels: readonly string[], heartbeatMs?: number): Promise<Listening> {
  const address = { ...redis.address, host: '127.0.0.1', port: proxy.port }
  const listening = openSubscriptions(address, heartbeatMs === undefined ? {} : { heartbeatMs })
  closing.push(() => listening.subscriptions.close())
  await expect.poll(() => listening.subscriptions.isListening, LONG).toBe(true)
  expect(await Promise.all(channels.map((one) => listening.subscriptions.add(one)))).not.toContain(false)
  return listening
}

const LONG = { timeout: 20_000 }

/** Everything that is wanted is heard, once. */
async function expectHeard({ heard }: Listening, channels: readonly string[]): Promise<void> {
  heard.length = 0
  for (const channel of channels) expect(await observer.publish(channel, `to ${channel}`)).toBe(1)
  await expect.poll(() => heard.length).toBe(channels.length)
  expect(heard).toEqual(channels.map((channel) => [channel, `to ${channel}`]))
}

it('killed and started again: false at once meanwhile, and everything is subscribed again, with one word of it', async () => {
  const listening = await open(['a', 'b', 'gone'])
  const { subscriptions } = listening
  await redis.kill()
  await expect.poll(() => subscriptions.isListening).toBe(false)
  expect(await subscriptions.add('a')).toBe(false)
  expect(await subscriptions.add('c')).toBe(false)
  subscriptions.remove('gone')
  expect(listening.resubscribed()).toBe(0)
  await redis.revive()
  await expect.poll(() => listening.resubscribed(), LONG).toBe(1)
  expect(subscriptions.isListening).toBe(true)
  await expect.poll(() => observer.status, LONG).toBe('ready')
  expect(await subscribedChannels(observer)).toEqual(['a', 'b', 'c'])
  await expectHeard(listening, ['a', 'b', 'c'])
  expect(listening.resubscribed()).toBe(1)
})

it('frozen for a moment: add() is given up in half a second, then subscribed on the same link, and that is said', async () => {
  const listening = await open(['a'])
  redis.freeze()
  closing.push(() => redis.thaw())
  expect(await listening.subscriptions.add('late')).toBe(false)
  // Sooner than any command is given up.
  expect(listening.errors).toEqual([])
  expect(listening.subscriptions.isListening).toBe(false)
  redis.thaw()
  await expect.poll(() => listening.resubscribed(), LONG).toBe(1)
  await expectHeard(listening, ['a', 'late'])
})

it('a channel that is removed before Redis has answered is let go afterwards', async () => {
  const address = { ...redis.address, host: '127.0.0.1', port: proxy.port }
  const listening = openSubscriptions(address, { removalMs: 20 })
  closing.push(() => listening.subscriptions.close())
  await expect.poll(() => listening.subscriptions.isListening, LONG).toBe(true)
  proxy.holdAnswers()
  const added = listening.subscriptions.add('hasty')
  listening.subscriptions.remove('hasty')
  // Half a second, in which its time is over many times.
  expect(await added).toBe(false)
  proxy.releaseAnswers()
  await expect.poll(() => listening.resubscribed(), LONG).toBe(1)
  await expect.poll(() => subscribedChannels(observer), LONG).toEqual([])
  expect(listening.subscriptions.size).toBe(0)
})

it('frozen for long: the link is left, and everything is there when Redis wakes', async () => {
  const listening = await open(['a', 'b'], 100)
  const adding = listening.subscriptions.add('c')
  expect(await adding).toBe(true)
  redis.freeze()
  closing.push(() => redis.thaw())
  await expect.poll(() => listening.errors.length, LONG).toBeGreaterThan(0)
  await expect.poll(() => listening.subscriptions.isListening, LONG).toBe(false)
  expect(await listening.subscriptions.add('d')).toBe(false)
  redis.thaw()
  await expect.poll(() => listening.resubscribed(), LONG).toBe(1)
  await expect.poll(() => observer.pubsub('NUMSUB', 'a', 'd'), LONG).toEqual(['a', 1, 'd', 1])
  await expectHeard(listening, ['a', 'b', 'c', 'd'])
})

it('half open: a link that died without a word is noticed, and another one made', async () => {
  const listening = await open(['a', 'b'])
  proxy.freezeLinks()
  await expect.poll(() => listening.resubscribed(), LONG).toBe(1)
  expect(listening.subscriptions.isListening).toBe(true)
  // Redis knows both links; ours hears each message once.
  listening.heard.length = 0
  await observer.publish('a', 'x')
  await observer.publish('b', 'y')
  await expect.poll(() => listening.heard.length).toBe(2)
  expect(listening.heard).toEqual([
    ['a', 'x'],
    ['b', 'y'],
  ])
})

it('a link that brings messages and answers nothing is left, too', async () => {
  const listening = await open(['a'], 50)
  proxy.dropRequests()
  const talk = setInterval(() => void observer.publish('a', 'x'), 50)
  closing.push(() => clearInterval(talk))
  await expect.poll(() => listening.resubscribed(), LONG).toBe(1)
  clearInterval(talk)
  listening.heard.length = 0
  await observer.publish('a', 'last')
  await expect.poll(() => listening.heard).toContainEqual(['a', 'last'])
})

it('a process that was busy for long does not take a healthy link for a dead one', async () => {
  const listening = await open(['a'], 50)
  proxy.holdAnswers()
  await proxy.answersHeld(1)
  proxy.releaseAnswers()
  const busyUntil = performance.now() + 2_500
  while (performance.now() < busyUntil);
  await expectHeard(listening, ['a'])
  await new Promise((resolve) => setTimeout(resolve, 200))
  expect(listening.subscriptions.isListening).toBe(true)
  expect(listening.resubscribed()).toBe(0)
})

it('a Redis that cannot be reached at first is found later', async () => {
  await proxy.refuse()
  const address = { ...redis.address, host: '127.0.0.1', port: proxy.port }
  const listening = openSubscriptions(address)
  closing.push(() => listening.subscriptions.close())
  expect(await listening.subscriptions.add('a')).toBe(false)
  await expect.poll(() => listening.errors.length, LONG).toBeGreaterThan(1)
  await proxy.accept()
  await expect.poll(() => listening.resubscribed(), LONG).toBe(1)
  await expectHeard(listening, ['a'])
})
