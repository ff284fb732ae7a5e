import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'

/** What may go wrong with the next numbered message on its way out, or with the next command. */
export type Fault = 'fine' | 'twice' | 'lost' | 'cut' | 'cut_after' | 'retry'

export interface Heard {
  readonly id: string | null
  readonly event: string
  readonly data: Readonly<Record<string, unknown>>
}

export interface Knock {
  readonly since: number | null
  readonly protocols: readonly string[]
  readonly query: URLSearchParams
  readonly authorization: string | null
}

interface Seat {
  readonly socket: WebSocket
  /** What was handed to it, or skipped. */
  sent: number
}

const SNAPSHOT = { trip: null, offers: [], bids: [], payments: [] }

/**
 * A small server that speaks the protocol: one user's feed, commands that take effect once for each id, and faults that come when a test
 * says so. It listens on a real port.
 */
export class ScriptedServer {
  readonly #http: Server
  readonly #door: WebSocketServer
  readonly #seats = new Set<Seat>()
  readonly #answers = new Map<string, string>()
  /** Messages 1, 2, 3 …; those up to `pruned` are no longer kept. */
  readonly feed: string[] = []
  pruned = 0
  acked = 0
  faults: Fault[] = []
  heartbeatMs = 25_000
  limits: { messageBytes?: number; messagesPerSecond?: number } | undefined
  /** How often each command took effect, by its id. */
  readonly effects = new Map<string, number>()
  readonly heard: Heard[] = []
  readonly knocks: Knock[] = []
  /** Says what to do with a connection instead of greeting it. */
  onKnock: ((socket: WebSocket, knock: Knock) => boolean) | null = null
  /** Says what to answer to a command, instead of doing it once. */
  onCommand: ((command: Heard, socket: WebSocket) => boolean) | null = null

  private constructor() {
    this.#http = createServer()
    this.#door = new WebSocketServer({ noServer: true })
    this.#http.on('upgrade', (request, socket, head) => {
      const knock = knockOf(request)
      if (this.refuse !== null) {
        socket.end(`HTTP/1.1 ${this.refuse} No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
        return
      }
      this.#door.handleUpgrade(request, socket, head, (ws) => this.#welcome(ws, knock))
    })
  }

  /** An HTTP status, instead of an upgrade. */
  refuse: number | null = null

  static async start(): Promise<ScriptedServer> {
    const server = new ScriptedServer()
    server.#http.listen(0, '127.0.0.1')
    await once(server.#http, 'listening')
    return server
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#http.address() as AddressInfo).port}/realtime`
  }

  get head(): number {
    return this.feed.length
  }

  get sockets(): WebSocket[] {
    return [...this.#seats].map(({ socket }) => socket)
  }

  async stop(): Promise<void> {
    for (const socket of this.#door.clients) socket.terminate()
    this.#http.close()
    this.#http.closeAllConnections()
    await once(this.#http, 'close')
  }

  /** Appends a message to the feed, and tells whoever is connected. */
  append(event = 'payment:updated'): number {
    const seq = this.head + 1
    this.feed.push(JSON.stringify({ event, seq, data: { n: seq } }))
    for (const seat of this.#seats) this.#deliver(seat)
    return seq
  }

  push(event: string, data: object, extra: object = {}): void {
    for (const { socket } of this.#seats) socket.send(JSON.stringify({ event, data, ...extra }))
  }

  /** Ends every connection with this code. */
  closeAll(code: number, reason = ''): void {
    for (const { socket } of this.#seats) socket.close(code, reason)
    this.#seats.clear()
  }

  /** Cuts every connection, without a close. */
  cutAll(): void {
    for (const { socket } of this.#seats) socket.terminate()
    this.#seats.clear()
  }

  /** Forgets connections without ending them: nothing comes any more, as on a network that is gone. */
  freezeAll(): void {
    for (const { socket } of this.#seats) {
      socket.removeAllListeners('message')
      socket.pause()
    }
    this.#seats.clear()
  }

  #welcome(socket: WebSocket, knock: Knock): void {
    this.knocks.push(knock)
    socket.on('error', () => undefined)
    if (this.onKnock?.(socket, knock) === true) return
    const seat: Seat = { socket, sent: knock.since ?? this.head }
    socket.on('close', () => this.#seats.delete(seat))
    socket.on('message', (bytes) => this.#command(seat, JSON.parse(String(bytes))))
    const ready = {
      ...{ connectionId: `c-${this.knocks.length}`, serverTime: Date.now(), heartbeatMs: this.heartbeatMs },
      ...{ head: this.head, acked: this.acked, snapshot: SNAPSHOT, limits: this.limits },
    }
    socket.send(JSON.stringify({ event: 'ready', data: ready }))
    this.#seats.add(seat)
    this.#resume(seat, seat.sent)
  }

  #resume(seat: Seat, since: number): void {
    if (since < this.pruned || since > this.head) {
      seat.sent = this.head
      seat.socket.send(JSON.stringify({ event: 'feed:reset', data: { head: this.head, snapshot: SNAPSHOT } }))
      return
    }
    seat.sent = since
    this.#deliver(seat)
  }

  #deliver(seat: Seat): void {
    while (seat.sent < this.head && this.#seats.has(seat)) {
      const fault = this.faults.shift() ?? 'fine'
      if (fault === 'cut') this.#cut(seat)
      if (fault === 'cut') return
      seat.sent += 1
      const frame = this.feed[seat.sent - 1] ?? ''
      if (fault !== 'lost') seat.socket.send(frame)
      if (fault === 'twice') seat.socket.send(frame)
      if (fault === 'cut_after') this.#cut(seat)
    }
  }

  #cut(seat: Seat): void {
    this.#seats.delete(seat)
    seat.socket.terminate()
  }

  #command(seat: Seat, { id = null, event, data }: Heard): void {
    const command = { id, event, data }
    this.heard.push(command)
    if (this.onCommand?.(command, seat.socket) === true) return
    if (event === 'ping')
      seat.socket.send(JSON.stringify({ event: 'pong', data: { serverTime: Date.now() } }))
    if (event === 'feed:ack') this.acked = Math.max(this.acked, data.seq as number)
    if (event === 'feed:resume') {
      seat.socket.send(JSON.stringify({ re: id, ok: true, data: {} }))
      this.#resume(seat, data.since as number)
    } else if (id !== null) this.#once(seat, id)
  }

  #once(seat: Seat, id: string): void {
    const fault = this.faults.shift() ?? 'fine'
    if (fault === 'cut') {
      this.#cut(seat)
      return
    }
    if (fault === 'retry') {
      const error = { code: 'busy', message: 'again', retry: true, retryAfterMs: 1 }
      seat.socket.send(JSON.stringify({ re: id, ok: false, error }))
      return
    }
    if (!this.#answers.has(id)) {
      this.effects.set(id, (this.effects.get(id) ?? 0) + 1)
      this.#answers.set(id, JSON.stringify({ re: id, ok: true, data: { effect: this.effects.size } }))
    }
    if (fault === 'cut_after') {
      this.#cut(seat)
      return
    }
    seat.socket.send(this.#answers.get(id) ?? '')
    if (fault === 'twice') seat.socket.send(this.#answers.get(id) ?? '')
  }
}

function knockOf({ url = '/', headers }: IncomingMessage): Knock {
  const { searchParams } = new URL(url, 'http://server')
  const since = searchParams.get('since')
  return {
    since: since === null ? null : Number(since),
    protocols: (headers['sec-websocket-protocol'] ?? '').split(/, */),
    query: searchParams,
    authorization: headers.authorization ?? null,
  }
}
