import { WebSocket } from 'ws'
import { type Commands, OncelineClient, type ReplyData } from '../../client/client.ts'
import { mintToken } from '../../src/realtime/door/mint.ts'
import type { UserType } from '../../src/realtime/door/token.ts'
import type { Town } from './town.ts'

const TOKEN_LIFETIME_MS = 6 * 3_600_000
const TEMPO = { backoffBaseMs: 200, backoffCapMs: 1_000, hints: false } as const

/**
 * An app with the company's client on a phone of poor manners: its connection may break, or carry nothing for a while. Each new
 * connection goes to the next process, as behind a balancer.
 */
export class Phone {
  readonly client: OncelineClient
  #dials: number
  #socket: WebSocket | null = null
  #isSilent = false
  #network: Promise<void> = Promise.resolve()
  #connectNetwork: () => void = () => undefined

  constructor(town: Town, userId: string, userType: UserType, index: number) {
    const { ports, jwtSecret } = town
    this.#dials = index
    const expiresAtMs = Date.now() + TOKEN_LIFETIME_MS
    const token = mintToken(jwtSecret, { userId, userType, expiresAtMs })
    const dialled = (socket: WebSocket) => {
      this.#socket = socket
    }
    const nextAddress = (url: string) => {
      const address = new URL(url)
      address.port = String(ports[this.#dials % ports.length])
      this.#dials += 1
      return address
    }
    class BalancedSocket extends WebSocket {
      constructor(url: string, protocols?: string[]) {
        super(nextAddress(url), protocols, { perMessageDeflate: false })
        dialled(this)
      }
    }
    this.client = new OncelineClient({
      ...TEMPO,
      url: 'ws://127.0.0.1',
      token: () => this.#network.then(() => token),
      WebSocket: BalancedSocket,
    })
  }

  /** It is connected, and what it says is heard. */
  get isHeard(): boolean {
    return !this.#isSilent && this.client.state.name === 'open'
  }

  /** Sends a command as soon as anything is carried; `id` says one again. */
  async say<Event extends keyof Commands>(
    event: Event,
    data: Commands[Event],
    options: { readonly id?: string } = {},
  ): Promise<ReplyData> {
    await this.#network
    return this.client.send(event, data, options)
  }

  /** Its connection breaks without a word, and there is no other one until it is mended. */
  breakDown(): void {
    this.#loseNetwork()
    this.#socket?.terminate()
  }

  /** Its connection stands, and carries nothing: pings are not answered either. */
  fallSilent(): void {
    this.#isSilent = true
    this.#loseNetwork()
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.pause()
  }

  /** Everything is as it should be again. */
  mend(): void {
    this.#connectNetwork()
    if (!this.#isSilent) return
    this.#isSilent = false
    this.#socket?.resume()
  }

  close(): Promise<void> {
    this.mend()
    return this.client.close()
  }

  #loseNetwork(): void {
    this.#network = new Promise((resolve) => {
      this.#connectNetwork = resolve
    })
  }
}
