import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { FixturePlan } from './cluster-fixture.ts'

export interface Line {
  readonly name: 'primary' | 'worker'
  readonly pid: number
  readonly msg: string
  readonly [field: string]: unknown
}

const FIXTURE = join(import.meta.dirname, 'cluster-fixture.ts')
const WAIT_MS = 15_000

/** A cluster in a process group of its own, as a shell would start it, seen through its log lines. */
export class ClusterRun {
  readonly lines: Line[] = []
  readonly primary: ChildProcess
  readonly exited: Promise<number | string>
  #wake = Promise.withResolvers<void>()

  constructor(plan: Partial<FixturePlan>) {
    const whole = { workers: 2, shutdownTimeoutMs: 5_000, worker: 'well', ...plan }
    this.primary = spawn(process.execPath, [FIXTURE, JSON.stringify(whole)], {
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    this.exited = once(this.primary, 'exit').then(([code, signal]) => code ?? signal)
    if (this.primary.stdout === null) throw new Error('no stdout')
    createInterface(this.primary.stdout).on('line', (text) => {
      this.lines.push(JSON.parse(text))
      this.#wake.resolve()
      this.#wake = Promise.withResolvers()
    })
  }

  get pid(): number {
    if (this.primary.pid === undefined) throw new Error('not started')
    return this.primary.pid
  }

  /** The first `count` lines with this message, as soon as there are so many. */
  async said(msg: string, count = 1): Promise<Line[]> {
    const deadline = AbortSignal.timeout(WAIT_MS)
    for (;;) {
      const found = this.lines.filter((line) => line.msg === msg)
      if (found.length >= count) return found.slice(0, count)
      await Promise.race([this.#wake.promise, once(deadline, 'abort')])
      if (deadline.aborted)
        throw new Error(`not said in time: ${msg}\n${JSON.stringify(this.lines, null, 1)}`)
    }
  }

  count(msg: string): number {
    return this.lines.filter((line) => line.msg === msg).length
  }

  /** Where it listens, once every worker does. */
  async address(): Promise<string> {
    const [ready] = await this.said('ready')
    return `http://127.0.0.1:${ready?.port}`
  }

  /** Asks until `count` different workers have answered (the primary gives connections away in turn). */
  async pids(count: number): Promise<Set<number>> {
    const address = await this.address()
    const pids = new Set<number>()
    for (let asked = 0; pids.size < count && asked < 1_000; asked += 1) {
      const { pid } = (await (await fetch(address)).json()) as { pid: number }
      pids.add(pid)
    }
    return pids
  }

  /** Ends whatever is left of the group. */
  end(): void {
    try {
      process.kill(-this.pid, 'SIGKILL')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }
}

/** Resolves when no process has this pid any more. */
export async function gone(pid: number): Promise<void> {
  const deadlineMs = performance.now() + WAIT_MS
  while (isAlive(pid)) {
    if (performance.now() > deadlineMs) throw new Error(`pid ${pid} is still there`)
    // A process that is not our child can only be looked at.
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
