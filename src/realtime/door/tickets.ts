import { createHash, randomBytes } from 'node:crypto'
import { z } from 'zod'
import type { Redis } from '../../../db/redis.ts'
import type { Clock } from '../../base/clock.ts'
import type { RealtimeMetrics } from '../metrics.ts'
import { type TokenUser, USER_TYPES } from './token.ts'

/** Time enough for a phone to open its socket on a bad line, and too little for whoever finds the ticket in a log. */
export const TICKET_LIFETIME_MS = 30_000
const TICKET_BYTES = 32
const TICKET_SHAPE = /^[\w-]{43}$/

/** Where tickets lie. */
export interface TicketDesk {
  /** A client of the role `limits`: it never waits long, and sends nothing twice. */
  readonly redis: Redis
  /** Keeps installations that share a Redis apart. */
  readonly installation: string
  readonly clock: Clock
  readonly metrics: Pick<RealtimeMetrics, 'ticketBrought'>
  readonly onRedisError: (error: Error) => void
}

/** unavailable: Redis does not answer. */
export type TicketIssue =
  | { readonly kind: 'issued'; readonly ticket: string; readonly expiresAtMs: number }
  | { readonly kind: 'unavailable' }

/**
 * unknown: never issued, taken by somebody, or over its time; nobody can tell which. origin_differs: it was issued to a page
 * of another origin, and is taken with this. unavailable: Redis does not answer, and the ticket may be taken or not.
 */
export type TicketRefusal = 'malformed' | 'unknown' | 'origin_differs' | 'unavailable'

export type TicketRedemption =
  | { readonly kind: 'redeemed'; readonly user: TokenUser }
  | { readonly kind: 'refused'; readonly reason: TicketRefusal }

/**
 * A ticket that lets this user in once, from this origin (undefined: no browser's), within thirty seconds and never past the
 * end of his token. Redis knows it by its hash alone, so that nobody can use what he reads there. `expiresAtMs` is the
 * wall clock's; Redis keeps the time.
 */
export async function issueTicket(
  { redis, installation, clock, onRedisError }: TicketDesk,
  user: TokenUser,
  origin: string | undefined,
): Promise<TicketIssue> {
  const ticket = randomBytes(TICKET_BYTES).toString('base64url')
  const nowMs = clock.nowMs()
  // A token that ends this very moment leaves a millisecond, since Redis knows no shorter life.
  const lifetimeMs = Math.max(Math.min(TICKET_LIFETIME_MS, user.expiresAtMs - nowMs), 1)
  const stub = JSON.stringify({ ...user, origin: origin ?? null })
  try {
    await redis.set(keyOf(installation, ticket), stub, 'PX', lifetimeMs)
  } catch (error) {
    onRedisError(error as Error)
    return { kind: 'unavailable' }
  }
  return { kind: 'issued', ticket, expiresAtMs: nowMs + lifetimeMs }
}

/**
 * Takes a ticket, for good: of any number who bring it, in whichever process, one at most is let in (GETDEL is one step).
 * Whoever brings it from another origin than it was issued for is refused, and it is taken all the same: it has been seen by
 * others. A lost connection is not asked twice, since the first time may have taken it. Counts what it said.
 */
export async function redeemTicket(
  desk: TicketDesk,
  ticket: string,
  origin: string | undefined,
): Promise<TicketRedemption> {
  const redemption = await redeem(desk, ticket, origin)
  desk.metrics.ticketBrought(redemption.kind === 'redeemed' ? redemption.kind : redemption.reason)
  return redemption
}

async function redeem(
  { redis, installation, clock, onRedisError }: TicketDesk,
  ticket: string,
  origin: string | undefined,
): Promise<TicketRedemption> {
  if (!TICKET_SHAPE.test(ticket)) return { kind: 'refused', reason: 'malformed' }
  let text: string | null
  try {
    text = await redis.getdel(keyOf(installation, ticket))
  } catch (error) {
    onRedisError(error as Error)
    return { kind: 'refused', reason: 'unavailable' }
  }
  const stub = text === null ? null : readStub(text)
  if (stub === null) return { kind: 'refused', reason: 'unknown' }
  const { origin: issuedTo, ...user } = stub
  if (issuedTo !== (origin ?? null)) return { kind: 'refused', reason: 'origin_differs' }
  // Redis' clock and ours may differ by as much as the ticket was over its token's time.
  if (user.expiresAtMs <= clock.nowMs()) return { kind: 'refused', reason: 'unknown' }
  return { kind: 'redeemed', user }
}

const STUB = z.strictObject({
  userId: z.string(),
  userType: z.enum(USER_TYPES),
  expiresAtMs: z.int(),
  origin: z.string().nullable(),
})

/** null: Redis is shared, and this is not ours. */
function readStub(text: string): z.output<typeof STUB> | null {
  try {
    return STUB.parse(JSON.parse(text))
  } catch {
    return null
  }
}

/** SHA-256 of 256 random bits: as hard to guess as the ticket, and no way back. */
function keyOf(installation: string, ticket: string): string {
  return `onceline-${installation}:ticket:${createHash('sha256').update(ticket).digest('base64url')}`
}
