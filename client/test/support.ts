import { OncelineClient } from '../client.ts'
import type { ClientClock } from '../clock.ts'
import type { ClientOptions } from '../options.ts'
import type { ScriptedServer } from './scripted-server.ts'

/** Short waits, so that a test of many cuts is short too. */
export const BRISK = { backoffBaseMs: 2, backoffCapMs: 20, stableMs: 50, token: 'e30.e30.c2ln' } as const

const open: OncelineClient[] = []

/** A client of this server, which closeClients() closes. */
export function clientOf(server: ScriptedServer, options: Partial<ClientOptions> = {}): OncelineClient {
  const client = new OncelineClient({ url: server.url, ...BRISK, ...options })
  open.push(client)
  return client
}

/** The same once it is open; its errors are expected. */
export async function connectedTo(
  server: ScriptedServer,
  options: Partial<ClientOptions> = {},
): Promise<OncelineClient> {
  const client = clientOf(server, options)
  client.onError(() => undefined)
  client.connect()
  await client.opened()
  return client
}

export async function closeClients(): Promise<void> {
  await Promise.all(open.splice(0).map((client) => client.close()))
}

/** The numbers of the feed that the application hears, in the order in which it hears them. */
export function numbersOf(client: OncelineClient): number[] {
  const numbers: number[] = []
  client.onAny((_, { seq }) => {
    if (seq !== undefined) numbers.push(seq)
  })
  return numbers
}

/** Until this is true; looks again whenever something may have happened. */
export async function until(isTrue: () => boolean, what = 'what was waited for'): Promise<void> {
  const endMs = performance.now() + 20_000
  while (!isTrue()) {
    if (performance.now() > endMs) throw new Error(`never came: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

/** A clock that stands until it is moved; what is due meanwhile happens in its order. */
export class HandClock implements ClientClock {
  #nowMs = 1_763_900_000_000
  #timers = new Map<number, { readonly atMs: number; readonly run: () => void }>()
  #count = 0

  nowMs(): number {
    return this.#nowMs
  }

  setTimeout(run: () => void, ms: number): number {
    this.#count += 1
    this.#timers.set(this.#count, { atMs: this.#nowMs + ms, run })
    return this.#count
  }

  clearTimeout(timer: unknown): void {
    this.#timers.delete(timer as number)
  }

  get isIdle(): boolean {
    return this.#timers.size === 0
  }

  pass(ms: number): void {
    const endMs = this.#nowMs + ms
    for (;;) {
      const [next] = [...this.#timers]
        .filter(([, { atMs }]) => atMs <= endMs)
        .sort(([a, x], [b, y]) => x.atMs - y.atMs || a - b)
      if (next === undefined) break
      this.#timers.delete(next[0])
      this.#nowMs = Math.max(this.#nowMs, next[1].atMs)
      next[1].run()
    }
    this.#nowMs = endMs
  }
}
