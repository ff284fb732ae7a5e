import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openCommandPool } from '../db/pools.ts'
import type { RowDataPacket } from '../db/rows.ts'
import { appendToFeed } from '../src/feed/append.ts'
import { type OnceHandler, ok, refusedForGood, refusedForNow } from '../src/realtime/commands/command.ts'
import { type OpenCommands, openCommands, StandInConnection } from './support/commands.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'

/** Counts in MySQL how often it took effect; `reason` says how it ends. */
const cancelling: OnceHandler<'ride:cancel'> = {
  kind: 'once',
  limit: 'command',
  handle: async (connection, { user }, { reason }) => {
    const messages = [{ userId: user.userId, event: 'test:effect', data: { reason: reason ?? null } }]
    const pushes = await appendToFeed(connection, messages)
    if (reason === 'defect') throw new Error(`it broke at the otp of ${user.userId}`)
    if (reason === 'later')
      return { outcome: refusedForNow('not_yet', 'Later.'), told: { pushes, rings: [] } }
    if (reason === 'never') return { outcome: refusedForGood('no', 'Never.'), told: { pushes, rings: [] } }
    return { outcome: ok({ at: process.hrtime.bigint().toString() }), told: { pushes, rings: [] } }
  },
  pushesOf: (outcome) => [{ event: 'test:pushed', data: { ...outcome } }],
}

let database: TestDatabase
let here: OpenCommands
let there: OpenCommands

beforeAll(async () => {
  database = await testDatabase('commands')
  here = openCommands(database, { handlers: { 'ride:cancel': cancelling } })
  there = openCommands(database, { handlers: { 'ride:cancel': cancelling } })
})
afterAll(async () => {
  for (const open of [here, there]) await open?.close()
  await database?.drop()
})

const rider = () => new StandInConnection(randomUUID(), 'customer')
const cancel = (open: OpenCommands, connection: StandInConnection, reason: string | null = null, id = 'c1') =>
  open.say(connection, 'ride:cancel', { rideId: 'r', reason }, id)

async function effects({ user }: StandInConnection): Promise<number> {
  const [rows] = await database.pool.query<RowDataPacket[]>(
    'SELECT COUNT(*) AS n FROM feed_messages WHERE user_id = ?',
    [user.userId],
  )
  return Number(rows[0]?.n)
}

describe('a command that takes effect once', () => {
  it('is answered word for word as the first time, in this process and in others, and told once', async () => {
    const connection = rider()
    const first = await cancel(here, connection)
    expect(first.reply).toMatchObject({ re: 'c1', ok: true, data: { at: expect.any(String) } })
    const elsewhere = new StandInConnection(connection.user.userId, 'customer')
    for (const open of [here, there, here]) {
      const again = await cancel(open, elsewhere)
      expect(again.text).toBe(first.text)
      expect(again.pushes).toEqual(first.pushes)
    }
    expect(await effects(connection)).toBe(1)
    const told = [...here.pushes, ...there.pushes].filter(
      (push) => 'userId' in push && push.userId === connection.user.userId,
    )
    expect(told).toMatchObject([{ seq: 1, event: 'test:effect' }])
  })

  it('that comes many times at once, to two processes, takes effect once', async () => {
    const connection = rider()
    const heard = await Promise.all(
      Array.from({ length: 20 }, (_, n) => cancel(n % 2 === 0 ? here : there, connection)),
    )
    expect(new Set(heard.map(({ text }) => text)).size).toBe(1)
    expect(heard[0]?.reply?.ok).toBe(true)
    expect(await effects(connection)).toBe(1)
  })

  it('is a user’s own, and of one event: another user’s id, and another id, are other commands', async () => {
    const [one, two] = [rider(), rider()]
    const texts = [await cancel(here, one), await cancel(here, two), await cancel(here, one, null, 'c2')]
    expect(new Set(texts.map(({ reply }) => reply?.data?.at)).size).toBe(3)
  })

  it('with other content under its id is refused, and nothing is done; the order of members is no content', async () => {
    const connection = rider()
    const first = await cancel(here, connection, 'a')
    const other = await cancel(there, connection, 'b')
    expect(other.reply).toMatchObject({ re: 'c1', ok: false, error: { code: 'id_reused', retry: false } })
    const turned = await there.commands.receive(
      connection,
      '{"event":"ride:cancel","data":{"reason":"a","rideId":"r"},"id":"c1"}',
    )
    expect(turned.reply?.toString()).toBe(first.text)
    expect(await effects(connection)).toBe(1)
  })

  it('keeps a settled refusal, and of any other only the answer is given', async () => {
    const [settled, open] = [rider(), rider()]
    const first = await cancel(here, settled, 'never')
    expect(first.reply).toEqual({
      re: 'c1',
      ok: false,
      error: { code: 'no', message: 'Never.', retry: false },
    })
    expect(await cancel(there, settled, 'never')).toEqual(first)
    expect(await effects(settled)).toBe(1)
    expect((await cancel(here, open, 'later')).reply?.error?.code).toBe('not_yet')
    expect(await effects(open)).toBe(0)
    expect((await cancel(here, open, 'well')).reply?.ok).toBe(true)
  })

  it('needs an id', async () => {
    const heard = await here.say(rider(), 'ride:cancel', { rideId: 'r' }, null)
    expect(heard.reply).toMatchObject({ re: null, ok: false, error: { code: 'id_required', retry: false } })
  })

  it('that meets a defect is undone, may be sent again, and is logged without what it carried', async () => {
    const connection = rider()
    const heard = await cancel(here, connection, 'defect')
    expect(heard.reply).toMatchObject({
      error: { code: 'internal', retry: true, retryAfterMs: expect.any(Number) },
    })
    expect(await effects(connection)).toBe(0)
    const line = here.lines.find((one) => one.includes('a command failed')) ?? ''
    expect(JSON.parse(line)).toMatchObject({ level: 'error', event: 'ride:cancel' })
    expect(heard.text).not.toContain('otp')
    expect((await cancel(here, connection, 'well')).reply?.ok).toBe(true)
  })

  it('that is in flight elsewhere for long is to be sent again', async () => {
    const gate = Promise.withResolvers<void>()
    const begun = Promise.withResolvers<void>()
    const slow: OnceHandler<'ride:cancel'> = {
      ...cancelling,
      handle: async (...args) => {
        begun.resolve()
        await gate.promise
        return cancelling.handle(...args)
      },
    }
    const busy = openCommands(database, { handlers: { 'ride:cancel': slow } })
    const impatient = openCommands(database, { handlers: { 'ride:cancel': cancelling }, waitMs: 0 })
    const connection = rider()
    const first = cancel(busy, connection)
    await begun.promise
    expect((await cancel(impatient, connection)).reply).toMatchObject({
      error: { code: 'in_flight', retry: true, retryAfterMs: 2_000 },
    })
    gate.resolve()
    const { text } = await first
    expect((await cancel(impatient, connection)).text).toBe(text)
    await busy.close()
    await impatient.close()
  })

  it('while the database is away is to be sent again', async () => {
    const pool = openCommandPool({ ...database.address, port: 1 }, 1)
    const away = openCommands(database, { handlers: { 'ride:cancel': cancelling }, pool })
    const heard = await cancel(away, rider())
    expect(heard.reply).toMatchObject({ error: { code: 'unavailable', retry: true, retryAfterMs: 2_000 } })
    expect(away.lines).toEqual([])
    await away.close()
  })

  it('is counted with what it came to', async () => {
    const metrics = await here.registry.metrics()
    for (const outcome of ['ok', 'replayed', 'no', 'not_yet', 'id_required', 'internal'])
      expect(metrics).toContain(`onceline_commands_total{event="ride:cancel",outcome="${outcome}"}`)
  })
})
