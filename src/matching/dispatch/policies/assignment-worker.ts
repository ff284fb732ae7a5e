import { Worker } from 'node:worker_threads'
import type { AssignmentProblem } from './assignment.ts'
import type { Answer, Question } from './assignment-thread.ts'

export interface AssignmentWorkerOptions {
  /** The module that the thread runs. */
  readonly thread?: URL
  /** Whoever waits for longer is refused, and the thread is replaced. */
  readonly timeoutMs?: number
  /** Problems in the thread or before it; more are refused. */
  readonly maxWaiting?: number
}

interface Waiting {
  readonly resolve: (columnOf: Int32Array) => void
  readonly reject: (reason: Error) => void
  readonly timer: NodeJS.Timeout
}

const THREAD = new URL('./assignment-thread.ts', import.meta.url)
/** A thousand trips take a fiftieth of that, and a thread on a busy machine a second to start. */
const TIMEOUT_MS = 3_000
/** Windows of so many zones and categories at a time. */
const MAX_WAITING = 16
/** A thousand trips and drivers with all their pairs take 20 MB. */
const LIMITS = { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 16 }

/**
 * Solves assignment problems in a thread of its own, so that nothing else waits. The thread starts with the first problem, keeps no process
 * alive, and is replaced by another after it has died.
 */
export class AssignmentWorker {
  readonly #thread: URL
  readonly #timeoutMs: number
  readonly #maxWaiting: number
  readonly #waiting = new Map<number, Waiting>()
  #worker: Worker | null = null
  #last = 0

  constructor({
    thread = THREAD,
    timeoutMs = TIMEOUT_MS,
    maxWaiting = MAX_WAITING,
  }: AssignmentWorkerOptions = {}) {
    this.#thread = thread
    this.#timeoutMs = timeoutMs
    this.#maxWaiting = maxWaiting
  }

  /** As `assign`. Rejects where too many wait, it takes too long, or the thread dies. */
  solve(problem: AssignmentProblem): Promise<Int32Array> {
    if (this.#waiting.size >= this.#maxWaiting)
      return Promise.reject(new Error('too many assignment problems wait'))
    this.#last += 1
    const question: Question = { id: this.#last, problem }
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => this.#replace(new Error(`an assignment took longer than ${this.#timeoutMs} ms`)),
        this.#timeoutMs,
      )
      this.#waiting.set(question.id, { resolve, reject, timer })
      this.#started().postMessage(question)
    })
  }

  /** Ends the thread; who waits is refused. Another problem would start another. */
  async close(): Promise<void> {
    await this.#replace(new Error('the assignment worker is closed'))
  }

  #started(): Worker {
    if (this.#worker !== null) return this.#worker
    const worker = new Worker(this.#thread, { resourceLimits: LIMITS })
    worker.unref()
    worker.on('message', (answer: Answer) => this.#answered(answer))
    worker.on('error', (error) => this.#lost(worker, error))
    worker.on('exit', (code) => this.#lost(worker, new Error(`the assignment thread ended with ${code}`)))
    this.#worker = worker
    return worker
  }

  #answered({ id, columnOf }: Answer): void {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    clearTimeout(waiting?.timer)
    waiting?.resolve(columnOf)
  }

  #lost(worker: Worker, reason: unknown): void {
    if (this.#worker !== worker) return
    this.#worker = null
    this.#refuseAll(reason instanceof Error ? reason : new Error(String(reason)))
  }

  #replace(reason: Error): Promise<unknown> {
    const worker = this.#worker
    this.#worker = null
    this.#refuseAll(reason)
    return worker === null ? Promise.resolve() : worker.terminate()
  }

  #refuseAll(reason: Error): void {
    const all = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const { reject, timer } of all) {
      clearTimeout(timer)
      reject(reason)
    }
  }
}
