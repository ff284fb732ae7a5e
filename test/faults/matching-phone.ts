import { WebSocket } from 'ws'
import { type Frame, socketUrl } from '../support/socket.ts'
import type { Tried } from './matching-asker.ts'

/** Longer than a process that is busy takes to answer, and to greet five hundred at once. */
const ANSWER_MS = 8_000
const READY_MS = 40_000

/** A user's phone: one connection at a time, to whichever process it is told to speak to. */
export class Phone {
  readonly #userId: string
  readonly #userType: 'customer' | 'driver'
  readonly #waiting = new Map<string, (frame: Frame | null, text: string) => void>()
  #ws: WebSocket | null = null
  #url = ''
  #isReady: Promise<boolean> = Promise.resolve(false)
  /** Commands that are said on this connection and not answered. */
  #busy = 0
  readonly #onPush: (frame: Frame) => void

  /** `onPush` hears whatever is no reply. */
  constructor(
    userId: string,
    userType: 'customer' | 'driver',
    onPush: (frame: Frame) => void = () => undefined,
  ) {
    this.#onPush = onPush
    this.#userId = userId
    this.#userType = userType
  }

  /** Connects, so that the first command need not wait for it. */
  open(url: string): Promise<boolean> {
    if (this.#ws !== null && this.#url === url) return this.#isReady
    return this.#connect(url)
  }

  /** Says it, over the connection that there is where others wait on it, and listens for the reply. */
  async say(url: string, id: string, event: string, data: unknown, cut: AbortSignal | null): Promise<Tried> {
    const isOpen = this.#ws !== null
    const ready = isOpen && (this.#busy > 0 || this.#url === url) ? this.#isReady : this.#connect(url)
    this.#busy += 1
    try {
      if (!(await ready)) return 'lost'
      return await this.#ask(id, event, data, cut)
    } finally {
      this.#busy -= 1
    }
  }

  /** Where it is connected; null: nowhere. */
  get url(): string | null {
    return this.#ws === null ? null : this.#url
  }

  close(): void {
    this.#ws?.terminate()
  }

  #ask(id: string, event: string, data: unknown, cut: AbortSignal | null): Promise<Tried> {
    const ws = this.#ws
    return new Promise((resolve) => {
      const lose = () => this.#waiting.get(id)?.(null, '')
      const timer = setTimeout(lose, ANSWER_MS)
      this.#waiting.set(id, (frame, text) => {
        this.#waiting.delete(id)
        clearTimeout(timer)
        resolve(frame === null ? 'lost' : triedOf(frame, text))
      })
      if (ws?.readyState !== WebSocket.OPEN) return lose()
      ws.send(JSON.stringify({ id, event, data }))
      cut?.addEventListener('abort', () => ws.terminate(), { once: true })
    })
  }

  #connect(url: string): Promise<boolean> {
    this.#ws?.terminate()
    const ws = new WebSocket(socketUrl(url, this.#userId, { userType: this.#userType }))
    this.#ws = ws
    this.#url = url
    this.#isReady = new Promise((resolve) => {
      const timer = setTimeout(() => ws.terminate(), READY_MS)
      ws.on('message', (data) => {
        const text = String(data)
        const frame: Frame = JSON.parse(text)
        if (frame.event === 'ready') {
          clearTimeout(timer)
          resolve(true)
        }
        if (typeof frame.re === 'string') this.#waiting.get(frame.re)?.(frame, text)
        else this.#onPush(frame)
      })
      ws.on('error', () => undefined)
      ws.on('close', () => {
        clearTimeout(timer)
        resolve(false)
        if (this.#ws !== ws) return
        this.#ws = null
        for (const lose of [...this.#waiting.values()]) lose(null, '')
      })
    })
    return this.#isReady
  }
}

function triedOf(frame: Frame, text: string): Tried {
  if (frame.ok === true) return { word: 'ok', data: frame.data, text }
  const { code, retry } = frame.error as { code: string; retry: boolean }
  return retry ? 'unsettled' : { word: code, data: frame.error, text }
}
