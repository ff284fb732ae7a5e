import { WebSocket } from 'ws'
import { type Frame, socketUrl } from '../support/socket.ts'
import type { Chance } from './chance.ts'

export interface StormClientOptions {
  readonly userId: string
  readonly userType: 'customer' | 'driver'
  readonly chance: Chance
  /** Where a new connection may be made: each process directly, or over a proxy; all that there are at this moment. */
  readonly doors: () => readonly string[]
  readonly onFailure: (error: Error) => void
  /** Where it counts the ends of its connections by their codes, and refusals by their HTTP status. */
  readonly ends: Map<number, number>
}

/** With a ping every second and a half, nothing for so long means that the link is dead. */
const SILENT_MS = 5_000
/** Longer than the server's own five seconds for an admission. */
const CONNECT_MS = 7_000
const RECONNECT = { leastMs: 10, mostMs: 400 } as const
const MAX_HINT_MS = 5_000
const STORY_LINES = 60
/** Of the looks at a client. */
const SHARES = { resumes: 0.03, acknowledges: 0.05 } as const
const MOST_BACK = 5
/** What a storm may end a connection with; anything else is a defect. 1005 and 1006: no close frame came. */
const ENDS = { lost: [1005, 1006], hinted: [1012, 1013], slow: 4408, replaced: 4409 } as const

/**
 * An app that keeps one thing over all its connections: the number of the last message it has shown. It connects anew, anywhere,
 * for as long as it is alive, and every message must be the one after the last.
 */
export class StormClient {
  readonly userId: string
  /** What each message of the feed bore, in the order in which they came: the first is number 1. */
  readonly shown: string[] = []
  readonly #options: StormClientOptions
  readonly #story: string[] = []
  #ws: WebSocket | null = null
  #door = ''
  #isReady = false
  #heardAtMs = 0
  #timer: NodeJS.Timeout | undefined
  #isAlive = true
  /** The number after which it has asked to go on; null: it has not. */
  #resumesAfter: number | null = null

  constructor(options: StormClientOptions) {
    this.#options = options
    this.userId = options.userId
    this.#connect()
  }

  get cursor(): number {
    return this.shown.length
  }

  /** Where it is connected; null: nowhere. */
  get door(): string | null {
    return this.#isReady ? this.#door : null
  }

  /** How its connections went, and what it heard last. */
  get story(): string {
    return `${this.userId}, at ${this.cursor}:\n  ${this.#story.join('\n  ')}`
  }

  /** The network goes: without a word. */
  cut(): void {
    this.#note('cut')
    this.#ws?.terminate()
  }

  /** It reads nothing more, as an app that is suspended. */
  stall(): void {
    this.#note('stalls')
    this.#ws?.pause()
  }

  wake(): void {
    this.#note('wakes')
    if (this.#ws?.isPaused) this.#ws.resume()
    this.#heardAtMs = performance.now()
  }

  /** Ends a link over which nothing comes; now and then acknowledges, or asks for some messages again. */
  look(): void {
    if (this.#ws === null || this.#ws.isPaused) return
    const { chance } = this.#options
    if (performance.now() - this.#heardAtMs > (this.#isReady ? SILENT_MS : CONNECT_MS)) {
      this.#note(this.#isReady ? 'silence' : 'no ready')
      this.#ws.terminate()
    } else if (this.#isReady) {
      if (chance.happens(SHARES.acknowledges)) this.#say('ack', 'feed:ack', { seq: this.cursor })
      if (chance.happens(SHARES.resumes) && this.#resumesAfter === null) {
        this.#resumesAfter = Math.max(this.cursor - chance.between(0, MOST_BACK), 0)
        this.#say('resume', 'feed:resume', { since: this.#resumesAfter })
      }
    }
  }

  end(): void {
    this.#isAlive = false
    clearTimeout(this.#timer)
    this.#ws?.close()
  }

  #connect(): void {
    const { chance, doors, userId, userType } = this.#options
    const open = doors()
    if (open.length === 0) {
      this.#connectLater(RECONNECT.mostMs)
      return
    }
    this.#door = chance.pick(open)
    const ws = new WebSocket(socketUrl(this.#door, userId, { userType, since: this.cursor }))
    this.#ws = ws
    this.#heardAtMs = performance.now()
    this.#note(`connects to ${this.#door} after ${this.cursor}`)
    ws.on('ping', () => this.#hear(ws))
    ws.on('message', (text) => {
      if (ws === this.#ws) this.#receive(ws, JSON.parse(String(text)))
    })
    ws.on('error', () => undefined)
    ws.on('unexpected-response', (_, { statusCode = 0 }) => {
      this.#count(statusCode)
      if (statusCode !== 503) this.#fail(`was refused with ${statusCode}`)
      ws.terminate()
    })
    ws.on('close', (code, reason) => this.#ended(ws, code, String(reason)))
  }

  #say(id: string, event: string, data: unknown): void {
    this.#note(`${event} ${JSON.stringify(data)}`)
    this.#ws?.send(JSON.stringify({ id, event, data }))
  }

  #hear(ws: WebSocket): void {
    if (ws === this.#ws) this.#heardAtMs = performance.now()
  }

  #receive(ws: WebSocket, frame: Frame): void {
    this.#hear(ws)
    if (frame.event === 'ready') this.#greeted(frame)
    else if (!this.#isReady) this.#fail(`heard ${frame.event} before ready`)
    else if (frame.event === 'feed:reset') this.#fail('was told to begin anew')
    else if (frame.re !== undefined) this.#answered(frame)
    else if (frame.seq !== undefined) this.#show(frame.seq, String(frame.data?.id))
  }

  #show(seq: number, id: string): void {
    this.#note(`#${seq}`)
    if (seq <= this.cursor) this.#fail(`heard ${seq} again`)
    else if (seq > this.cursor + 1) this.#fail(`misses something before ${seq}`)
    else this.shown.push(id)
  }

  /** What comes from now on follows the number that it asked for. */
  #answered({ re, ok }: Frame): void {
    if (ok !== true) this.#fail(`was refused ${re}`)
    if (re !== 'resume' || this.#resumesAfter === null) return
    this.#note(`goes on after ${this.#resumesAfter}`)
    this.shown.length = this.#resumesAfter
    this.#resumesAfter = null
  }

  #greeted({ data }: Frame): void {
    this.#isReady = true
    this.#note(`ready, head ${data?.head}`)
    if (Number(data?.head) < this.cursor) this.#fail(`has more than the head ${data?.head}`)
  }

  #ended(ws: WebSocket, code: number, reason: string): void {
    if (ws !== this.#ws) return
    this.#ws = null
    this.#isReady = false
    this.#resumesAfter = null
    this.#count(code)
    this.#note(`over: ${code} ${reason}`)
    const waitMs = this.#waitAfter(code, reason)
    if (waitMs === null) this.#fail(`was closed with ${code} ${reason}`)
    else if (this.#isAlive) this.#connectLater(waitMs)
  }

  /** null: it should not have been closed so. */
  #waitAfter(code: number, reason: string): number | null {
    const { chance } = this.#options
    const lost: readonly number[] = ENDS.lost
    const hinted: readonly number[] = ENDS.hinted
    if (hinted.includes(code)) return hintIn(reason)
    if (code === ENDS.slow) return 0
    if (code === ENDS.replaced && this.#options.userType !== 'driver') return null
    if (lost.includes(code) || code === ENDS.replaced)
      return chance.between(RECONNECT.leastMs, RECONNECT.mostMs)
    return null
  }

  #connectLater(waitMs: number): void {
    this.#timer = setTimeout(() => this.#isAlive && this.#connect(), waitMs)
  }

  #count(code: number): void {
    const { ends } = this.#options
    ends.set(code, (ends.get(code) ?? 0) + 1)
  }

  #note(what: string): void {
    this.#story.push(`${(performance.now() / 1_000).toFixed(3)} ${what}`)
    if (this.#story.length > STORY_LINES) this.#story.shift()
  }

  #fail(what: string): void {
    this.#options.onFailure(new Error(`a client ${what}\n${this.story}`))
  }
}

function hintIn(reason: string): number | null {
  try {
    const { retryAfterMs } = JSON.parse(reason)
    return Number.isInteger(retryAfterMs) && retryAfterMs >= 0 && retryAfterMs <= MAX_HINT_MS
      ? retryAfterMs
      : null
  } catch {
    return null
  }
}
