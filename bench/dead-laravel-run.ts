import { randomBytes } from 'node:crypto'
import type { DataHost } from '../db/embedded/data-host.ts'
import { newSecret } from '../src/webhooks/gateways/samples/samples.ts'
import { registerPayments } from './backlog.ts'
import { type Child, startChild } from './child.ts'
import { watchCpu } from './cpu.ts'
import { type BenchDatabase, emptyRedis, withDatabase } from './data.ts'
import { STORY, type StoriesOrder } from './dead-laravel-client.ts'
import type { NodeOrder } from './dead-laravel-server.ts'
import type { Mood, StandInOrder, StandInReport } from './dead-laravel-stand-in.ts'
import type { Window } from './dead-laravel-window.ts'
import type { LoadReport } from './load.ts'
import { residentMibOf } from './memory.ts'
import { Outbox } from './outbox.ts'
import { progress, WrongResult } from './report.ts'
import { decimal } from './table.ts'

export interface Shape {
  /** Before all, in a database of its own: nobody sends callbacks at all. */
  readonly unsentSeconds: number
  readonly baselineSeconds: number
  readonly deadSeconds: number
  readonly afterSeconds: number
  readonly windowSeconds: number
  /** Callbacks a second; every webhook writes two. */
  readonly rate: number
  readonly processes: number
  readonly answerMs: number
  readonly moods: readonly Mood[]
}

export interface Outcome {
  readonly windows: readonly Window[]
  /** From Laravel's return until it had everything that was written before it. */
  readonly recoverySeconds: number
  /** What waited when Laravel came back. */
  readonly waiting: number
  readonly callbacks: number
  readonly laravel: StandInReport
}

const CALLBACKS_A_WEBHOOK = 2
const GATEWAY = 'stripe'
const API_KEY = 'laravel-api-key-of-the-benchmark'
const CONNECTIONS = 16
/** Not measured: until the code is compiled, at many times the rate. */
const WARM_UP = { seconds: 6, ratePerSecond: 800 }
/** And then at the rate itself. */
const LEAD_IN_SECONDS = 5
/** Laravel's return is given up after this long, and so is the very last callback. */
const RECOVERY_TIMEOUT_SECONDS = 600

/**
 * Nobody sends callbacks; then Laravel lives, is dead, and lives again, under a steady rate of webhooks; in the end everything
 * is counted.
 */
export async function runDeadLaravel(host: DataHost, shape: Shape): Promise<Outcome> {
  const unsent = await withRun(host, shape, (run) => run.runUnsent())
  const outcome = await withRun(host, shape, (run) => run.run())
  return { ...outcome, windows: [...unsent, ...outcome.windows] }
}

function withRun<T>(host: DataHost, shape: Shape, work: (run: Run) => Promise<T>): Promise<T> {
  return withDatabase(host, async (database) => {
    await emptyRedis(host)
    const children = {
      laravel: startChild('./dead-laravel-stand-in.ts'),
      client: startChild('./dead-laravel-client.ts'),
      nodes: Array.from({ length: shape.processes }, () => startChild('./dead-laravel-server.ts')),
    }
    try {
      return await work(new Run(host, database, shape, children))
    } finally {
      await Promise.all([children.client, ...children.nodes, children.laravel].map((child) => child.end()))
    }
  })
}

class Run {
  readonly #host: DataHost
  readonly #database: BenchDatabase
  readonly #shape: Shape
  readonly #laravel: Child
  readonly #client: Child
  readonly #nodes: readonly Child[]
  readonly #outbox: Outbox
  readonly #windows: Window[] = []
  #acknowledged = 0

  constructor(
    host: DataHost,
    database: BenchDatabase,
    shape: Shape,
    children: { laravel: Child; client: Child; nodes: readonly Child[] },
  ) {
    this.#host = host
    this.#database = database
    this.#shape = shape
    this.#laravel = children.laravel
    this.#client = children.client
    this.#nodes = children.nodes
    this.#outbox = new Outbox(database.pool)
  }

  /** What a webhook takes where callbacks are written and nobody sends them: less cannot be asked of a dead Laravel. */
  async runUnsent(): Promise<readonly Window[]> {
    await this.#start(false)
    await this.#windowsFor('unsent', this.#shape.unsentSeconds)
    return this.#windows
  }

  async run(): Promise<Outcome> {
    const { baselineSeconds, deadSeconds, afterSeconds, moods } = this.#shape
    await this.#start(true)
    await this.#windowsFor('alive', baselineSeconds)
    for (const mood of moods) {
      await this.#laravel.ask('become', mood)
      await this.#windowsFor(mood, deadSeconds / moods.length)
    }
    const waiting = await this.#outbox.unfinished()
    const recovery = await this.#return()
    await this.#windowsFor('after', afterSeconds)
    await this.#outbox.untilFinished(RECOVERY_TIMEOUT_SECONDS)
    const laravel = await this.#laravel.ask<StandInReport>('report', null)
    const callbacks = await this.#assertComplete(laravel)
    return { windows: this.#windows, recoverySeconds: recovery, waiting, callbacks, laravel }
  }

  async #start(isSent: boolean): Promise<void> {
    const { processes: _, answerMs } = this.#shape
    const secret = newSecret(GATEWAY)
    const tag = randomBytes(4).toString('hex')
    await registerPayments(this.#database.pool, GATEWAY, tag, this.#paymentsNeeded())
    const order: StandInOrder = { apiKey: API_KEY, answerMs }
    const url = `http://127.0.0.1:${await this.#laravel.ask<number>('start', order)}`
    const node: NodeOrder = {
      database: this.#database.address,
      redis: this.#host.redis,
      gateway: GATEWAY,
      secret,
      laravel: isSent ? { url, apiKey: API_KEY } : null,
    }
    const [port = 0] = await Promise.all(this.#nodes.map((child) => child.ask<number>('start', node)))
    const stories: StoriesOrder = { port, connections: CONNECTIONS, gateway: GATEWAY, secret, tag }
    await this.#client.ask('prepare', stories)
    await this.#send(WARM_UP.seconds, WARM_UP.ratePerSecond)
    if (isSent) await this.#outbox.untilFinished(RECOVERY_TIMEOUT_SECONDS)
    await this.#send(LEAD_IN_SECONDS, this.#webhooksASecond)
  }

  get #webhooksASecond(): number {
    return this.#shape.rate / CALLBACKS_A_WEBHOOK
  }

  #paymentsNeeded(): number {
    const { unsentSeconds, baselineSeconds, deadSeconds, afterSeconds, windowSeconds } = this.#shape
    const seconds =
      LEAD_IN_SECONDS +
      unsentSeconds +
      baselineSeconds +
      deadSeconds +
      RECOVERY_TIMEOUT_SECONDS +
      afterSeconds +
      4 * windowSeconds
    const webhooks = WARM_UP.seconds * WARM_UP.ratePerSecond + seconds * this.#webhooksASecond
    return Math.ceil(webhooks / STORY.length) + 1_000
  }

  async #windowsFor(phase: Window['phase'], seconds: number): Promise<void> {
    for (let left = seconds; left > 0; left -= this.#shape.windowSeconds) await this.#window(phase)
  }

  /** Laravel lives again: goes on measuring until it has all that waited; returns how many seconds that took. */
  async #return(): Promise<number> {
    const startMs = performance.now()
    await this.#laravel.ask('become', 'alive' satisfies Mood)
    let seconds: number | null = null
    const caughtUp = this.#outbox.untilCaughtUp(RECOVERY_TIMEOUT_SECONDS).then(() => {
      seconds = (performance.now() - startMs) / 1_000
    })
    caughtUp.catch(() => undefined)
    while (seconds === null || (this.#windows.at(-1)?.backlog ?? 0) > this.#shape.rate) {
      await this.#window('recovery')
      if (performance.now() - startMs > RECOVERY_TIMEOUT_SECONDS * 1_000) await caughtUp
    }
    return seconds
  }

  async #window(phase: Window['phase']): Promise<void> {
    const { mysqlPid: database, redisPid: redis } = this.#host
    const nodes = Object.fromEntries(this.#nodes.map(({ pid }, index) => [`node${index}`, pid]))
    const cpu = watchCpu({ ...nodes, database, redis } as Record<string, number>)
    const { p50Ms, p99Ms, maxMs, requests } = await this.#send(
      this.#shape.windowSeconds,
      this.#webhooksASecond,
    )
    const used = cpu()
    const service = this.#nodes.reduce((sum, _, index) => sum + (used[`node${index}`] ?? 0), 0)
    const backlog = await this.#outbox.unfinished()
    const residentMib = this.#nodes.reduce((sum, { pid }) => sum + residentMibOf(pid), 0)
    const cpuMicros = { service, database: used.database ?? 0, redis: used.redis ?? 0 }
    this.#windows.push({
      phase,
      p50Ms,
      p99Ms,
      maxMs,
      webhooks: requests,
      backlog,
      residentMib,
      cpuMicros,
    })
    progress(
      `${phase}: p50 ${decimal(p50Ms, 2)} ms, p99 ${decimal(p99Ms, 2)} ms, ${backlog} callbacks open, ` +
        `${decimal(residentMib, 0)} MiB, ${decimal((service + cpuMicros.database + cpuMicros.redis) / requests, 0)} µs a webhook`,
    )
  }

  async #send(seconds: number, ratePerSecond: number): Promise<LoadReport> {
    const report = await this.#client.ask<LoadReport>('run', { seconds, ratePerSecond })
    if (report.errors > 0) throw new WrongResult(`${report.errors} webhooks were not acknowledged`)
    if (report.ranOut) throw new WrongResult('the prepared webhooks were used up before the time was over')
    this.#acknowledged += report.requests
    return report
  }

  /** Returns how many callbacks there were in all. */
  async #assertComplete(laravel: StandInReport): Promise<number> {
    const { events, late, written, done } = await this.#outbox.totals()
    if (late > 0)
      progress(`${late} of ${events} events came to be processed after a later one and told nobody`)
    const facts: readonly (readonly [string, number, number])[] = [
      ['events stored', events, this.#acknowledged],
      ['callbacks written', written, (this.#acknowledged - late) * CALLBACKS_A_WEBHOOK],
      ['callbacks done', done, written],
      ['callbacks that Laravel has', laravel.delivered, written],
      ['callbacks out of order', laravel.disordered, 0],
      ['callbacks in flight beside another of their key', laravel.overlapping, 0],
      ['callbacks with a wrong signature or key', laravel.unbelievable, 0],
    ]
    for (const [name, found, wanted] of facts) {
      if (found !== wanted) throw new WrongResult(`${name}: ${found} instead of ${wanted}`)
    }
    return written
  }
}
