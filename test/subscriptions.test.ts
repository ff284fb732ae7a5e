import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import type { Redis } from '../db/redis.ts'
import { type OwnRedis, openOwnRedis } from './support/own-redis.ts'
import {
  callsOf,
  type Listening,
  openObserver,
  openSubscriptions,
  subscribedChannels,
  type Tempo,
} from './support/subscriptions.ts'

const closing: (() => unknown)[] = []
let redis: OwnRedis
let observer: Redis

beforeAll(async () => {
  redis = await openOwnRedis('subscriptions')
  observer = openObserver(redis.address)
})
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})
beforeEach(() => expect.poll(() => subscribedChannels(observer)).toEqual([]))
afterAll(async () => {
  observer?.disconnect()
  await redis?.remove()
})

async function open(tempo?: Tempo): Promise<Listening> {
  const listening = openSubscriptions(redis.address, tempo)
  closing.push(() => listening.subscriptions.close())
  await expect.poll(() => listening.subscriptions.isListening).toBe(true)
  return listening
}

const names = (count: number) => Array.from({ length: count }, (_, n) => `c${n}`)

it('what is published after add() resolved is heard, as the bytes that it was, and nothing else', async () => {
  const { subscriptions, heard } = await open()
  expect(await subscriptions.add('a')).toBe(true)
  expect(await observer.publish('a', 'ü1')).toBe(1)
  expect(await observer.publish('b', '2')).toBe(0)
  expect(await observer.publish('a', '3')).toBe(1)
  await expect.poll(() => heard.length).toBe(2)
  expect(heard).toEqual([
    ['a', 'ü1'],
    ['a', '3'],
  ])
})

it('bytes that are no text arrive as they are', async () => {
  const { subscriptions, payloads } = await open()
  await subscriptions.add('a')
  const bytes = [Buffer.from([0, 255, 13, 10, 128]), Buffer.alloc(0), Buffer.alloc(100_000, 200)]
  for (const one of bytes) await observer.publish('a', one)
  await expect.poll(() => payloads.length).toBe(3)
  expect(payloads).toEqual(bytes)
})

it('what one tick adds is one command, a thousand channels at most; what is there already costs none', async () => {
  const { subscriptions } = await open()
  const before = await callsOf(observer, 'subscribe')
  const added = await Promise.all([...names(1000), 'c7', 'c8'].map((name) => subscriptions.add(name)))
  expect(new Set(added)).toEqual(new Set([true]))
  expect((await callsOf(observer, 'subscribe')) - before).toBe(1)
  expect(await Promise.all(names(1000).map((name) => subscriptions.add(name)))).not.toContain(false)
  expect((await callsOf(observer, 'subscribe')) - before).toBe(1)
  expect((await subscribedChannels(observer)).length).toBe(1000)
})

it('ten thousand channels: ten commands, each hears its own, and all of them come back after a cut', async () => {
  const { subscriptions, heard, resubscribed } = await open()
  const before = await callsOf(observer, 'subscribe')
  const all = names(10_000)
  expect(await Promise.all(all.map((name) => subscriptions.add(name)))).not.toContain(false)
  expect((await callsOf(observer, 'subscribe')) - before).toBe(10)
  expect(subscriptions.size).toBe(10_000)
  await observer.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
  await expect.poll(() => resubscribed()).toBe(1)
  expect((await callsOf(observer, 'subscribe')) - before).toBe(20)
  expect(subscriptions.isListening).toBe(true)
  const sent = observer.pipeline()
  for (const name of all) sent.publish(name, name)
  expect((await sent.exec())?.every(([, count]) => count === 1)).toBe(true)
  await expect.poll(() => heard.length).toBe(10_000)
  expect(heard.every(([channel, text]) => channel === all[Number(text.slice(1))])).toBe(true)
  expect(new Set(heard.map(([channel]) => channel)).size).toBe(10_000)
  expect(resubscribed()).toBe(1)
})

it('a removed channel stays for a while, so that whoever comes back costs nothing; then many go with one command', async () => {
  const { subscriptions, heard } = await open({ removalMs: 300 })
  await Promise.all(names(50).map((name) => subscriptions.add(name)))
  const subscribes = await callsOf(observer, 'subscribe')
  const unsubscribes = await callsOf(observer, 'unsubscribe')
  for (const name of names(50)) subscriptions.remove(name)
  expect(await observer.publish('c0', 'still there')).toBe(1)
  expect(await subscriptions.add('c1')).toBe(true)
  await expect.poll(() => subscribedChannels(observer)).toEqual(['c1'])
  expect(await callsOf(observer, 'subscribe')).toBe(subscribes)
  expect((await callsOf(observer, 'unsubscribe')) - unsubscribes).toBe(1)
  expect(subscriptions.size).toBe(1)
  expect(heard).toEqual([['c0', 'still there']])
  expect(await subscriptions.add('c2')).toBe(true)
  expect(await observer.publish('c2', 'again')).toBe(1)
  expect(await observer.publish('c1', 'kept')).toBe(1)
})

it('a Redis that does not let go of a channel is asked again', async () => {
  const { subscriptions, errors } = await open({ removalMs: 20 })
  await subscriptions.add('a')
  await observer.acl('SETUSER', 'default', '-unsubscribe')
  closing.push(() => observer.acl('SETUSER', 'default', '+unsubscribe'))
  subscriptions.remove('a')
  await expect.poll(() => errors.length).toBeGreaterThan(1)
  await observer.acl('SETUSER', 'default', '+unsubscribe')
  await expect.poll(() => subscribedChannels(observer)).toEqual([])
  await expect.poll(() => subscriptions.size).toBe(0)
})

it('a channel that Redis let go of without saying so in time is subscribed anew by whoever comes back', async () => {
  const { subscriptions, errors, heard } = await open({ removalMs: 20, heartbeatMs: 60_000 })
  await subscriptions.add('a')
  subscriptions.remove('a')
  redis.freeze()
  closing.push(() => redis.thaw())
  await expect.poll(() => errors.length, { timeout: 10_000 }).toBe(1)
  const added = subscriptions.add('a')
  redis.thaw()
  expect(await added).toBe(true)
  expect(await observer.publish('a', 'heard')).toBe(1)
  await expect.poll(() => heard).toEqual([['a', 'heard']])
})

it('what is unknown, or removed twice, or removed before its answer came, does no harm', async () => {
  const { subscriptions } = await open({ removalMs: 50 })
  subscriptions.remove('nobody')
  const added = subscriptions.add('a')
  subscriptions.remove('a')
  subscriptions.remove('a')
  expect(await added).toBe(true)
  await expect.poll(() => subscribedChannels(observer)).toEqual([])
  expect(subscriptions.size).toBe(0)
})

it('before the first connection add() says false at once, and the channel is subscribed and told of when it is there', async () => {
  const listening = openSubscriptions(redis.address)
  closing.push(() => listening.subscriptions.close())
  expect(listening.subscriptions.isListening).toBe(false)
  expect(await listening.subscriptions.add('a')).toBe(false)
  await expect.poll(() => listening.resubscribed()).toBe(1)
  expect(await subscribedChannels(observer)).toEqual(['a'])
  expect(await listening.subscriptions.add('a')).toBe(true)
})

it('a Redis that refuses is asked again at each beat, on the same link', async () => {
  const { subscriptions, errors, resubscribed } = await open({ heartbeatMs: 50 })
  await observer.acl('SETUSER', 'default', 'resetchannels', '&allowed')
  closing.push(() => observer.acl('SETUSER', 'default', 'allchannels'))
  const connections = await connectionsReceived()
  expect(await subscriptions.add('a')).toBe(false)
  expect(subscriptions.isListening).toBe(false)
  await expect.poll(() => errors.length).toBeGreaterThan(2)
  expect(await subscriptions.add('allowed')).toBe(true)
  await observer.acl('SETUSER', 'default', 'allchannels')
  await expect.poll(() => resubscribed()).toBe(1)
  expect(subscriptions.isListening).toBe(true)
  expect(await subscribedChannels(observer)).toEqual(['a', 'allowed'])
  expect(await connectionsReceived()).toBe(connections)
})

async function connectionsReceived(): Promise<string | undefined> {
  return /^total_connections_received:(\d+)/m.exec(await observer.info('stats'))?.[1]
}

it('after close() nothing is heard, and everybody is told false', async () => {
  const { subscriptions, heard } = await open()
  await subscriptions.add('a')
  const waiting = subscriptions.add('b')
  await subscriptions.close()
  expect(await waiting).toBe(false)
  expect(await subscriptions.add('c')).toBe(false)
  await expect.poll(() => subscribedChannels(observer)).toEqual([])
  expect(heard).toEqual([])
})
