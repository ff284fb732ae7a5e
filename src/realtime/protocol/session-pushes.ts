import { z } from 'zod'
import { momentMs, seq } from './fields.ts'
import { SNAPSHOT } from './snapshot.ts'

const head = seq.describe("the number of the newest message in the user's feed; 0 where there is none")

const LIMITS = z.object({
  messageBytes: z.int().optional().describe('of one frame of a client'),
  messagesPerSecond: z.int().optional().describe('of one connection'),
})

/** Of the connection and the feed themselves. */
export const SESSION_PUSHES = {
  ready: {
    data: z.object({
      connectionId: z.string().describe('names this connection in our logs'),
      serverTime: momentMs,
      heartbeatMs: z.int().min(1).describe('how often the server pings'),
      head,
      acked: seq.describe('the highest number that any client of this user has acknowledged'),
      snapshot: SNAPSHOT,
      limits: LIMITS.optional(),
    }),
    class: 'ephemeral',
    summary: 'the first push of every connection: how things stand',
  },
  'feed:reset': {
    data: z.object({ head, snapshot: SNAPSHOT }),
    class: 'ephemeral',
    summary:
      'what came after `since` is no longer kept: how things stand instead; numbers go on after `head`',
  },
  'auth:expiring': {
    data: z.object({
      expiresAt: momentMs,
      graceMs: z.int().min(0).describe('how long after that the connection is still open'),
    }),
    class: 'ephemeral',
    summary: "the token's end comes near: `auth:refresh`, or the connection is closed with 4401",
  },
  pong: {
    data: z.object({ serverTime: momentMs }),
    class: 'ephemeral',
    summary: 'the answer to `ping`',
  },
} as const
