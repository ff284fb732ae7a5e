import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { linked, type Program } from './linked.ts'

type FixtureName = Program extends infer P
  ? P extends `test/fixtures/${infer Name}.ts`
    ? Name
    : never
  : never

const children = new Set<ChildProcess>()

/** Starts a program of test/fixtures in a process of its own; resolves when it has said that it is ready. */
export async function startWorker(name: FixtureName): Promise<ChildProcess> {
  const { program, env } = await linked(`test/fixtures/${name}.ts`)
  const child = fork(program, { env: { ...process.env, ...env } })
  children.add(child)
  child.once('exit', () => children.delete(child))
  await answerOf(child)
  return child
}

/** Sends the order and resolves with the answer, upon which the process may end; rejects when it ends without one. */
export async function ask<T>(child: ChildProcess, order: object): Promise<T> {
  const answer = answerOf(child)
  child.send(order)
  const given = await answer
  child.disconnect()
  return given as T
}

async function answerOf(child: ChildProcess): Promise<unknown> {
  const over = new AbortController()
  try {
    const answered = once(child, 'message', { signal: over.signal }).then(([message]) => message as unknown)
    const ended = once(child, 'exit', { signal: over.signal }).then(([code, signal]) => {
      throw new Error(`the process ended with ${code ?? signal} and gave no answer`)
    })
    return await Promise.race([answered, ended])
  } finally {
    over.abort()
  }
}

/** Kills what still runs and waits for its end; for afterEach. */
export async function killWorkers(): Promise<void> {
  await Promise.all(
    [...children].map(async (child) => {
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    }),
  )
}
