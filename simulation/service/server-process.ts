import { type ChildProcess, fork } from 'node:child_process'
import { resolve } from 'node:path'
import type { ServerOrder } from './server.ts'

const PROGRAM = resolve(import.meta.dirname, 'server.ts')
const START_TIMEOUT_MS = 60_000
const MOST_WORDS = 200

/** A process of the service, started by us; only its own pid is ever signalled. */
export class ServerProcess {
  readonly port: number
  readonly #child: ChildProcess
  /** Warnings and errors, the first ones. */
  readonly words: readonly string[]

  private constructor(child: ChildProcess, port: number, words: readonly string[]) {
    this.#child = child
    this.port = port
    this.words = words
  }

  /** Resolves when it serves; rejects when it does not within a minute. */
  static async start(order: ServerOrder): Promise<ServerProcess> {
    const child = fork(PROGRAM, { execArgv: [], stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
    const words: string[] = []
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => {
        for (const line of String(chunk).split('\n'))
          if (line !== '' && words.length < MOST_WORDS) words.push(line)
      })
    const port = await listening(child, order).catch((error: unknown) => {
      child.kill('SIGKILL')
      throw new Error(`${error instanceof Error ? error.message : error}\n${words.join('\n')}`)
    })
    return new ServerProcess(child, port, words)
  }

  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Lets it take leave of whoever is connected. */
  async stop(): Promise<void> {
    if (!this.isAlive) return
    const ended = new Promise((done) => this.#child.once('exit', done))
    this.#child.kill('SIGTERM')
    await ended
  }
}

function listening(child: ChildProcess, order: ServerOrder): Promise<number> {
  return new Promise((done, fail) => {
    const timer = setTimeout(() => fail(new Error('the service does not start')), START_TIMEOUT_MS)
    child.once('exit', (code, signal) => fail(new Error(`the service ended with ${signal ?? code}`)))
    child.once('message', (report: { readonly port: number }) => {
      clearTimeout(timer)
      done(report.port)
    })
    child.send(order)
  })
}
