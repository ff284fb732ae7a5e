import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CommandError } from '../client.ts'
import { ScriptedServer } from './scripted-server.ts'
import { clientOf, closeClients, HandClock, until } from './support.ts'

let server: ScriptedServer

beforeEach(async () => {
  server = await ScriptedServer.start()
})

afterEach(async () => {
  await closeClients()
  await server.stop()
})

const failure = (promise: Promise<unknown>): Promise<CommandError> =>
  promise.then(
    () => {
      throw new Error('it was answered with success')
    },
    (error) => error as CommandError,
  )

const ride = { rideId: 'ride-1' }

describe('a command', () => {
  it('resolves with the data of its reply', async () => {
    const client = clientOf(server)
    client.connect()
    await client.opened()
    expect(await client.send('ride:cancel', { ...ride, reason: 'late' })).toEqual({ effect: 1 })
    expect(server.heard[0]).toMatchObject({
      event: 'ride:cancel',
      data: { rideId: 'ride-1', reason: 'late' },
    })
  })

  it('waits for a connection, and goes in the order in which it was said', async () => {
    const client = clientOf(server)
    const replies = ['ride-1', 'ride-2', 'ride-3'].map((rideId) => client.send('driver:arrived', { rideId }))
    client.connect()
    await Promise.all(replies)
    expect(server.heard.map(({ data }) => data.rideId)).toEqual(['ride-1', 'ride-2', 'ride-3'])
  })

  it('is sent again with its id when the answer was lost, and takes effect once', async () => {
    const client = clientOf(server)
    client.connect()
    await client.opened()
    server.faults = ['cut_after']
    expect(await client.send('driver:arrived', ride)).toEqual({ effect: 1 })
    expect(server.heard).toHaveLength(2)
    expect(server.heard[1]).toEqual(server.heard[0])
    expect([...server.effects.values()]).toEqual([1])
  })

  it('is sent again with its id after an error that asks for it', async () => {
    const client = clientOf(server)
    client.connect()
    await client.opened()
    server.faults = ['retry', 'retry']
    expect(await client.send('driver:arrived', ride)).toEqual({ effect: 1 })
    expect(new Set(server.heard.map(({ id }) => id)).size).toBe(1)
    expect(server.heard).toHaveLength(3)
  })

  it('rejects with the server’s own words, and is not sent again', async () => {
    const client = clientOf(server)
    client.connect()
    await client.opened()
    const fields = [{ field: 'otp', message: '1 to 16 characters' }]
    server.onCommand = ({ id }, socket) => {
      const error = { code: 'invalid', message: 'not so', retry: false, fields }
      socket.send(JSON.stringify({ re: id, ok: false, error }))
      return true
    }
    const error = await failure(client.send('ride:start', { ...ride, otp: '1' }))
    expect(error).toBeInstanceOf(CommandError)
    expect(error).toMatchObject({
      ...{ code: 'invalid', message: 'not so', retry: false, outcome: 'refused', fields },
    })
    expect(server.heard).toHaveLength(1)
  })

  it('rejects at once where the server asks for a time beyond its deadline, and does not call that a refusal', async () => {
    const client = clientOf(server)
    client.connect()
    await client.opened()
    server.onCommand = ({ id }, socket) => {
      const error = { code: 'unavailable', message: 'who knows', retry: true, retryAfterMs: 60_000 }
      socket.send(JSON.stringify({ re: id, ok: false, error }))
      return true
    }
    const error = await failure(client.send('driver:arrived', ride))
    expect(error).toMatchObject({
      code: 'unavailable',
      retry: true,
      retryAfterMs: 60_000,
      outcome: 'unknown',
    })
  })

  it('tells whether it may have had an effect when its time is over', async () => {
    const client = clientOf(server)
    const unsent = failure(client.send('driver:arrived', ride, { timeoutMs: 5 }))
    expect(await unsent).toMatchObject({ code: 'timeout', outcome: 'not_sent', retry: true })
    client.connect()
    await client.opened()
    server.onCommand = () => true
    const unanswered = await failure(client.send('driver:arrived', ride, { timeoutMs: 20 }))
    expect(unanswered).toMatchObject({ code: 'timeout', outcome: 'unknown' })
    server.onCommand = null
    expect(await client.send('driver:arrived', ride, { id: unanswered.commandId })).toEqual({ effect: 1 })
    expect(server.heard[0]?.id).toBe(server.heard[1]?.id)
  })

  it('is refused where too many wait, where its id waits already, and where it is too big', async () => {
    const client = clientOf(server, { maxQueued: 2 })
    const waiting = ['a', 'b'].map((id) => failure(client.send('driver:arrived', ride, { id })))
    expect(await failure(client.send('driver:arrived', ride))).toMatchObject({ code: 'queue_full' })
    expect(await failure(client.send('driver:arrived', ride, { id: 'a' }))).toMatchObject({
      code: 'queue_full',
    })
    const big = clientOf(server).send('ride:cancel', { ...ride, reason: 'é'.repeat(9_000) })
    expect(await failure(big)).toMatchObject({ code: 'too_big', outcome: 'not_sent', retry: false })
    await client.close()
    for (const error of await Promise.all(waiting))
      expect(error).toMatchObject({ code: 'closed', outcome: 'not_sent' })
  })

  it('fails at once without a connection if it may not wait, and with it', async () => {
    const client = clientOf(server)
    const offline = await failure(client.send('driver:arrived', ride, { queue: false }))
    expect(offline).toMatchObject({ code: 'offline', outcome: 'not_sent' })
    client.connect()
    await client.opened()
    server.faults = ['cut']
    const cut = await failure(client.send('driver:arrived', ride, { queue: false }))
    expect(cut).toMatchObject({ code: 'offline', outcome: 'unknown' })
    expect(server.heard).toHaveLength(1)
  })

  it('goes no faster than the server takes it', async () => {
    server.limits = { messagesPerSecond: 20 }
    const clock = new HandClock()
    const client = clientOf(server, { clock })
    const replies = Array.from({ length: 25 }, (_, n) =>
      client.send('driver:arrived', { rideId: `ride-${n}` }),
    )
    client.connect()
    for (const [first, last] of [
      [0, 10],
      [10, 20],
      [20, 25],
    ] as const) {
      await Promise.all(replies.slice(first, last))
      expect(server.heard).toHaveLength(last)
      clock.pass(1_000)
    }
    expect(server.heard.map(({ data }) => data.rideId)).toEqual(replies.map((_, n) => `ride-${n}`))
  })

  it('has an id that no other client has', async () => {
    const [one, two] = [clientOf(server), clientOf(server)]
    for (const client of [one, two]) {
      client.connect()
      await client.send('driver:arrived', ride)
      await client.send('driver:arrived', ride)
    }
    const ids = server.heard.map(({ id }) => id ?? '')
    expect(new Set(ids).size).toBe(4)
    for (const id of ids) expect(id).toMatch(/^[\x21-\x7e]{1,64}$/)
  })
})

describe('what is only told', () => {
  it('goes without an id, and nowhere while there is no connection', async () => {
    const client = clientOf(server)
    expect(client.tell('driver:location', { latitude: 30, longitude: 31 })).toBe(false)
    client.connect()
    await client.opened()
    expect(client.tell('driver:location', { latitude: 30, longitude: 31 })).toBe(true)
    await until(() => server.heard.length === 1)
    expect(server.heard[0]).toMatchObject({ id: null, event: 'driver:location' })
  })

  it('is an error of the client where the server refuses it', async () => {
    const client = clientOf(server)
    const errors: unknown[] = []
    client.onError((error) => errors.push(error))
    client.connect()
    await client.opened()
    server.sockets[0]?.send(
      '{"re":null,"ok":false,"error":{"code":"malformed","message":"no","retry":false}}',
    )
    server.sockets[0]?.send('what?')
    await until(() => errors.length === 2)
    expect(errors[0]).toMatchObject({ code: 'malformed', commandId: '' })
  })
})

describe('a followed ride', () => {
  it('is said to every connection, and for several followers once', async () => {
    const client = clientOf(server)
    const leave = [client.follow('ride-1'), client.follow('ride-1'), client.follow('ride-2')]
    client.connect()
    const said = () => server.heard.map(({ event, data }) => `${event} ${data.rideId}`)
    await until(() => server.heard.length === 2)
    leave[0]?.()
    leave[0]?.()
    leave[2]?.()
    await until(() => server.heard.length === 3)
    server.cutAll()
    await until(() => server.heard.length === 4)
    expect(said()).toEqual([
      ...['customer:subscribe:ride ride-1', 'customer:subscribe:ride ride-2'],
      ...['customer:unsubscribe:ride ride-2', 'customer:subscribe:ride ride-1'],
    ])
  })

  it('is said again where the server asks for that, and taken back by whoever left meanwhile', async () => {
    const client = clientOf(server)
    client.connect()
    await client.opened()
    server.faults = ['retry', 'fine', 'retry', 'fine']
    client.follow('ride-1')
    await until(() => server.effects.size === 1)
    const leave = client.follow('ride-2')
    leave()
    await until(() => server.heard.length === 5)
    expect(server.heard.map(({ event, data }) => `${event} ${data.rideId}`)).toEqual([
      ...['customer:subscribe:ride ride-1', 'customer:subscribe:ride ride-1'],
      ...['customer:subscribe:ride ride-2', 'customer:subscribe:ride ride-2'],
      'customer:unsubscribe:ride ride-2',
    ])
  })
})
