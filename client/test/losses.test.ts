import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { WebSocket as Ws } from 'ws'
import type { ClientOptions, ClientState, OncelineClient } from '../client.ts'
import { ScriptedServer } from './scripted-server.ts'
import { clientOf, closeClients, connectedTo, HandClock, numbersOf, until } from './support.ts'

let server: ScriptedServer

beforeEach(async () => {
  server = await ScriptedServer.start()
})

afterEach(async () => {
  await closeClients()
  await server.stop()
})

const connected = (options: Partial<ClientOptions> = {}) => connectedTo(server, options)

const stateOf = async (client: OncelineClient, name: ClientState['name']): Promise<ClientState> => {
  await until(() => client.state.name === name, name)
  return client.state
}

const ws = { WebSocket: Ws }

describe('close codes', () => {
  it('4409: another device has taken over; the client stops until it is told to go on', async () => {
    const client = await connected()
    server.closeAll(4409)
    expect(await stateOf(client, 'stopped')).toEqual({ name: 'stopped', why: 'replaced' })
    await expect(client.opened()).rejects.toThrow('replaced')
    client.connect()
    await client.opened()
    expect(server.knocks).toHaveLength(2)
  })

  it('4408: too slow; it comes back at once and misses nothing', async () => {
    const client = await connected({ backoffBaseMs: 60_000, backoffCapMs: 60_000 })
    const numbers = numbersOf(client)
    server.append()
    await until(() => numbers.length === 1)
    server.closeAll(4408)
    server.append()
    await until(() => numbers.length === 2)
    expect(server.knocks.at(-1)?.since).toBe(1)
  })

  it('1012: it stays away as long as it is asked to, and a page that wakes changes nothing', async () => {
    const clock = new HandClock()
    const client = await connected({ clock, random: () => 0 })
    server.closeAll(1012, '{"retryAfterMs":7000}')
    expect(await stateOf(client, 'waiting')).toMatchObject({ delayMs: 7_000, isFirm: true })
    clock.pass(6_999)
    expect(client.state.name).toBe('waiting')
    clock.pass(1)
    await client.opened()
  })

  it('4429: it stays away for seconds', async () => {
    const clock = new HandClock()
    const client = await connected({ clock, random: () => 0 })
    server.closeAll(4429)
    expect(await stateOf(client, 'waiting')).toMatchObject({ delayMs: 5_000, isFirm: true })
  })

  it.each([
    [4401, 'unauthorized'],
    [4403, 'forbidden'],
  ] as const)('%i: what was refused is not sent again', async (code, why) => {
    const client = await connected()
    server.closeAll(code)
    expect(await stateOf(client, 'stopped')).toEqual({ name: 'stopped', why })
    expect(server.knocks).toHaveLength(1)
  })

  it('4401: a new token opens a new connection; the same one again, or none, stops', async () => {
    const tokens: (string | null)[] = ['first', 'second', 'second']
    const client = await connected({ token: async () => tokens.shift() ?? null })
    server.closeAll(4401)
    await until(() => server.knocks.length === 2 && client.state.name === 'open')
    expect(server.knocks[1]?.protocols).toContain('bearer.second')
    server.closeAll(4401)
    expect(await stateOf(client, 'stopped')).toEqual({ name: 'stopped', why: 'unauthorized' })
    client.connect()
    expect(await stateOf(client, 'stopped')).toEqual({ name: 'stopped', why: 'unauthorized' })
    expect(server.knocks).toHaveLength(2)
  })

  it.each([
    [401, 'unauthorized'],
    [403, 'forbidden'],
  ] as const)(
    'HTTP %i before the upgrade counts the same, where the WebSocket tells it',
    async (status, why) => {
      server.refuse = status
      const client = clientOf(server, ws)
      client.connect()
      expect(await stateOf(client, 'stopped')).toEqual({ name: 'stopped', why })
    },
  )

  it('any other refusal is tried again, and its reason is there for people', async () => {
    server.refuse = 404
    const client = clientOf(server, { ...ws, backoffBaseMs: 60_000, backoffCapMs: 60_000 })
    client.connect()
    expect(await stateOf(client, 'waiting')).toMatchObject({
      loss: { code: 1006, reason: 'Unexpected server response: 404' },
    })
  })

  it('a WebSocket that tells no status tries again, later and later', async () => {
    server.refuse = 503
    const client = clientOf(server)
    client.connect()
    await until(() => client.state.name === 'waiting' && client.state.attempt === 3)
    server.refuse = null
    await client.opened()
  })
})

it('a client that is closed as soon as it is greeted keeps nothing and waits for nothing', async () => {
  server.append()
  const clock = new HandClock()
  const kept: number[] = []
  const client = clientOf(server, { clock, cursor: { get: () => null, set: (seq) => void kept.push(seq) } })
  client.on('ready', () => client.close())
  client.connect()
  await stateOf(client, 'stopped')
  await until(() => clock.isIdle)
  expect(kept).toEqual([])
})

describe('a connection that is dead', () => {
  it.each([
    ['the platform’s', {}],
    ['ws', ws],
  ])('is noticed by silence (%s)', async (_name, platform) => {
    const clock = new HandClock()
    const client = await connected({ clock, random: () => 0, ...platform })
    server.freezeAll()
    clock.pass(25_000 * 2 - 1)
    expect(client.state.name).toBe('open')
    clock.pass(25_000)
    await until(() => server.knocks.length === 2)
  })

  it('is not one that answers', async () => {
    const clock = new HandClock()
    const client = await connected({ clock })
    for (let beat = 1; beat <= 4; beat += 1) {
      const pong = new Promise((resolve) => client.on('pong', resolve))
      clock.pass(25_000)
      await pong
    }
    expect(server.knocks).toHaveLength(1)
    expect(server.heard.map(({ event }) => event)).toEqual(['ping', 'ping', 'ping', 'ping'])
  })

  it('is given up where it never becomes ready', async () => {
    const clock = new HandClock()
    server.onKnock = () => true
    const client = clientOf(server, { clock, random: () => 0.5 })
    client.connect()
    await until(() => server.knocks.length === 1)
    clock.pass(14_999)
    expect(client.state).toEqual({ name: 'connecting', attempt: 0 })
    server.onKnock = null
    clock.pass(1)
    expect(client.state.name).toBe('waiting')
    clock.pass(1)
    await client.opened()
  })

  it('is asked at once when the page wakes, and a wait ends then', async () => {
    const page = new EventTarget()
    vi.stubGlobal('addEventListener', page.addEventListener.bind(page))
    const left: string[] = []
    vi.stubGlobal('removeEventListener', (type: string) => left.push(type))
    const clock = new HandClock()
    const client = await connected({ clock, random: () => 0.5 })
    page.dispatchEvent(new Event('online'))
    await until(() => server.heard[0]?.event === 'ping')
    server.freezeAll()
    await new Promise((resolve) => setTimeout(resolve, 20))
    page.dispatchEvent(new Event('online'))
    clock.pass(5_000)
    expect(client.state.name).toBe('waiting')
    page.dispatchEvent(new Event('online'))
    await client.opened()
    await client.close()
    expect(left).toEqual(['online'])
    vi.unstubAllGlobals()
  })

  it('leaves no timer behind once the client is closed', async () => {
    const clock = new HandClock()
    const client = await connected({ clock })
    server.append()
    await until(() => client.seen === 1)
    void client.send('driver:arrived', { rideId: 'ride-1' }).catch(() => undefined)
    await client.close()
    expect(clock.isIdle).toBe(true)
  })
})
