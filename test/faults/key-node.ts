import { type ChildProcess, fork } from 'node:child_process'
import type { Checkpoint } from '../../src/base/checkpoint.ts'
import { linked } from '../support/linked.ts'
import type { KeyOrder, KeyReport } from './key-server.ts'

const SERVER = await linked('test/faults/key-server.ts')

/** What a process answered. `died` when the connection ended without an answer. */
export type NodeAnswer =
  | { readonly status: number; readonly replayed: boolean; readonly text: string }
  | 'died'

/** One server process (key-server.ts). Only its own pid is ever signalled. */
export class KeyNode {
  readonly #child: ChildProcess
  readonly #ready: Promise<KeyReport>
  /** Resolves with the words for how the process ended. */
  readonly ended: Promise<string>
  hasEnded = false
  port = 0

  constructor() {
    this.#child = fork(SERVER.program, {
      execArgv: [],
      env: { ...process.env, ...SERVER.env },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    this.ended = new Promise((done) => {
      this.#child.once('exit', (code, signal) => {
        this.hasEnded = true
        done(signal ?? `code ${code}`)
      })
    })
    this.#ready = this.#next('ready')
    this.#ready.catch(() => undefined)
  }

  /** Lets it serve; resolves when it answers. */
  async start(order: Omit<Extract<KeyOrder, { kind: 'start' }>, 'kind'>): Promise<this> {
    await this.#ready
    const listening = this.#next('listening')
    this.#child.send({ kind: 'start', ...order } satisfies KeyOrder)
    const report = await listening
    if (report.kind === 'listening') this.port = report.port
    return this
  }

  /** From now on it dies at the n-th passing of the checkpoint; 0 takes that back. Rejects when it is dead. */
  dieAt(checkpoint: Checkpoint, passing: number): Promise<void> {
    return this.#meet('SIGKILL', checkpoint, passing)
  }

  /** From now on it stops at the n-th passing of the checkpoint, until it gets SIGCONT. */
  stopAt(checkpoint: Checkpoint, passing: number): Promise<void> {
    return this.#meet('SIGSTOP', checkpoint, passing)
  }

  async post(path: string, key: string, content: string): Promise<NodeAnswer> {
    try {
      const response = await fetch(`http://127.0.0.1:${this.port}${path}`, {
        method: 'POST',
        headers: { 'idempotency-key': key },
        body: JSON.stringify({ content }),
      })
      const replayed = response.headers.get('idempotent-replayed') === 'true'
      return { status: response.status, replayed, text: await response.text() }
    } catch {
      return 'died'
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.ended
  }

  async #meet(signal: 'SIGKILL' | 'SIGSTOP', checkpoint: Checkpoint, passing: number): Promise<void> {
    const armed = this.#next('armed')
    // The channel may close under our hands: then the process is ending, which #next hears.
    this.#child.send({ kind: 'meet', signal, checkpoint, passing } satisfies KeyOrder, () => undefined)
    await armed
  }

  async #next(kind: KeyReport['kind']): Promise<KeyReport> {
    const report = new Promise<KeyReport>((done) => {
      const hear = (heard: KeyReport): void => {
        if (heard.kind !== kind) return
        this.#child.off('message', hear)
        done(heard)
      }
      this.#child.on('message', hear)
    })
    const first = await Promise.race([report, this.ended])
    if (typeof first === 'string') throw new Error(`the server is not ${kind}: ${first}`)
    return first
  }
}
