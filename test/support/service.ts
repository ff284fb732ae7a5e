import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import type { DatabaseAddress } from '../../db/pools.ts'
import type { RedisAddress } from '../../db/redis.ts'
import { addressVariables } from '../../src/config/addresses.ts'

const MAIN = resolve(import.meta.dirname, '../../src/main.ts')
/** Of processes before it, that ended by themselves: the sources have to be compiled once a run. */
const COMPILE_CACHE = resolve(import.meta.dirname, '../../.data/compile-cache')
const START_TIMEOUT_MS = 40_000

/** Onceline as an operator starts it: src/main.ts with an environment, in a process of its own. */
export class Service {
  readonly child: ChildProcess
  /** How it ended: its exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>
  readonly lines: string[] = []
  port = 0

  private constructor(env: Readonly<Record<string, string>>) {
    const inherited = Object.fromEntries(
      ['PATH', 'HOME', 'LD_LIBRARY_PATH'].flatMap((name) =>
        process.env[name] ? [[name, process.env[name]]] : [],
      ),
    )
    this.child = spawn(process.execPath, [MAIN], {
      env: { ...inherited, NODE_COMPILE_CACHE: COMPILE_CACHE, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.ended = once(this.child, 'exit').then(([code, signal]) => code ?? signal)
  }

  /** Starts it; resolves when it says that it is ready. */
  static async start(
    database: DatabaseAddress,
    redis: RedisAddress,
    env: Readonly<Record<string, string>> = {},
  ): Promise<Service> {
    const service = new Service({
      PORT: '0',
      HOST: '127.0.0.1',
      ...addressVariables(database, redis),
      ...env,
    })
    await service.#ready()
    return service
  }

  /** Sends a signal to this process alone. */
  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal)
  }

  get text(): string {
    return this.lines.join('\n')
  }

  async #ready(): Promise<void> {
    const { stdout, stderr } = this.child
    if (!stdout || !stderr) throw new Error('no output to read')
    const isReady = new Promise<void>((done) => {
      const hear = (line: string): void => {
        this.lines.push(line)
        // One process says it in its log, a cluster's primary only to the person at the terminal.
        const port = /"port":(\d+).*"msg":"ready"|^Onceline is ready on http:.*:(\d+)$/.exec(line)
        if (port === null) return
        this.port = Number(port[1] ?? port[2])
        done()
      }
      createInterface(stdout).on('line', hear)
      createInterface(stderr).on('line', hear)
    })
    const tooLate = AbortSignal.timeout(START_TIMEOUT_MS)
    await Promise.race([isReady, this.ended, once(tooLate, 'abort')])
    if (this.port === 0) throw new Error(`it did not become ready:\n${this.text}`)
  }
}
