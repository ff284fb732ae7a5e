import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, inject, it } from 'vitest'
import { manualClock, systemClock } from '../src/base/clock.ts'
import { issueTicket, redeemTicket, type TicketDesk } from '../src/realtime/door/tickets.ts'
import type { TokenUser } from '../src/realtime/door/token.ts'
import { type OpenDesk, openDesk } from './support/ticket-door.ts'

const REDEEMER = join(import.meta.dirname, 'fixtures/redeem-tickets.ts')
const PAGE = 'https://app.example.org'
const { redis } = inject('servers')
const open: OpenDesk[] = []

async function desk(options: { installation?: string; clock?: TicketDesk['clock'] } = {}): Promise<OpenDesk> {
  const one = await openDesk({ redis, ...options })
  open.push(one)
  return one
}
afterEach(() => {
  for (const one of open.splice(0)) one.close()
})

function user(lifetimeMs = 3_600_000): TokenUser {
  return { userId: 'driver-1', userType: 'driver', expiresAtMs: Date.now() + lifetimeMs }
}

async function issued(at: OpenDesk, whose: TokenUser = user(), origin?: string) {
  const issue = await issueTicket(at.desk, whose, origin)
  if (issue.kind !== 'issued') throw new Error(issue.kind)
  return issue
}

async function fate(at: OpenDesk, ticket: string, origin?: string): Promise<string> {
  const redemption = await redeemTicket(at.desk, ticket, origin)
  return redemption.kind === 'redeemed' ? redemption.kind : redemption.reason
}

describe('a ticket', () => {
  it('lets its user in once, in another process too, and is counted', async () => {
    const here = await desk()
    const elsewhere = await desk({ installation: here.desk.installation })
    const whose = user()
    const { ticket } = await issued(here, whose)
    expect(await redeemTicket(elsewhere.desk, ticket, undefined)).toEqual({ kind: 'redeemed', user: whose })
    expect([await fate(here, ticket), await fate(elsewhere, ticket)]).toEqual(['unknown', 'unknown'])
    expect(await elsewhere.metrics('onceline_tickets_brought_total{')).toEqual([
      'onceline_tickets_brought_total{outcome="redeemed"} 1',
      'onceline_tickets_brought_total{outcome="unknown"} 1',
    ])
  })

  it('lives thirty seconds', async () => {
    const here = await desk()
    const before = Date.now()
    const { ticket, expiresAtMs } = await issued(here)
    expect(expiresAtMs).toBeGreaterThanOrEqual(before + 30_000)
    expect(expiresAtMs).toBeLessThanOrEqual(Date.now() + 30_000)
    const leftMs = await here.redis.pttl(keyOf(here, ticket))
    expect(leftMs).toBeGreaterThan(0)
    expect(leftMs).toBeLessThanOrEqual(30_000)
  })

  it('ends with the token at the latest, in Redis and by our own clock', async () => {
    const clock = manualClock(Date.now())
    const here = await desk({ clock })
    const whose = { ...user(), expiresAtMs: clock.nowMs() + 9_000 }
    const { ticket, expiresAtMs } = await issued(here, whose)
    expect(expiresAtMs).toBe(whose.expiresAtMs)
    expect(await here.redis.pttl(keyOf(here, ticket))).toBeLessThanOrEqual(9_000)
    clock.advance(9_000)
    expect(await fate(here, ticket)).toBe('unknown')
  })

  it('is gone when its time is over', async () => {
    const here = await desk()
    const { ticket } = await issued(here, user(30))
    await expect.poll(() => here.redis.exists(keyOf(here, ticket)), { interval: 10 }).toBe(0)
    expect(await fate(here, ticket)).toBe('unknown')
  })

  it('is for the origin that it was issued to, and taken when it comes from another', async () => {
    const here = await desk()
    const bring = async (issuedTo: string | undefined, from: string | undefined) => {
      const { ticket } = await issued(here, user(), issuedTo)
      return [await fate(here, ticket, from), await fate(here, ticket, issuedTo)]
    }
    expect(await bring(PAGE, PAGE)).toEqual(['redeemed', 'unknown'])
    expect(await bring(undefined, undefined)).toEqual(['redeemed', 'unknown'])
    for (const [to, from] of [
      [PAGE, 'https://evil.example'],
      [PAGE, undefined],
      [undefined, PAGE],
      [undefined, 'null'],
    ])
      expect(await bring(to, from)).toEqual(['origin_differs', 'unknown'])
  })

  it('is one installation’s own', async () => {
    const [here, other] = [await desk(), await desk()]
    const { ticket } = await issued(here)
    expect([await fate(other, ticket), await fate(here, ticket)]).toEqual(['unknown', 'redeemed'])
  })

  it('is nowhere in Redis: a hash of it is', async () => {
    const here = await desk()
    const { ticket } = await issued(here, user(), PAGE)
    const keys = await here.redis.keys(`onceline-${here.desk.installation}:*`)
    expect(keys).toEqual([keyOf(here, ticket)])
    expect(await here.redis.get(keys[0] ?? '')).not.toContain(ticket)
    expect(keys.join()).not.toContain(ticket)
  })

  it.each(['', 'x', 'x'.repeat(44), 'x'.repeat(42), `${'x'.repeat(42)}:`, `${'x'.repeat(42)}é`])(
    'is not made of %j, and Redis is not asked',
    async (text) => {
      const here = await desk()
      here.close()
      expect(await fate(here, text)).toBe('malformed')
      expect(here.errors).toEqual([])
    },
  )

  it.each(['', '{}', '[]', 'null', '{"userId":"a","userType":"root","expiresAtMs":9e15,"origin":null}'])(
    'is nothing that others left in its place: %j',
    async (content) => {
      const here = await desk()
      const ticket = 'x'.repeat(43)
      await here.redis.set(keyOf(here, ticket), content)
      expect(await fate(here, ticket)).toBe('unknown')
    },
  )

  it('is each time another', async () => {
    const here = await desk()
    const tickets = await Promise.all(Array.from({ length: 200 }, async () => (await issued(here)).ticket))
    expect(new Set(tickets).size).toBe(200)
    for (const ticket of tickets) expect(ticket).toMatch(/^[\w-]{43}$/)
  })
})

describe('a race for tickets', { timeout: 60_000 }, () => {
  it('of two connections lets exactly one in', async () => {
    const here = await desk()
    const elsewhere = await desk({ installation: here.desk.installation })
    for (let count = 0; count < 100; count += 1) {
      const { ticket } = await issued(here)
      const fates = await Promise.all([fate(here, ticket), fate(elsewhere, ticket), fate(here, ticket)])
      expect(fates.toSorted()).toEqual(['redeemed', 'unknown', 'unknown'])
    }
  })

  it('of two processes lets exactly one in', async () => {
    const here = await desk({ clock: systemClock })
    const tickets = await Promise.all(Array.from({ length: 300 }, async () => (await issued(here)).ticket))
    const order = JSON.stringify({ redis, installation: here.desk.installation, tickets })
    const racers = [1, 2].map(() =>
      spawn(process.execPath, [REDEEMER, order], { stdio: ['pipe', 'pipe', 'inherit'] }),
    )
    await Promise.all(racers.map(({ stdout }) => once(stdout, 'data')))
    for (const { stdin } of racers) stdin.write('go\n')
    const won = await Promise.all(
      racers.map(async ({ stdout }) => JSON.parse(await text(stdout)) as number[]),
    )
    expect(won.flat().toSorted((a, b) => a - b)).toEqual(tickets.map((_, index) => index))
  })
})

function keyOf({ desk: { installation } }: OpenDesk, ticket: string): string {
  return `onceline-${installation}:ticket:${createHash('sha256').update(ticket).digest('base64url')}`
}
