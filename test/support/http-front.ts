import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * What the front does with one request instead of passing it on. cut-before: the link goes before the service hears of it.
 * cut-after: it goes instead of the answer. cut-short: half of the answer's body comes. answer: the front's own.
 */
export type FrontStep =
  | { readonly kind: 'cut-before' | 'cut-after' | 'cut-short' }
  | {
      readonly kind: 'answer'
      readonly status: number
      readonly headers?: Readonly<Record<string, string>>
      readonly body: string
    }

/** A request that came to the front; `status` is the service's answer to it, null where the service never heard of it. */
export interface FrontRequest {
  readonly method: string
  readonly path: string
  readonly key: string | undefined
  readonly body: string
  readonly atMs: number
  status: number | null
}

/** What stands between Laravel and the service, with all its trouble: the next requests get the steps, the others pass. */
export class HttpFront {
  readonly requests: FrontRequest[] = []
  readonly #target: string
  readonly #server: Server
  #steps: FrontStep[] = []

  private constructor(target: string) {
    this.#target = target
    this.#server = createServer((request, response) => void this.#answer(request, response))
  }

  static async open(target: string): Promise<HttpFront> {
    const front = new HttpFront(target)
    front.#server.listen(0, '127.0.0.1')
    await once(front.#server, 'listening')
    return front
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Forgets what was, and plays these steps to the next requests. */
  play(...steps: readonly FrontStep[]): void {
    this.requests.length = 0
    this.#steps = [...steps]
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks)
    const seen = describe(request, body)
    this.requests.push(seen)
    const step = this.#steps.shift()
    if (step?.kind === 'cut-before') return void response.destroy()
    if (step?.kind === 'answer') return void response.writeHead(step.status, step.headers).end(step.body)
    const { status, headers, bytes } = await this.#pass(request, body)
    seen.status = status
    if (step?.kind === 'cut-after') return void response.destroy()
    response.writeHead(status, { ...headers, 'content-length': bytes.length })
    if (step?.kind !== 'cut-short') return void response.end(bytes)
    response.write(bytes.subarray(0, bytes.length / 2), () => response.destroy())
  }

  async #pass({ method = '', url = '', headers }: IncomingMessage, body: Buffer) {
    const kept = ['x-api-key', 'idempotency-key', 'content-type'].flatMap((name) => {
      const value = headers[name]
      return typeof value === 'string' ? [[name, value] as const] : []
    })
    const answer = await fetch(this.#target + url, {
      method,
      headers: Object.fromEntries(kept),
      ...(body.length === 0 ? {} : { body: new Uint8Array(body) }),
    })
    const bytes = Buffer.from(await answer.arrayBuffer())
    const answered = [...answer.headers].filter(
      ([name]) => !/^(content-length|connection|keep-alive|transfer-encoding)$/.test(name),
    )
    return { status: answer.status, headers: Object.fromEntries(answered), bytes }
  }
}

function describe({ method = '', url = '', headers }: IncomingMessage, body: Buffer): FrontRequest {
  const key = headers['idempotency-key']
  return {
    method,
    path: url,
    key: typeof key === 'string' ? key : undefined,
    body: body.toString(),
    atMs: performance.now(),
    status: null,
  }
}
