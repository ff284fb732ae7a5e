import { Alarm, type ClientClock } from './clock.ts'
import { type Credentials, credentialsOf, dial } from './dial.ts'
import { Link } from './link.ts'
import type { ClientOptions } from './options.ts'
import { CLOSE, type Loss, type StopReason } from './reconnect.ts'

export interface ConnectionOptions {
  readonly client: ClientOptions
  readonly clock: ClientClock
  readonly timeoutMs: number
  /** The last number that was seen; null: begin with the snapshot. */
  readonly since: () => Promise<number | null>
  readonly onText: (text: string) => void
  readonly onLost: (loss: Loss) => void
  /** There are no credentials, or those that there are were refused. */
  readonly onDenied: (why: StopReason) => void
  readonly onError: (error: unknown) => void
}

interface Refusal {
  readonly why: StopReason
  readonly value: string
}

/** One way to the server at a time, from asking for credentials to its loss. What comes of an earlier one is not heard. */
export class Connection {
  readonly #options: ConnectionOptions
  readonly #limit: Alarm
  #link: Link | null = null
  #turn = 0
  #credentials: Credentials | null = null
  #refusal: Refusal | null = null

  constructor(options: ConnectionOptions) {
    this.#options = options
    this.#limit = new Alarm(options.clock)
  }

  /** Changes with every way, so that what began on one can tell that it is gone. */
  get turn(): number {
    return this.#turn
  }

  open(): void {
    const turn = this.#begin()
    this.#limit.set(this.#options.timeoutMs, () => this.lose('not ready in time'))
    void this.#open(turn)
  }

  /** The server greeted: its credentials count. */
  ready(): void {
    this.#limit.cancel()
    this.#refusal = null
  }

  send(text: string): boolean {
    return this.#link?.send(text) ?? false
  }

  /** Says goodbye; nothing more is heard. */
  hangUp(): void {
    const link = this.#link
    this.#limit.cancel()
    this.#begin()
    link?.hangUp()
  }

  /** Gives the way up, as if the server had. */
  lose(reason: string): void {
    const link = this.#link
    this.#limit.cancel()
    this.#begin()
    link?.drop()
    this.#options.onLost({ code: 0, reason })
  }

  #begin(): number {
    this.#link = null
    this.#turn += 1
    return this.#turn
  }

  async #open(turn: number): Promise<void> {
    const { client, since, onDenied, onError, onText } = this.#options
    try {
      const from = await since()
      const credentials = await credentialsOf(client)
      if (turn !== this.#turn) return
      const denied = this.#judge(credentials)
      if (credentials === null || denied !== null) {
        this.#limit.cancel()
        onDenied(denied ?? 'unauthorized')
        return
      }
      this.#credentials = credentials
      this.#link = new Link(dial(client, credentials, from), onText, (loss) => this.#lost(loss))
    } catch (error) {
      onError(error)
      if (turn === this.#turn) this.lose('no credentials, or no socket')
    }
  }

  /** What was refused is not sent again. */
  #judge(credentials: Credentials | null): StopReason | null {
    if (credentials === null) return this.#refusal?.why ?? 'unauthorized'
    return this.#refusal?.value === credentials.value ? this.#refusal.why : null
  }

  /** A link that was given up says nothing more, so this is the one that counts. */
  #lost(loss: Loss): void {
    this.#limit.cancel()
    this.#link = null
    const { value } = this.#credentials ?? { value: '' }
    if (loss.code === CLOSE.unauthorized) this.#refusal = { why: 'unauthorized', value }
    if (loss.code === CLOSE.forbidden) this.#refusal = { why: 'forbidden', value }
    this.#options.onLost(loss)
  }
}
