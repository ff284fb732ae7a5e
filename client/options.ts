import type { ClientClock } from './clock.ts'
import type { CursorStore } from './cursor.ts'
import type { SocketConstructor } from './link.ts'

/** A token, or what fetches one; asked for every connection. Null: there is none (signed out), and the client stops. */
export type Provider = string | (() => string | null | Promise<string | null>)

export interface ClientOptions {
  /** `wss://api.example.com/realtime`; http and https are read as ws and wss. */
  readonly url: string
  /** The user's token. With a function the client also renews it in band before it ends. */
  readonly token?: Provider
  /** A one-use ticket of `POST /realtime/tickets`, fetched for every connection; a `token` beside it is used for renewal alone. */
  readonly ticket?: () => string | null | Promise<string | null>
  /**
   * How the token or ticket travels: `subprotocol` (by default; in no address and no access log), `query`, or `header`
   * (`Authorization: Bearer`, only with the WebSocket of `ws`).
   */
  readonly carry?: 'subprotocol' | 'query' | 'header'
  /** The platform's own by default; `ws` where headers are needed, or on Node before 22. */
  readonly WebSocket?: SocketConstructor
  /** Where the last seen number outlives the app. Without it a new client begins with the snapshot. */
  readonly cursor?: CursorStore
  /** Where a client without a cursor begins: at the `head` (the snapshot shows the rest), or after what any app of the user has `acked`. */
  readonly start?: 'head' | 'acked'
  /** Tell the server what was seen, at most once a second. True by default. */
  readonly autoAck?: boolean
  /** How many commands may wait for a connection or a reply; 100 by default. */
  readonly maxQueued?: number
  /** The first wait after a loss is up to so long, by default 500 ms; each further one up to twice as long … */
  readonly backoffBaseMs?: number
  /** … and none longer; 30 seconds by default. */
  readonly backoffCapMs?: number
  /** A connection that was ready so long begins the count again; 10 seconds by default. */
  readonly stableMs?: number
  /** From asking for credentials to `ready`; 15 seconds by default. */
  readonly connectTimeoutMs?: number
  /** Listen to a page's `online` and `visibilitychange`. True by default; does nothing where there is no page. */
  readonly hints?: boolean
  readonly clock?: ClientClock
  /** From [0, 1). */
  readonly random?: () => number
}

export const DEFAULTS = {
  carry: 'subprotocol',
  start: 'head',
  autoAck: true,
  maxQueued: 100,
  backoffBaseMs: 500,
  backoffCapMs: 30_000,
  stableMs: 10_000,
  connectTimeoutMs: 15_000,
  hints: true,
} as const
