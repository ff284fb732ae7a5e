import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A call that the provider got. Calls are counted from 1. */
export interface ProviderCall {
  readonly number: number
  /** The idempotency key that the caller sent. */
  readonly key: string
  /** Answers it, with the call's number. */
  answer(status?: number): void
}

/** A payment provider as an operation's step sees it: it answers when the test says so, or at once. */
export class Provider {
  readonly calls: ProviderCall[] = []
  readonly #server: Server
  #waiting: ((call: ProviderCall) => void)[] = []
  isAnswering = true
  url = ''

  private constructor() {
    this.#server = createServer((incoming, outgoing) => {
      const call: ProviderCall = {
        number: this.calls.length + 1,
        key: String(incoming.headers['idempotency-key']),
        answer: (status = 200) => {
          outgoing.writeHead(status).end(JSON.stringify({ call: call.number }))
        },
      }
      this.calls.push(call)
      if (this.isAnswering) call.answer()
      for (const tell of this.#waiting.splice(0)) tell(call)
    })
  }

  static async open(): Promise<Provider> {
    const provider = new Provider()
    await new Promise<void>((resolve) => provider.#server.listen(0, '127.0.0.1', resolve))
    provider.url = `http://127.0.0.1:${(provider.#server.address() as AddressInfo).port}`
    return provider
  }

  /** The next call that comes. */
  next(): Promise<ProviderCall> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** Forgets its calls and answers at once again. */
  reset(): void {
    this.calls.length = 0
    this.#waiting = []
    this.isAnswering = true
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
