import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** One callback as Laravel received it. */
export interface ReceivedCallback {
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
  readonly body: {
    readonly id: string
    readonly event: string
    readonly orderingKey: string
    readonly sequence: number
    readonly data: { readonly n: number } & Record<string, unknown>
  }
}

export interface LaravelAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** `never`: the body is begun and not ended. `cut`: the connection is cut in the middle of it. */
  readonly ending?: 'never' | 'cut'
}

/** `silence`: the request is taken and never answered. */
export type AnswerOf = (
  callback: ReceivedCallback,
) => LaravelAnswer | 'silence' | Promise<LaravelAnswer | 'silence'>

/** A real HTTP server on a loopback port in the place of Laravel. It answers 204 unless it is told otherwise. */
export class StandInLaravel {
  readonly received: ReceivedCallback[] = []
  /** Changes what is answered from now on. */
  answer: AnswerOf = () => ({ status: 204 })
  /** The most requests that were unanswered at one time. */
  mostAtOnce = 0
  #atOnce = 0
  #server: Server
  #port = 0
  #heard = Promise.withResolvers<void>()

  private constructor() {
    this.#server = this.#createServer()
  }

  static async open(): Promise<StandInLaravel> {
    const laravel = new StandInLaravel()
    await laravel.#listen()
    return laravel
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  /** Resolves when so many callbacks have been received in all. */
  async until(count: number): Promise<void> {
    while (this.received.length < count) await this.#heard.promise
  }

  /** The `n` of what was received, in order. */
  get numbers(): number[] {
    return this.received.map(({ body }) => body.data.n)
  }

  /** Ends every connection and refuses new ones until `comeBack`, on the same port. */
  async goAway(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }

  async comeBack(): Promise<void> {
    this.#server = this.#createServer()
    await this.#listen()
  }

  async #listen(): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1')
    await once(this.#server, 'listening')
    this.#port = (this.#server.address() as AddressInfo).port
  }

  #createServer(): Server {
    // A client that is killed in the middle of its request breaks the reading of it.
    return createServer((request, response) => {
      // Somebody only looks whether it is there.
      if (request.method === 'HEAD') return void response.writeHead(404).end()
      this.#take(request, response).catch(() => response.destroy())
    })
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part)
    const text = Buffer.concat(parts).toString()
    const headers = request.headers as Record<string, string>
    const callback = { path: request.url ?? '', headers, text, body: JSON.parse(text) }
    this.#atOnce += 1
    this.mostAtOnce = Math.max(this.mostAtOnce, this.#atOnce)
    response.once('close', () => {
      this.#atOnce -= 1
    })
    this.received.push(callback)
    const answer = this.answer(callback)
    this.#heard.resolve()
    this.#heard = Promise.withResolvers()
    const given = await answer
    if (given === 'silence') return
    response.writeHead(given.status, given.headers)
    if (given.ending === undefined) response.end(given.body)
    else response.write(given.body, () => given.ending === 'cut' && response.destroy())
  }
}
