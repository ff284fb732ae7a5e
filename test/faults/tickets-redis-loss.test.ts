import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { redeemTicket } from '../../src/realtime/door/tickets.ts'
import { openApp, type TestApp } from '../support/app.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { type OwnRedis, openOwnRedis } from '../support/own-redis.ts'
import { type OpenDesk, openDesk } from '../support/ticket-door.ts'
import { signToken } from '../support/tokens.ts'

const SECRET = 'c0ffee-jwt-5ecret-of-32-characters-or-more'
/** A ticket waits 250 ms for Redis; the rest is for a busy machine. Were there no bound it would be for ever. */
const ONE_WAIT_MS = 2_000
const RETURN = { timeout: 15_000, interval: 50 }

let database: TestDatabase
let server: OwnRedis
let app: TestApp
let bench: OpenDesk

beforeAll(async () => {
  database = await testDatabase('tickets-loss')
  server = await openOwnRedis('tickets-loss')
  const realtime = { jwtSecrets: [SECRET], allowedOrigins: [] }
  app = await openApp({ ...database, redis: server.address }, { working: false, realtime })
  bench = await openDesk({ redis: server.address, installation: database.address.database, patient: false })
})
afterEach(() => server.thaw())
afterAll(async () => {
  bench?.close()
  await app?.stop()
  await server?.remove()
  await database?.drop()
})

async function ask(): Promise<Response> {
  const headers = { authorization: `Bearer ${signToken({ secret: SECRET })}` }
  return fetch(`${app.url}/realtime/tickets`, { method: 'POST', headers })
}

async function issued(): Promise<string> {
  let ticket = ''
  const answered = async (): Promise<number> => {
    const answer = await ask()
    const body = (await answer.json()) as { ticket?: string }
    ticket = body.ticket ?? ''
    return answer.status
  }
  await expect.poll(answered, RETURN).toBe(201)
  return ticket
}

describe('a ticket', () => {
  it('is refused soon, with the way around it, while Redis is frozen', async () => {
    await issued()
    server.freeze()
    const startedMs = performance.now()
    const answer = await ask()
    expect(performance.now() - startedMs).toBeLessThan(ONE_WAIT_MS)
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5'])
    expect(await answer.json()).toMatchObject({ code: 'tickets_unavailable' })
    expect(await redeemTicket(bench.desk, 'x'.repeat(43), undefined)).toEqual({
      kind: 'refused',
      reason: 'unavailable',
    })
    expect(bench.errors).toHaveLength(1)
    server.thaw()
    const ticket = await issued()
    await expect.poll(async () => bench.redis.ping(), RETURN).toBe('PONG')
    expect(await redeemTicket(bench.desk, ticket, undefined)).toMatchObject({ kind: 'redeemed' })
  })

  it('is refused at once while Redis is gone, and issued again when it is back', async () => {
    const lost = await issued()
    await server.kill()
    await expect.poll(async () => (await ask()).status, RETURN).toBe(503)
    expect((await redeemTicket(bench.desk, lost, undefined)).kind).toBe('refused')
    // The service itself is well: nobody else notices.
    expect((await fetch(`${app.url}/health`)).status).toBe(200)
    await server.revive()
    const ticket = await issued()
    await expect.poll(() => bench.redis.status, RETURN).toBe('ready')
    expect(await redeemTicket(bench.desk, ticket, undefined)).toMatchObject({ kind: 'redeemed' })
    expect(await app.metrics('onceline_tickets_asked_total{outcome="unavailable"}')).toHaveLength(1)
  })
})
