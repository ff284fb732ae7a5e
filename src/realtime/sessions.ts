import type { Socket } from 'node:net'
import { reached } from '../base/checkpoint.ts'
import type { Clock } from '../base/clock.ts'
import { flatText } from '../base/flat-text.ts'
import type { Log } from '../base/log.ts'
import type { Sampler } from '../base/sampler.ts'
import { userChannel } from '../feed/publish.ts'
import type { CatchUp } from './catch-up.ts'
import { CLOSE, retryHint } from './close-codes.ts'
import { Connection } from './connection.ts'
import type { Admitted, SeatBook } from './door/admission.ts'
import type { TokenUser } from './door/token.ts'
import type { FeedSocket, SocketHearer } from './feed-socket.ts'
import type { Greeting } from './greeting.ts'
import { HEARTBEAT } from './heartbeat.ts'
import type { Hub } from './hub.ts'
import { Inbox, type InboxOptions } from './inbox.ts'
import type { RealtimeMetrics } from './metrics.ts'
import type { EvictionReason } from './presence/presence-metrics.ts'

/** Whose session a driver's socket is; Presence. */
export interface SessionBook {
  /** A driver's socket opened: his sessions with lower fences are over. */
  opened(userId: string): Promise<number>
  closed(userId: string, fence: number): void
}

/** Which drivers are here; DriverPool. */
export interface DriverBook {
  /** The newest socket of this driver is here, and is asked for its signs of life. */
  connected(userId: string, fence: number, pulse: Connection): void
  left(userId: string, fence: number): void
}

export interface SessionsOptions {
  readonly installation: string
  readonly hub: Hub
  readonly catchUp: CatchUp
  readonly greet: (user: TokenUser) => Promise<Greeting>
  readonly presence: SessionBook
  readonly drivers: DriverBook
  /** Tells the other processes that this session of a driver is the newest. */
  readonly tellFence: (userId: string, fence: number) => void
  readonly seats: SeatBook
  readonly inbox: InboxOptions
  readonly clock: Clock
  readonly metrics: RealtimeMetrics
  readonly log: Log
  /** Lets failed greetings into the log. */
  readonly failures: Sampler
}

/** The database is away: clients come back over this time, each at a moment of its own. */
const RETRY_SPREAD_MS = 5_000

/** The life of every connection of this process, from the upgrade to its end. */
export class Sessions {
  readonly connections = new Set<Connection>()
  readonly #options: SessionsOptions
  readonly #hearer: SocketHearer
  #isDraining = false
  #opened = 0

  constructor(options: SessionsOptions) {
    this.#options = options
    this.#hearer = hearerFor(this, options)
  }

  /** No connection stays from now on. */
  drain(): void {
    this.#isDraining = true
  }

  /** Takes over an upgraded socket whose user has a seat. */
  open(ws: FeedSocket, socket: Socket, { user, network, since }: Admitted): void {
    this.#opened += 1
    const channel = flatText(userChannel(this.#options.installation, user.userId))
    const number = this.#opened
    const connection = new Connection(this.#options, { number, ws, socket, user, network, since, channel })
    ws.connection = connection
    ws.hearer = this.#hearer
    this.connections.add(connection)
    this.#options.metrics.opened(user.userType)
    if (this.#isDraining) connection.close(CLOSE.restart, retryHint(Math.random() * RETRY_SPREAD_MS))
    else void this.#welcome(connection)
  }

  /** A newer session of its driver is known. */
  replace(connection: Connection): void {
    connection.close(CLOSE.replaced, 'a newer connection of this driver has taken over')
  }

  /**
   * The sockets of this driver with lower fences are over: `replaced` by a newer one, or their session `lapsed` while this process
   * could not keep it, so that they should come back for a new one.
   */
  evict(userId: string, below: number, reason: EvictionReason): void {
    this.#options.hub.forEach(userChannel(this.#options.installation, userId), (connection) => {
      if (connection.fence === 0 || connection.fence >= below) return
      if (reason === 'replaced') this.replace(connection)
      else connection.close(CLOSE.restart, retryHint(0))
    })
  }

  /** Something that the socket has not got stands in MySQL. */
  catchUp(connection: Connection): void {
    void this.#options.catchUp.run(connection)
  }

  /** Frees whatever the connection held. */
  end(connection: Connection, code: number): void {
    if (!this.connections.delete(connection)) return
    const { hub, seats, presence, drivers, metrics } = this.#options
    const { user, network, fence } = connection
    connection.ended()
    hub.leave(connection.channel, connection)
    for (const channel of connection.channels ?? []) hub.leave(channel, connection)
    seats.free(user, network)
    if (fence > 0) {
      presence.closed(user.userId, fence)
      drivers.left(user.userId, fence)
    }
    metrics.closed(user.userType, code)
  }

  /**
   * Listen first, then read: what is published after Redis has acknowledged the channel is heard, and what was committed before is
   * read, so that nothing falls between.
   */
  async #welcome(connection: Connection): Promise<void> {
    try {
      const { user } = connection
      await Promise.all([
        this.#takeSession(connection),
        this.#options.hub.join(connection.channel, connection),
      ])
      if (!connection.isOpen) return
      reached('feed:listening')
      const greeting = await this.#options.greet(user)
      if (connection.isOpen) this.#greet(connection, greeting)
    } catch (error) {
      const permission = this.#options.failures.allow()
      if (permission)
        this.#options.log.warn({ err: error, ...permission }, 'a connection could not be greeted')
      connection.close(CLOSE.tryAgainLater, retryHint(Math.random() * RETRY_SPREAD_MS))
    }
  }

  /** A driver has one session: the newest. */
  async #takeSession(connection: Connection): Promise<void> {
    const { userId, userType } = connection.user
    if (userType !== 'driver') return
    const fence = await this.#options.presence.opened(userId)
    if (!this.connections.has(connection)) {
      // One that was given its fence in the same breath had none yet when Presence looked for older ones.
      this.evict(userId, fence, 'lapsed')
      this.#options.presence.closed(userId, fence)
      return
    }
    connection.fence = fence
    this.#options.drivers.connected(userId, fence, connection)
    this.evict(userId, fence, 'replaced')
    this.#options.tellFence(userId, fence)
  }

  #greet(connection: Connection, { head, acked, snapshot }: Greeting): void {
    const data = {
      connectionId: connection.id,
      serverTime: this.#options.clock.nowMs(),
      heartbeatMs: HEARTBEAT.pingMs,
      head,
      acked,
      snapshot,
    }
    connection.say(JSON.stringify({ event: 'ready', data }))
    connection.isReady = true
    reached('feed:greeted')
    const { cursor, since } = connection
    cursor.restart(since ?? head)
    const isAhead = cursor.next > head + 1
    if (isAhead || !cursor.settle(head)) this.catchUp(connection)
    connection.ws.inbox?.wake()
  }
}

/** One for all sockets. */
function hearerFor(sessions: Sessions, { clock, inbox: options, metrics }: SessionsOptions): SocketHearer {
  const heard = (socket: FeedSocket): Inbox | null => {
    const { connection } = socket
    if (connection === null || !connection.isOpen) return null
    const nowMs = Math.round(clock.monotonicMs())
    connection.heardAtMs = nowMs
    socket.inbox ??= new Inbox(connection, options, nowMs)
    return socket.inbox.allow(nowMs) ? socket.inbox : null
  }
  return {
    message(data, isBinary) {
      metrics.received()
      heard(this)?.take(data, isBinary)
    },
    ping() {
      heard(this)
    },
    pong() {
      const { connection } = this
      if (connection === null) return
      // The answer to a ping is free, so that an idle socket needs no inbox; whoever sends more of them is counted.
      if (connection.heardAtMs < connection.pingedAtMs) connection.heardAtMs = Math.round(clock.monotonicMs())
      else heard(this)
    },
    error() {
      // What the peer did is told to it by the library's close code, and counted by `close`.
    },
    close(code) {
      const { connection } = this
      if (connection !== null) sessions.end(connection, code)
    },
  }
}
