import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'

/** What a gateway's API answers to one request. */
export interface ApiReply {
  readonly status?: number
  readonly json?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** Closes the connection without an answer. */
  readonly breaksOff?: boolean
}

/** A gateway's API on loopback: answers as the test says, and keeps what it was asked. */
export class FakeGatewayApi {
  readonly asked: {
    readonly path: string
    readonly headers: IncomingMessage['headers']
    readonly body: string
  }[] = []
  answer: (path: string, body: string) => ApiReply | Promise<ApiReply> = () => ({ status: 404, json: {} })
  readonly #server: Server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', async () => {
      const body = Buffer.concat(chunks).toString()
      const path = `${request.method} ${request.url}`
      this.asked.push({ path, headers: request.headers, body })
      const { status = 200, json, headers, breaksOff } = await this.answer(path, body)
      if (breaksOff === true) return void response.destroy()
      response
        .writeHead(status, { 'content-type': 'application/json', ...headers })
        .end(JSON.stringify(json ?? null))
    })
  })

  async open(): Promise<this> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return this
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** How many connections are open. */
  connections(): Promise<number> {
    return promisify(this.#server.getConnections.bind(this.#server))()
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }
}
