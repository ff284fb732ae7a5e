import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { COMMANDS, type CommandName } from '../src/realtime/protocol/commands.ts'
import { REPLY_FRAME } from '../src/realtime/protocol/frames.ts'
import { JWT_SECRET, type OpenCommands, openCommands, StandInConnection } from './support/commands.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { signToken } from './support/tokens.ts'

let database: TestDatabase
let real: OpenCommands

beforeAll(async () => {
  database = await testDatabase('command-door')
  real = openCommands(database)
})
afterAll(async () => {
  await real?.close()
  await database?.drop()
})

const rider = () => new StandInConnection(randomUUID(), 'customer')
const driver = () => new StandInConnection(randomUUID(), 'driver')

describe('any command', () => {
  it.each(Object.keys(COMMANDS) as CommandName[])('%s is for those of its table alone', async (event) => {
    for (const type of ['customer', 'driver', 'admin'] as const) {
      const heard = await real.say(new StandInConnection(randomUUID(), type), event, { nonsense: 1 })
      const isAllowed = (COMMANDS[event].from as readonly string[]).includes(type)
      expect(heard.reply?.error?.code, type).toBe(isAllowed ? 'invalid' : 'forbidden')
    }
  })

  it.each(['nobody:knows', 'constructor', '__proto__', 'toString', 'hasOwnProperty'])(
    '%s is unknown',
    async (event) => {
      const heard = await real.say(driver(), event)
      expect(heard).toMatchObject({
        malformed: false,
        reply: { error: { code: 'unknown_event', retry: false } },
      })
    },
  )

  it('names the fields at fault, and never what they held', async () => {
    const heard = await real.say(driver(), 'driver:location', { latitude: 91, longitude: 'secret', tip: 1 })
    expect(heard.reply?.error).toMatchObject({
      code: 'invalid',
      retry: false,
      fields: [
        { field: 'latitude', message: 'degrees from -90 to 90' },
        { field: 'longitude', message: 'degrees from -180 to 180' },
        { field: 'tip', message: 'unknown field' },
      ],
    })
    expect(heard.text).not.toContain('secret')
  })

  it('without an id is answered only where it fails', async () => {
    expect((await real.say(driver(), 'feed:ack', { seq: 1 }, null)).reply).toBeNull()
    expect((await real.say(driver(), 'feed:ack', {}, null)).reply).toMatchObject({ re: null, ok: false })
  })

  it('that says where a driver is is a driver’s alone, and counted, however it is written', async () => {
    const data = { latitude: 30.0444, longitude: 31.2357 }
    const open = openCommands(database)
    for (const id of ['c1', null]) {
      expect((await open.say(rider(), 'driver:location', data, id)).reply?.error?.code).toBe('forbidden')
      const { reply, malformed } = await open.say(driver(), 'driver:location', data, id)
      expect([reply, malformed]).toEqual([id === null ? null : { re: id, ok: true, data: {} }, false])
    }
    const metrics = await open.registry.metrics()
    expect(metrics).toContain('onceline_commands_total{event="driver:location",outcome="ok"} 2\n')
    expect(metrics).toContain('onceline_commands_total{event="driver:location",outcome="forbidden"} 2\n')
    expect(metrics).toContain('onceline_command_seconds_count{event="driver:location"} 4\n')
    await open.close()
  })

  it('that is none is said to be malformed, with its id where it has one', async () => {
    const received = await real.commands.receive(driver(), '{"id":"c9","event":7}')
    expect(received.malformed).toBe(true)
    expect(REPLY_FRAME.parse(JSON.parse(received.reply?.toString() ?? ''))).toMatchObject({
      re: 'c9',
      error: { code: 'malformed' },
    })
    expect(await real.registry.metrics()).toContain('onceline_malformed_frames_total{reason="bad_event"} 1')
  })

  it('is counted by its user’s limit, over all his connections, but for what costs nothing', async () => {
    const limited = openCommands(database, { rules: { command: { points: 2, seconds: 3_600 } } })
    const userId = randomUUID()
    const codes = []
    for (let n = 0; n < 3; n += 1) {
      const heard = await limited.say(new StandInConnection(userId, 'customer'), 'feed:resume', { since: 0 })
      codes.push(heard.reply?.error?.code ?? 'ok')
    }
    expect(codes).toEqual(['ok', 'ok', 'rate_limited'])
    const mine = new StandInConnection(userId, 'customer')
    expect((await limited.say(mine, 'feed:resume', { since: 0 })).reply?.error).toMatchObject({
      retry: true,
      retryAfterMs: expect.any(Number),
    })
    for (const [event, data] of [
      ['ping', {}],
      ['feed:ack', { seq: 1 }],
    ] as const)
      expect((await limited.say(mine, event, data)).reply?.ok).toBe(true)
    expect((await limited.say(rider(), 'feed:resume', { since: 0 })).reply?.ok).toBe(true)
    await limited.close()
  })
})

describe('a connection', () => {
  it('is answered to a ping with its reply and with the push that apps know', async () => {
    const heard = await real.say(rider(), 'ping')
    expect(heard.reply).toEqual({ re: 'c1', ok: true, data: { serverTime: expect.any(Number) } })
    expect(heard.pushes).toEqual([{ event: 'pong', data: heard.reply?.data }])
    expect(await real.say(rider(), 'ping', {}, null)).toMatchObject({
      reply: null,
      pushes: [{ event: 'pong' }],
    })
  })

  it('resumes and acknowledges', async () => {
    const connection = rider()
    await real.say(connection, 'feed:resume', { since: 41 })
    await real.say(connection, 'feed:ack', { seq: 42 }, null)
    expect(connection.asked).toEqual(['resume 41', 'acknowledged 42'])
  })

  it('goes on with a newer token of its user, and with none of another or a bad one', async () => {
    const connection = new StandInConnection('u-1', 'driver')
    const refresh = async (claims: object, secret = JWT_SECRET) =>
      real.say(connection, 'auth:refresh', { token: signToken({ secret, claims: { ...claims } }) })
    const exp = Math.floor(Date.now() / 1_000) + 9_000
    expect((await refresh({ sub: 'u-1', exp })).reply).toMatchObject({ data: { expiresAt: exp * 1_000 } })
    expect(connection.user.expiresAtMs).toBe(exp * 1_000)
    for (const [claims, code] of [
      [{ sub: 'u-2' }, 'token_of_another'],
      [{ sub: 'u-1', user_type: 'customer' }, 'token_of_another'],
      [{ sub: 'u-1', exp: 1 }, 'token_refused'],
    ] as const)
      expect((await refresh(claims)).reply?.error).toMatchObject({ code, retry: false })
    const forged = await refresh({ sub: 'u-1' }, `${JWT_SECRET}!`)
    expect(forged.reply?.error).toMatchObject({
      code: 'token_refused',
      message: expect.stringMatching(/bad_signature/),
    })
    expect(connection.user).toMatchObject({ userId: 'u-1', userType: 'driver', expiresAtMs: exp * 1_000 })
  })
})
