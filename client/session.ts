import { Alarm, type ClientClock, systemClock } from './clock.ts'
import { CommandIds } from './command-ids.ts'
import type { Commands } from './commands.ts'
import { Connection } from './connection.ts'
import { CommandError } from './errors.ts'
import { FeedReader } from './feed-reader.ts'
import { FollowedRides } from './followed.ts'
import { type PushMeta, parseFrame, type ReplyData } from './frames.ts'
import { Heartbeat } from './heartbeat.ts'
import { listenForHints } from './hints.ts'
import { type ClientState, type Effect, type Input, turn } from './machine.ts'
import { type ClientOptions, DEFAULTS } from './options.ts'
import { type CommandOptions, Outbox } from './outbox.ts'
import type { Pushes, Ready } from './protocol.ts'
import type { Loss } from './reconnect.ts'
import { Renewal } from './renewal.ts'

export interface SessionEvents {
  /** In order, and those of the feed each once. */
  readonly onPush: (data: ReplyData, meta: PushMeta) => void
  readonly onState: (state: ClientState) => void
  readonly onError: (error: unknown) => void
}

/** How long the server may take to replay what is missing. */
const RESUME_MS = 10_000

/** Does what the pure state machine decides, and joins the parts that live as long as the client. */
export class Session {
  readonly #options: ClientOptions & Required<Pick<ClientOptions, keyof typeof DEFAULTS>>
  readonly #events: SessionEvents
  readonly #clock: ClientClock
  readonly #random: () => number
  readonly #wait: Alarm
  readonly #ids = new CommandIds()
  readonly #connection: Connection
  readonly #outbox: Outbox
  readonly #heartbeat: Heartbeat
  readonly #renewal: Renewal
  readonly feed: FeedReader
  readonly rides: FollowedRides
  #state: ClientState = { name: 'idle' }
  #offsetMs = 0
  #unlisten: (() => void) | null = null

  constructor(options: ClientOptions, events: SessionEvents) {
    const { onError } = events
    this.#events = events
    this.#options = { ...DEFAULTS, ...options }
    const { clock = systemClock, random = Math.random, maxQueued, cursor = null } = this.#options
    this.#clock = clock
    this.#random = random
    this.#wait = new Alarm(clock)
    this.#outbox = new Outbox({ clock, random, maxQueued, transmit: (text) => this.#connection.send(text) })
    this.#heartbeat = new Heartbeat(
      clock,
      () => this.tell('ping', {}),
      () => this.#connection.lose('silent'),
    )
    this.rides = new FollowedRides({
      subscribe: (rideId) => this.#subscribe(rideId),
      unsubscribe: (rideId) => this.tell('customer:unsubscribe:ride', { rideId }),
    })
    this.feed = new FeedReader({
      ...{ clock, cursor, onError, start: this.#options.start, autoAck: this.#options.autoAck },
      acknowledge: (seq) => this.tell('feed:ack', { seq }),
      resume: (since) => this.#resume(since),
    })
    this.#renewal = new Renewal({
      ...{ clock, onError },
      fetchToken: async () => (typeof options.token === 'function' ? options.token() : null),
      refresh: (token) => this.send('auth:refresh', { token }, { queue: false }),
    })
    this.#connection = new Connection({
      ...{ client: this.#options, clock, onError, timeoutMs: this.#options.connectTimeoutMs },
      since: async () => {
        await this.feed.restore()
        return this.feed.last
      },
      onText: (text) => this.#hear(text),
      onLost: (loss) => this.#lose(loss),
      onDenied: (why) => this.#turn({ type: 'denied', why }),
    })
  }

  get state(): ClientState {
    return this.#state
  }

  serverNowMs(): number {
    return this.#clock.nowMs() + this.#offsetMs
  }

  connect(): void {
    this.#turn({ type: 'connect' })
  }

  close(): Promise<void> {
    this.feed.flush()
    this.#turn({ type: 'close' })
    this.#outbox.abandon()
    return this.feed.settled()
  }

  send<Event extends keyof Commands>(
    event: Event,
    data: Commands[Event],
    options: CommandOptions,
  ): Promise<ReplyData> {
    return this.#outbox.send(options.id ?? this.#ids.next(), event, data, options)
  }

  tell<Event extends keyof Commands>(event: Event, data: Commands[Event]): boolean {
    return this.#state.name === 'open' && this.#connection.send(JSON.stringify({ event, data }))
  }

  #turn(input: Input): void {
    const { backoffBaseMs: baseMs, backoffCapMs: capMs, stableMs } = this.#options
    const before = this.#state
    const { state, effects } = turn(before, input, { baseMs, capMs, stableMs })
    this.#state = state
    for (const effect of effects) this.#do(effect)
    this.#listenFor(state)
    if (state !== before) this.#events.onState(state)
  }

  #do(effect: Effect): void {
    switch (effect) {
      case 'dial':
        this.#connection.open()
        break
      case 'hang_up':
        this.#rest()
        this.#connection.hangUp()
        break
      case 'wait':
        if (this.#state.name === 'waiting')
          this.#wait.set(this.#state.delayMs, () => this.#turn({ type: 'due' }))
        break
      case 'rest':
        this.#wait.cancel()
        break
    }
  }

  #listenFor({ name }: ClientState): void {
    if (name === 'idle' || name === 'stopped') {
      this.#unlisten?.()
      this.#unlisten = null
    } else if (this.#options.hints) this.#unlisten ??= listenForHints(() => this.#wake())
  }

  #wake(): void {
    if (this.#state.name === 'open') this.#heartbeat.probe()
    else this.#turn({ type: 'wake' })
  }

  #rest(): void {
    this.#heartbeat.stop()
    this.#renewal.stop()
    this.#outbox.disconnected()
  }

  #lose(loss: Loss): void {
    this.#rest()
    this.#turn({ type: 'lost', loss, nowMs: this.#clock.nowMs(), random: this.#random() })
  }

  async #subscribe(rideId: string): Promise<boolean> {
    try {
      await this.send('customer:subscribe:ride', { rideId }, { queue: false })
      return true
    } catch (error) {
      // The next connection says it again.
      const isLost = error instanceof CommandError && (error.code === 'offline' || error.code === 'closed')
      if (!isLost) this.#events.onError(error)
      return false
    }
  }

  async #resume(since: number): Promise<void> {
    const way = this.#connection.turn
    try {
      await this.send('feed:resume', { since }, { queue: false, timeoutMs: RESUME_MS })
    } catch (error) {
      // The next connection asks for the same with its `since`.
      if (way !== this.#connection.turn) return
      this.#connection.lose('the feed did not go on')
      throw error
    }
  }

  #hear(text: string): void {
    this.#heartbeat.heard()
    const frame = parseFrame(text)
    if (frame.kind === 'push') this.#push(frame.data, frame.meta)
    else if (frame.kind === 'reply') this.#outbox.succeeded(frame.re ?? '', frame.data)
    else if (frame.kind === 'unknown') this.#events.onError(new Error('the server sent a frame that is none'))
    else if (frame.re === null) this.#events.onError(new CommandError('', 'refused', frame.error))
    else this.#outbox.failed(frame.re, frame.error)
  }

  #push(data: ReplyData, meta: PushMeta): void {
    const { seq, event } = meta
    if (seq !== undefined) this.feed.take(seq, () => this.#events.onPush(data, meta))
    else if (event === 'ready') this.#ready(data as unknown as Ready, meta)
    else {
      this.#heed(event, data)
      this.#events.onPush(data, meta)
    }
  }

  /** What the client itself has to know of. */
  #heed(event: string, data: object): void {
    if (event === 'feed:reset') this.feed.reset((data as Pushes['feed:reset']).head)
    if (event === 'pong') this.#offsetMs = (data as Pushes['pong']).serverTime - this.#clock.nowMs()
    if (event !== 'auth:expiring' || typeof this.#options.token !== 'function') return
    const { expiresAt, graceMs } = data as Pushes['auth:expiring']
    this.#renewal.begin(expiresAt + graceMs - this.serverNowMs())
  }

  #ready(data: Ready, meta: PushMeta): void {
    if (this.#state.name !== 'connecting') return
    this.#connection.ready()
    this.#offsetMs = data.serverTime - this.#clock.nowMs()
    this.#heartbeat.start(data.heartbeatMs)
    const way = this.#connection.turn
    this.#turn({ type: 'ready', nowMs: this.#clock.nowMs() })
    this.#events.onPush(data as unknown as ReplyData, meta)
    // Whoever heard of it may have closed the client.
    if (way !== this.#connection.turn) return
    this.#outbox.connected(data.limits)
    this.rides.connected()
    this.feed.ready(data)
  }
}
