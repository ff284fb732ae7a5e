import type { Loss } from './reconnect.ts'

/** What is used of a WebSocket: the browser's, Node's or that of `ws`. */
export interface SocketLike {
  send(text: string): void
  close(code?: number, reason?: string): void
  /** `ws` has it: ends a connection without waiting for the other side. */
  terminate?(): void
  addEventListener(type: 'open' | 'message' | 'close' | 'error', listener: (event: SocketEvent) => void): void
}

export interface SocketEvent {
  readonly type?: string
  readonly data?: unknown
  readonly code?: number
  readonly reason?: string
  readonly message?: string
}

export type SocketConstructor = new (
  url: string,
  protocols?: string[],
  // biome-ignore lint/suspicious/noExplicitAny: each WebSocket has options of its own here, and browsers have none.
  options?: any,
) => SocketLike

/** Before the upgrade a server refuses with HTTP. Of the WebSockets `ws` alone tells the status, in a text. */
const STATUS = /server response: (\d{3})/
const CODE_OF_STATUS: Readonly<Record<string, number>> = { 401: 4401, 403: 4403, 429: 4429, 503: 1013 }

const GOODBYE = 1000

/** One socket. After hangUp() or onLost nothing more is heard of it, whatever it does. */
export class Link {
  readonly #socket: SocketLike
  #isOpen = false
  #isOver = false
  #trouble = ''

  constructor(socket: SocketLike, onText: (text: string) => void, onLost: (loss: Loss) => void) {
    this.#socket = socket
    socket.addEventListener('open', () => {
      this.#isOpen = true
    })
    socket.addEventListener('message', ({ data }) => {
      if (!this.#isOver && typeof data === 'string') onText(data)
    })
    // An error is always followed by a close.
    socket.addEventListener('error', ({ message }) => {
      this.#trouble = message ?? ''
    })
    socket.addEventListener('close', ({ code, reason }) => {
      if (this.#isOver) return
      this.#isOver = true
      const status = STATUS.exec(this.#trouble)?.[1] ?? ''
      onLost({ code: CODE_OF_STATUS[status] ?? code ?? 0, reason: reason || this.#trouble })
    })
  }

  /** False: it is not open. True says nothing of whether it arrives. */
  send(text: string): boolean {
    if (!this.#isOpen || this.#isOver) return false
    try {
      this.#socket.send(text)
      return true
    } catch {
      return false
    }
  }

  /** Says goodbye. */
  hangUp(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#socket.close(GOODBYE)
  }

  /** Gives up a socket of which nothing is heard. */
  drop(): void {
    if (this.#isOver) return
    this.#isOver = true
    if (this.#socket.terminate === undefined) this.#socket.close()
    else this.#socket.terminate()
  }
}
