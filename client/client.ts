import type { Commands } from './commands.ts'
import type { PushMeta, ReplyData } from './frames.ts'
import { Listeners } from './listeners.ts'
import type { ClientState } from './machine.ts'
import type { ClientOptions } from './options.ts'
import type { CommandOptions } from './outbox.ts'
import type { Pushes } from './protocol.ts'
import { Session } from './session.ts'

export type { Commands } from './commands.ts'
export type { CursorStore } from './cursor.ts'
export { CommandError, type Outcome } from './errors.ts'
export type { PushMeta, ReplyData } from './frames.ts'
export type { ClientState } from './machine.ts'
export type { ClientOptions } from './options.ts'
export type { CommandOptions } from './outbox.ts'
export type { Pushes, Ready, Snapshot } from './protocol.ts'
export type { StopReason } from './reconnect.ts'

type Heard<Own> = Pushes & Own

/**
 * One user's connection to Onceline, for as long as his app runs: it comes back by itself, the feed's messages are heard in order and
 * each once, and a command takes effect once however often it has to be sent. `Own` names pushes of your own backend:
 * `new OncelineClient<{ 'promo:new': { code: string } }>(…)`.
 */
export class OncelineClient<Own extends object = Record<never, never>> {
  readonly #session: Session
  readonly #errors = new Listeners<[error: unknown]>((error) => console.error(error))
  readonly #states = new Listeners<[state: ClientState]>((error) => this.#report(error))
  readonly #any = new Listeners<[data: ReplyData, meta: PushMeta]>((error) => this.#report(error))
  readonly #byEvent = new Map<string, Listeners<[data: never, meta: PushMeta]>>()

  constructor(options: ClientOptions) {
    this.#session = new Session(options, {
      onPush: (data, meta) => {
        this.#byEvent.get(meta.event)?.tell(data as never, meta)
        this.#any.tell(data, meta)
      },
      onState: (state) => this.#states.tell(state),
      onError: (error) => this.#report(error),
    })
  }

  get state(): ClientState {
    return this.#session.state
  }

  /** The number of the last message of the feed that was heard; null before the first `ready`. */
  get seen(): number | null {
    return this.#session.feed.last
  }

  /** The server's clock, as of the last time that it told: what `expiresAt` is compared with. */
  serverNowMs(): number {
    return this.#session.serverNowMs()
  }

  /** Connects, and stays connected until close(). After a stop it begins anew. */
  connect(): void {
    this.#session.connect()
  }

  /** Resolves once there is a connection; rejects where the client stops, or has stopped. */
  opened(): Promise<void> {
    return new Promise((resolve, reject) => {
      const judge = (state: ClientState): boolean => {
        if (state.name === 'open') resolve()
        if (state.name === 'stopped') reject(new Error(`the client has stopped: ${state.why}`))
        return state.name === 'open' || state.name === 'stopped'
      }
      if (judge(this.state)) return
      const forget = this.onState((state) => {
        if (judge(state)) forget()
      })
    })
  }

  /** Says goodbye. Commands that wait are rejected. Resolves when the cursor is kept. */
  close(): Promise<void> {
    return this.#session.close()
  }

  /** Hears an event: messages of the feed in order and each once. Returns what takes it back. */
  on<Event extends keyof Heard<Own> & string>(
    event: Event,
    listener: (data: Heard<Own>[Event], meta: PushMeta) => unknown,
  ): () => void {
    const listeners = this.#byEvent.get(event) ?? new Listeners((error) => this.#report(error))
    this.#byEvent.set(event, listeners)
    return listeners.add(listener)
  }

  /** Hears every event, also of names that are not known here. */
  onAny(listener: (data: ReplyData, meta: PushMeta) => unknown): () => void {
    return this.#any.add(listener)
  }

  onState(listener: (state: ClientState) => unknown): () => void {
    return this.#states.add(listener)
  }

  /** Hears what went wrong beside the way: listeners and providers that throw, frames that are none. By default console.error. */
  onError(listener: (error: unknown) => unknown): () => void {
    return this.#errors.add(listener)
  }

  /**
   * Sends a command until it is answered, with one id over all connections; resolves with the data of the reply. Rejects with a
   * CommandError, whose `outcome` says whether it may have taken effect.
   */
  send<Event extends keyof Commands>(
    event: Event,
    data: Commands[Event],
    options: CommandOptions = {},
  ): Promise<ReplyData> {
    return this.#session.send(event, data, options)
  }

  /** Says something once, over the connection that is open now, and waits for no answer: positions. False: there is none. */
  tell<Event extends keyof Commands>(event: Event, data: Commands[Event]): boolean {
    return this.#session.tell(event, data)
  }

  /** Hears `driver:location:update` of an own ride, over all connections, until the returned function is called. */
  follow(rideId: string): () => void {
    return this.#session.rides.add(rideId)
  }

  #report(error: unknown): void {
    if (this.#errors.isEmpty) console.error(error)
    else this.#errors.tell(error)
  }
}
