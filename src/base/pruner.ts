import type { Log } from './log.ts'
import { Loop } from './loop.ts'

/** Takes away at most `limit` rows in one transaction, passing by what is locked; says how many. */
export type Prune = (limit: number) => Promise<number>

export interface PrunerOptions<Kind extends string> {
  /** For the log. */
  readonly what: string
  readonly prunes: Readonly<Record<Kind, Prune>>
  readonly log: Log
  readonly intervalMs?: number
  /** Rows a transaction. */
  readonly batch?: number
}

/** What a caller says of its own pruner. */
export type PrunerPace = Pick<PrunerOptions<string>, 'log' | 'intervalMs' | 'batch'>

/** Some kilobytes a row go to the undo log: some hundred rows are a short transaction even where all are long. */
const BATCH = 200
/** 200 rows every ten seconds keep up with 20 a second; a full batch is followed by the next at once. */
const INTERVAL_MS = 10_000

/** Takes away what was kept long enough. Any number of pruners may run in any number of processes; they share the rows. */
export class Pruner<Kind extends string> {
  readonly #prunes: readonly [Kind, Prune][]
  readonly #batch: number
  readonly #loop: Loop

  constructor({ what, prunes, log, intervalMs = INTERVAL_MS, batch = BATCH }: PrunerOptions<Kind>) {
    this.#prunes = Object.entries(prunes) as [Kind, Prune][]
    this.#batch = batch
    this.#loop = new Loop({
      turn: async () => Object.values(await this.runOnce()).includes(batch),
      intervalMs,
      onError: (err) => log.warn({ err }, `pruning of ${what} failed; the next turn tries again`),
    })
  }

  start(): void {
    this.#loop.start()
  }

  /** Ends after the turn in hand, for which it waits at most `timeoutMs`. */
  stop(timeoutMs: number): Promise<void> {
    return this.#loop.stop(timeoutMs)
  }

  /** One batch of each kind, one after the other; returns how many rows went. */
  async runOnce(): Promise<Readonly<Record<Kind, number>>> {
    const gone: [Kind, number][] = []
    for (const [kind, prune] of this.#prunes) gone.push([kind, await prune(this.#batch)])
    return Object.fromEntries(gone) as Record<Kind, number>
  }
}
