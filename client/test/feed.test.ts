import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { WebSocket as Ws } from 'ws'
import { ScriptedServer } from './scripted-server.ts'
import { clientOf, closeClients, HandClock, numbersOf, until } from './support.ts'

let server: ScriptedServer

beforeEach(async () => {
  server = await ScriptedServer.start()
})

afterEach(async () => {
  await closeClients()
  await server.stop()
})

const PLATFORMS = [
  ["the platform's WebSocket", {}],
  ['ws', { WebSocket: Ws }],
] as const

describe.each(PLATFORMS)('the feed over %s', (_, platform) => {
  it('begins at the head and goes on in order', async () => {
    for (let n = 0; n < 3; n += 1) server.append()
    const client = clientOf(server, platform)
    const numbers = numbersOf(client)
    client.connect()
    await client.opened()
    expect(client.seen).toBe(3)
    server.append()
    server.append()
    await until(() => numbers.length === 2)
    expect(numbers).toEqual([4, 5])
    expect(server.knocks[0]).toMatchObject({ since: null, protocols: ['onceline.v1', 'bearer.e30.e30.c2ln'] })
  })

  it('resumes after what it has delivered, when the connection is cut', async () => {
    const client = clientOf(server, platform)
    const numbers = numbersOf(client)
    client.connect()
    await client.opened()
    server.append()
    await until(() => numbers.length === 1)
    server.cutAll()
    server.append()
    server.append()
    await until(() => numbers.length === 3)
    expect(numbers).toEqual([1, 2, 3])
    expect(server.knocks.at(-1)?.since).toBe(1)
  })

  it('stops to tell when it is closed in the middle of a message', async () => {
    const client = clientOf(server, platform)
    const numbers = numbersOf(client)
    client.on('payment:updated', (_data, { seq }) => {
      if (seq === 2) void client.close()
    })
    client.connect()
    await client.opened()
    for (let n = 0; n < 5; n += 1) server.append()
    await until(() => client.state.name === 'stopped')
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(numbers).toEqual([1, 2])
  })
})

describe('the feed', () => {
  it('asks once for what is missing, and shows nothing before it', async () => {
    const client = clientOf(server)
    const numbers = numbersOf(client)
    client.connect()
    await client.opened()
    server.onCommand = ({ event }) => event === 'feed:resume'
    server.faults = ['fine', 'lost', 'fine', 'fine']
    for (let n = 0; n < 4; n += 1) server.append()
    await until(() => server.heard.length > 0)
    server.push('pong', { serverTime: 1 })
    await new Promise((resolve) => client.on('pong', resolve))
    expect(numbers).toEqual([1])
    expect(server.heard.map(({ event, data }) => [event, data])).toEqual([['feed:resume', { since: 1 }]])
  })

  it('comes back for it on a new connection where the server does not go on', async () => {
    const client = clientOf(server)
    const numbers = numbersOf(client)
    client.onError(() => undefined)
    client.connect()
    await client.opened()
    server.onCommand = ({ event, id }, socket) => {
      const error = { code: 'unavailable', message: 'not now', retry: false }
      if (event === 'feed:resume') socket.send(JSON.stringify({ re: id, ok: false, error }))
      return event === 'feed:resume'
    }
    server.faults = ['lost', 'fine']
    server.append()
    server.append()
    await until(() => numbers.length === 2)
    expect(numbers).toEqual([1, 2])
    expect(server.knocks.map(({ since }) => since)).toEqual([null, 0])
  })

  it('goes on after a reset with the snapshot, and hears nothing twice', async () => {
    const client = clientOf(server)
    const numbers = numbersOf(client)
    const resets: number[] = []
    client.on('feed:reset', ({ head }) => resets.push(head))
    client.connect()
    await client.opened()
    server.append()
    await until(() => numbers.length === 1)
    server.onKnock = (socket) => {
      socket.terminate()
      return true
    }
    server.cutAll()
    for (let n = 0; n < 4; n += 1) server.append()
    server.pruned = 3
    server.onKnock = null
    await until(() => resets.length === 1)
    server.append()
    await until(() => numbers.length === 2)
    expect([resets, numbers]).toEqual([[5], [1, 6]])
  })

  it('takes a feed that is shorter than its own for another one', async () => {
    const cursor = { get: () => 40, set: () => undefined }
    const client = clientOf(server, { cursor })
    const resets: number[] = []
    client.on('feed:reset', ({ head }) => resets.push(head))
    const numbers = numbersOf(client)
    client.connect()
    await client.opened()
    await until(() => resets.length > 0)
    server.append()
    await until(() => numbers.length === 1)
    expect([resets, numbers]).toEqual([[0], [1]])
  })

  it('outlives the app where it has a place for its cursor', async () => {
    let kept: number | null = null
    const cursor = {
      get: async () => kept,
      set: async (seq: number) => {
        await new Promise((resolve) => setTimeout(resolve, 1))
        kept = seq
      },
    }
    const first = clientOf(server, { cursor })
    const heard = numbersOf(first)
    first.connect()
    await first.opened()
    for (let n = 0; n < 20; n += 1) server.append()
    await until(() => heard.length === 20)
    await first.close()
    expect(kept).toBe(20)
    server.append()
    const second = clientOf(server, { cursor })
    const numbers = numbersOf(second)
    second.connect()
    await until(() => numbers.length === 1)
    expect(numbers).toEqual([21])
  })

  it('begins after what was acknowledged, if it is asked to', async () => {
    for (let n = 0; n < 5; n += 1) server.append()
    server.acked = 3
    const client = clientOf(server, { start: 'acked' })
    const numbers = numbersOf(client)
    client.connect()
    await until(() => numbers.length === 2)
    expect(numbers).toEqual([4, 5])
  })

  it('acknowledges what it has shown, once a second and at the goodbye, and says nothing that is known', async () => {
    const clock = new HandClock()
    const client = clientOf(server, { clock })
    const acks = () => server.heard.filter(({ event }) => event === 'feed:ack').map(({ data }) => data.seq)
    client.connect()
    await client.opened()
    for (let n = 0; n < 10; n += 1) server.append()
    await until(() => client.seen === 10)
    clock.pass(1_000)
    await until(() => server.acked === 10)
    server.append()
    await until(() => client.seen === 11)
    await client.close()
    await until(() => server.acked === 11)
    expect(acks()).toEqual([10, 11])
    client.connect()
    await client.opened()
    await client.close()
    await until(() => server.sockets.length === 0)
    expect(acks()).toEqual([10, 11])
  })

  it('acknowledges nothing where it is told not to', async () => {
    const client = clientOf(server, { autoAck: false })
    client.connect()
    await client.opened()
    server.append()
    await until(() => client.seen === 1)
    await client.close()
    await until(() => server.sockets.length === 0)
    expect(server.heard).toEqual([])
  })

  it('shows a message to every listener, also where one throws', async () => {
    const client = clientOf(server)
    const errors: unknown[] = []
    client.onError((error) => errors.push(error))
    client.on('payment:updated', () => {
      throw new Error('a bug of the app')
    })
    client.on('payment:updated', async () => {
      throw new Error('another')
    })
    const numbers = numbersOf(client)
    client.connect()
    await client.opened()
    server.append()
    server.append()
    await until(() => numbers.length === 2 && errors.length === 4)
  })
})
