import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import type { Checkpoint } from '../../src/base/checkpoint.ts'
import { linked } from '../support/linked.ts'
import type { Order, Report } from './crash-server.ts'

/** Mutants are loaded file by file, so that they can be given other words. */
const SOURCE = resolve(import.meta.dirname, 'crash-server.ts')
const SERVER = await linked('test/faults/crash-server.ts')
const MUTATION = resolve(import.meta.dirname, 'mutation.ts')
const START_TIMEOUT_MS = 90_000
const TELL_TIMEOUT_MS = 2_000
const WORDS_LIMIT_CHARACTERS = 4_000

/** One server process of a fault test. Only its own pid is ever signalled. */
export class ServerNode {
  readonly #child: ChildProcess
  readonly #ready: Promise<Report>
  /** Resolves with the words for how the process ended. */
  readonly ended: Promise<string>
  /** Where it answers; 0 before it does and after it has ended. */
  port = 0
  #words = ''

  /** Starts a process that loads everything and then waits for start(); with a defect of test/faults/mutants.ts, if one is named. */
  constructor({ mutant, redis = '' }: { readonly mutant?: string; readonly redis?: string } = {}) {
    this.#child = fork(mutant === undefined ? SERVER.program : SOURCE, {
      execArgv: mutant === undefined ? [] : ['--import', MUTATION],
      env: {
        ...process.env,
        ...(mutant === undefined ? SERVER.env : { MUTANT: mutant, MUTANT_REDIS: redis }),
      },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    this.ended = new Promise((resolve) => {
      this.#child.once('exit', (code, signal) => {
        this.port = 0
        resolve(signal ?? `code ${code}`)
      })
    })
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#words = (this.#words + chunk).slice(-WORDS_LIMIT_CHARACTERS)
      })
    }
    this.#ready = this.#next('ready')
    this.#ready.catch(() => undefined)
  }

  /** Lets the process serve and work; resolves when it answers. */
  async start(order: Omit<Extract<Order, { kind: 'start' }>, 'kind'>): Promise<this> {
    await this.#ready
    const listening = this.#next('listening')
    this.#child.send({ kind: 'start', ...order } satisfies Order)
    const report = await listening
    if (report.kind === 'listening') this.port = report.port
    return this
  }

  /** Resolves when it has loaded everything. */
  async loaded(): Promise<void> {
    await this.#ready
  }

  /** Lets it die at the n-th passing of the checkpoint; resolves when it is dead, rejects when it is not in time. */
  async dieAt(checkpoint: Checkpoint, passing: number, timeoutMs: number): Promise<void> {
    this.#child.send({ kind: 'die', checkpoint, passing } satisfies Order)
    const how: string | null = await Promise.race([this.ended, after(timeoutMs)])
    if (how === null) await this.#tell()
    if (how !== 'SIGKILL')
      throw new Error(`wanted to see it die at ${checkpoint} but it ${how ?? 'lived on'}: ${this.#words}`)
  }

  /** Lets it say how far it came, for the message of a failure. */
  async #tell(): Promise<void> {
    const told = once(this.#child.stderr ?? this.#child, 'data')
    this.#child.send({ kind: 'tell' } satisfies Order)
    await Promise.race([told, after(TELL_TIMEOUT_MS)])
  }

  /** Ends it without a chance to clean up, which is what every fault test expects it to bear. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.ended
  }

  /** Lets it take leave of whoever is connected, as an operator does; resolves with the words for how it ended. */
  drain(): Promise<string> {
    this.#child.kill('SIGTERM')
    return this.ended
  }

  /** What it wrote last: warnings and errors. */
  get words(): string {
    return this.#words
  }

  async #next(kind: Report['kind']): Promise<Report> {
    const report = new Promise<Report>((resolve) => {
      const hear = (heard: Report): void => {
        if (heard.kind !== kind) return
        this.#child.off('message', hear)
        resolve(heard)
      }
      this.#child.on('message', hear)
    })
    const first = await Promise.race([report, this.ended, after(START_TIMEOUT_MS)])
    if (first === null || typeof first === 'string') {
      throw new Error(`the server is not ${kind}: ${first ?? 'too slow'} ${this.#words}`)
    }
    return first
  }
}

function after(timeoutMs: number): Promise<null> {
  return new Promise((resolve) => setTimeout(resolve, timeoutMs, null).unref())
}
