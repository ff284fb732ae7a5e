import { parentPort } from 'node:worker_threads'
import { type AssignmentProblem, assign } from './assignment.ts'

/** What the thread is asked. */
export interface Question {
  readonly id: number
  readonly problem: AssignmentProblem
}

/** What it answers. */
export interface Answer {
  readonly id: number
  readonly columnOf: Int32Array<ArrayBuffer>
}

parentPort?.on('message', ({ id, problem }: Question) => {
  const answer: Answer = { id, columnOf: new Int32Array(assign(problem)) }
  parentPort?.postMessage(answer, [answer.columnOf.buffer])
})
