import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises'
import { Queue, Worker } from 'bullmq'
import { openRedis, type Redis, type RedisAddress } from '../../db/redis.ts'
import type { Id } from '../base/ids.ts'
import { within } from '../base/within.ts'

/** A doorbell and who answers it. Jobs carry ids only: what is to be done, and whether it is done, MySQL knows. */
export interface RingOptions {
  readonly redis: RedisAddress
  /** The queue's name; no `:` in it. */
  readonly name: string
  /** Whose queue it is: the database's name. Two installations may share a Redis if their databases' names differ. */
  readonly installation: string
  /** Hears of Redis errors; called often while Redis is away. */
  readonly onError: (error: Error) => void
  /** Hears why a handler gave a job up; what it was for is rung again. */
  readonly onFailed?: (error: Error) => void
  /** How many events a job holds at most; IDS_PER_JOB by default. */
  readonly idsPerJob?: number
}

/** `suspect`: a worker died over this job before. */
export type RingHandler = (ids: readonly Id[], suspect: boolean) => Promise<void>

/** Fifty events a transaction process 2.5 times as many a second as ten, and ten times as many as one. */
export const IDS_PER_JOB = 50
const ID_BYTES = 16
/** The doorbell may fail: the sweeper rings again. So nothing waits for it longer than this. */
const RING_TIMEOUT_MS = 600
/** Beyond so many unanswered rings Redis is not keeping up, and more of them only cost memory. */
const MAX_UNANSWERED = 200
/**
 * Only who rings again within this waits, and nobody for longer. At a thousand events a second it makes jobs of twenty instead
 * of five: 50 rings a second instead of 200 take a third off the slowest acknowledgements' time, and larger jobs cost less.
 */
const RING_INTERVAL_MS = 20
const LOCK_MS = 30_000
const STALLED_CHECK_MS = 5_000
/** After Redis was away a worker takes jobs again within this; BullMQ's own is fifteen seconds. */
const RECOVERY_MS = 1_000
/** MySQL counts attempts; BullMQ must never give a job up by itself after its workers were killed. */
const MAX_STALLS = 1_000

/** The only file that knows BullMQ. */
export class Ring {
  readonly #options: RingOptions
  readonly #connection: Redis
  readonly #queue: Queue
  #worker: { worker: Worker; connection: Redis; copies: readonly Redis[] } | null = null
  #unanswered = 0
  #collected: Id[] = []
  #nextRing: Promise<boolean> | null = null
  #lastRingMs = Number.NEGATIVE_INFINITY
  #isResting = false

  constructor(options: RingOptions) {
    this.#options = options
    this.#connection = openRedis(options.redis, 'queue', options.onError)
    this.#queue = new Queue(options.name, {
      connection: this.#connection,
      prefix: prefixOf(options.installation),
      skipVersionCheck: true,
      defaultJobOptions: { attempts: 1, removeOnComplete: true, removeOnFail: true },
    })
    this.#queue.on('error', options.onError)
  }

  /**
   * Rings for these ids, in jobs of at most `idsPerJob`. The first rings in the next turn of the event loop, so that answers
   * that are ready go out before the doorbell's work; those that follow within milliseconds go together, so that under load
   * a few full jobs do the work of many small ones. False when Redis did not take them in time: then nobody has heard.
   */
  ring(ids: readonly Id[]): Promise<boolean> {
    for (const id of ids) this.#collected.push(id)
    this.#nextRing ??= this.#ringTogether()
    return this.#nextRing
  }

  async #ringTogether(): Promise<boolean> {
    const waitMs = this.#lastRingMs + RING_INTERVAL_MS - performance.now()
    await (waitMs > 0 ? pause(waitMs) : turn())
    this.#lastRingMs = performance.now()
    const ids = this.#collected
    this.#collected = []
    this.#nextRing = null
    return this.#send(ids)
  }

  async #send(ids: readonly Id[]): Promise<boolean> {
    if (this.#connection.status !== 'ready' || this.#unanswered >= MAX_UNANSWERED) return false
    this.#unanswered += 1
    try {
      await answered(this.#addJobs(chunks(ids, this.#options.idsPerJob ?? IDS_PER_JOB)))
      return true
    } catch (error) {
      this.#options.onError(error instanceof Error ? error : new Error(String(error)))
      return false
    } finally {
      this.#unanswered -= 1
    }
  }

  /** One job is added by one command; addBulk's transaction would cost several times as much. */
  #addJobs(parts: readonly Id[][]): Promise<unknown> {
    const jobs = parts.map((part) => ({ name: 'events', data: Buffer.concat(part).toString('base64') }))
    const [first] = jobs
    return first && jobs.length === 1 ? this.#queue.add(first.name, first.data) : this.#queue.addBulk(jobs)
  }

  /** How many jobs wait for a worker; null when Redis does not say. */
  async depth(): Promise<number | null> {
    if (this.#connection.status !== 'ready') return null
    try {
      return await answered(this.#queue.getWaitingCount())
    } catch {
      return null
    }
  }

  /** Starts answering. A handler that throws loses its job on purpose: the sweeper rings again. */
  answer(handler: RingHandler, concurrency: number): void {
    const connection = openRedis(this.#options.redis, 'worker', this.#options.onError)
    const copies = copiesOf(connection)
    const worker = new Worker<string>(
      this.#options.name,
      (job) => this.#answerOrHandOn(handler, idsOf(job.data), (job.stalledCounter ?? 0) > 0),
      {
        connection,
        prefix: prefixOf(this.#options.installation),
        concurrency,
        lockDuration: LOCK_MS,
        stalledInterval: STALLED_CHECK_MS,
        runRetryDelay: RECOVERY_MS,
        maxStalledCount: MAX_STALLS,
        skipVersionCheck: true,
        removeOnComplete: { count: 0 },
        removeOnFail: { count: 0 },
      },
    )
    worker.on('error', this.#options.onError)
    worker.on('failed', (_job, error) => this.#options.onFailed?.(error))
    this.#worker = { worker, connection, copies }
  }

  /** A worker that was waiting for a job when the rest began still takes one: it is rung for again, for the others. */
  async #answerOrHandOn(handler: RingHandler, ids: readonly Id[], suspect: boolean): Promise<void> {
    if (this.#isResting) await this.#send(ids)
    else await handler(ids, suspect)
  }

  /** Takes no new jobs for a while, so that they are left to other processes; jobs in hand go on. */
  rest(): void {
    this.#isResting = true
    this.#worker?.worker.pause(true).catch(this.#options.onError)
  }

  /** Takes jobs again after a rest. */
  goOn(): void {
    this.#isResting = false
    this.#worker?.worker.resume().catch(this.#options.onError)
  }

  /** Takes no new jobs and waits for those in hand, at most `timeoutMs`; then lets go. What was in hand is rung again later. */
  async stopAnswering(timeoutMs: number): Promise<void> {
    if (this.#worker) {
      const { worker, connection, copies } = this.#worker
      await within(timeoutMs, worker.close()).catch(() => undefined)
      for (const each of [connection, ...copies]) each.disconnect()
    }
    this.#worker = null
  }

  /** Stops answering as stopAnswering() does, sends the rings that are being collected, and leaves Redis. */
  async close(timeoutMs: number): Promise<void> {
    await this.stopAnswering(timeoutMs)
    await this.#nextRing
    await within(RING_TIMEOUT_MS, this.#queue.close()).catch(() => undefined)
    this.#connection.disconnect()
  }
}

/**
 * Notes the connections that the worker opens for itself (it waits for jobs on a copy of ours): with Redis frozen its
 * close() never comes to them, and an open socket keeps the process alive.
 */
function copiesOf(connection: Redis): readonly Redis[] {
  const copies: Redis[] = []
  // A cluster's client takes other arguments than a server's.
  const duplicate = connection.duplicate.bind(connection) as (...args: unknown[]) => Redis
  const duplicateAndNote = (...args: unknown[]) => {
    const copy = duplicate(...args)
    copies.push(copy)
    return copy
  }
  connection.duplicate = duplicateAndNote as never
  return copies
}

/** Hash-tagged, so that all keys of the queue are in one slot of a Redis Cluster. */
function prefixOf(installation: string): string {
  return `{onceline-${installation}}`
}

function chunks(ids: readonly Id[], size: number): Id[][] {
  const result: Id[][] = []
  for (let start = 0; start < ids.length; start += size) result.push(ids.slice(start, start + size))
  return result
}

function idsOf(data: string): Id[] {
  const bytes = Buffer.from(data, 'base64')
  const ids: Id[] = []
  for (let start = 0; start + ID_BYTES <= bytes.length; start += ID_BYTES) {
    ids.push(bytes.subarray(start, start + ID_BYTES))
  }
  return ids
}

/** Throws where Redis does not say in time. */
async function answered<T>(work: Promise<T>): Promise<T> {
  const answer = await within(RING_TIMEOUT_MS, work)
  if (answer === 'late') throw new Error(`Redis did not answer within ${RING_TIMEOUT_MS} ms`)
  return answer
}
