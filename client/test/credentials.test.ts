import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { WebSocket as Ws } from 'ws'
import { ScriptedServer } from './scripted-server.ts'
import { BRISK, clientOf, closeClients, connectedTo, HandClock, until } from './support.ts'

let server: ScriptedServer

beforeEach(async () => {
  server = await ScriptedServer.start()
})

afterEach(async () => {
  await closeClients()
  await server.stop()
})

describe('what opens a connection', () => {
  it('is asked for anew each time, and what fails is tried again', async () => {
    let count = 0
    const errors: unknown[] = []
    const client = clientOf(server, {
      ticket: async () => {
        count += 1
        if (count === 1) throw new Error('no network')
        return `t-${count}`
      },
    })
    client.onError((error) => errors.push(error))
    client.connect()
    await client.opened()
    server.cutAll()
    await until(() => server.knocks.length === 2)
    expect(server.knocks.map(({ protocols }) => protocols[1])).toEqual(['ticket.t-2', 'ticket.t-3'])
    expect(errors).toHaveLength(1)
  })

  it('may stand in the address, or in a header', async () => {
    await connectedTo(server, { carry: 'query' })
    await connectedTo(server, { carry: 'query', ticket: () => 't-1' })
    await connectedTo(server, { carry: 'header', WebSocket: Ws })
    const [token, ticket, header] = server.knocks
    expect(token?.query.get('token')).toBe(BRISK.token)
    expect([ticket?.query.get('ticket'), ticket?.query.get('token')]).toEqual(['t-1', null])
    expect(header?.authorization).toBe(`Bearer ${BRISK.token}`)
    for (const { protocols } of server.knocks) expect(protocols).toEqual(['onceline.v1'])
  })

  it('counts for nothing once the client was closed meanwhile', async () => {
    let give: (token: string) => void = () => undefined
    const clock = new HandClock()
    const client = clientOf(server, { clock, token: () => new Promise((resolve) => (give = resolve)) })
    client.connect()
    await new Promise((resolve) => setTimeout(resolve, 1))
    await client.close()
    give('late')
    await new Promise((resolve) => setTimeout(resolve, 10))
    expect([client.state.name, server.knocks.length, clock.isIdle]).toEqual(['stopped', 0, true])
  })
})

describe('a token that ends', () => {
  it('is renewed over the same connection; what fails is tried again', async () => {
    const clock = new HandClock()
    const tokens = ['token-1', 'token-2', 'token-3']
    const client = await connectedTo(server, { clock, token: () => tokens.shift() ?? null })
    server.onCommand = ({ id, data }, socket) => {
      const isLast = data.token === 'token-3'
      const error = { code: 'unavailable', message: 'not now', retry: false }
      socket.send(JSON.stringify(isLast ? { re: id, ok: true, data: {} } : { re: id, ok: false, error }))
      return true
    }
    server.push('auth:expiring', { expiresAt: Date.now() + 60_000, graceMs: 25_000 })
    await until(() => server.heard.length === 1)
    await until(() => {
      clock.pass(3_000)
      return server.heard.length === 2
    })
    expect(server.heard.map(({ event, data }) => [event, data.token])).toEqual([
      ['auth:refresh', 'token-2'],
      ['auth:refresh', 'token-3'],
    ])
    expect(client.state.name).toBe('open')
    expect(server.knocks).toHaveLength(1)
  })
})
