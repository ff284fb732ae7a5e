/** Channels that are asked for with one command, and answered as one. */
export interface Batch {
  readonly channels: string[]
  readonly answer: Promise<boolean>
  readonly settle: (isSubscribed: boolean) => void
  /** Somebody was told false, or nobody waits: what was published before is to be looked for once it is subscribed. */
  isLate: boolean
  isDone: boolean
}

/** One command carries so many channels: its answers are a few tens of kilobytes. */
const BATCH_CHANNELS = 1_000

/** Collects what one tick asks for. Only channels of one group share a command. */
export class Batches {
  readonly #groupOf: (channel: string) => number
  /** Hears all batches of a tick, when it is over. */
  readonly #onTick: (batches: readonly Batch[]) => void
  #batches: Batch[] = []
  /** Those that are not full, by group and lateness. */
  readonly #open = new Map<number, Batch>()

  constructor(groupOf: (channel: string) => number, onTick: (batches: readonly Batch[]) => void) {
    this.#groupOf = groupOf
    this.#onTick = onTick
  }

  put(channel: string, isLate: boolean): Batch {
    const key = this.#groupOf(channel) * 2 + Number(isLate)
    let batch = this.#open.get(key)
    if (batch === undefined || batch.channels.length >= BATCH_CHANNELS) {
      batch = this.#begin(isLate)
      this.#open.set(key, batch)
    }
    batch.channels.push(channel)
    return batch
  }

  /** Forgets what this tick asked for so far. */
  drop(): void {
    this.#batches = []
    this.#open.clear()
  }

  #begin(isLate: boolean): Batch {
    if (this.#batches.length === 0) setImmediate(() => this.#end())
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const batch = { channels: [], answer: promise, settle: resolve, isLate, isDone: false }
    this.#batches.push(batch)
    return batch
  }

  #end(): void {
    const batches = this.#batches
    this.drop()
    if (batches.length > 0) this.#onTick(batches)
  }
}

/** The same channels in parts that may each be one command. */
export function inParts(channels: readonly string[], groupOf: (channel: string) => number): string[][] {
  const parts: string[][] = []
  const open = new Map<number, string[]>()
  for (const channel of channels) {
    const group = groupOf(channel)
    let part = open.get(group)
    if (part === undefined || part.length >= BATCH_CHANNELS) {
      part = []
      open.set(group, part)
      parts.push(part)
    }
    part.push(channel)
  }
  return parts
}
