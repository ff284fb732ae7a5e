import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** What is measured runs in processes of its own, so that nobody's work is put to another's account. */
export interface Child {
  readonly pid: number
  /** Asks the child to do one thing and waits for its result. Throws what the child threw, or that it ended. */
  ask<Result>(what: string, order: unknown): Promise<Result>
  end(): Promise<void>
}

interface Question {
  readonly what: string
  readonly order: unknown
}

type Reply = { readonly result: unknown } | { readonly error: string }

/** Starts a file of this folder as a child. Its errors go to our standard error. */
export function startChild(file: string): Child {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    serialization: 'advanced',
    execArgv: profilingArgs(file),
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  if (child.pid === undefined) throw new Error(`${file} could not be started`)
  return {
    pid: child.pid,
    ask: <Result>(what: string, order: unknown) => ask(child, ended, { what, order }) as Promise<Result>,
    end: () => {
      if (child.connected) child.disconnect()
      return ended
    },
  }
}

/** `BENCH_PROFILE=<folder>` writes a processor profile of every measured server and worker into the folder. */
function profilingArgs(file: string): string[] {
  const folder = process.env.BENCH_PROFILE
  if (folder === undefined || file.includes('client')) return []
  return ['--cpu-prof', `--cpu-prof-dir=${folder}`, '--cpu-prof-interval=500']
}

function ask(child: ChildProcess, ended: Promise<void>, question: Question): Promise<unknown> {
  return new Promise((resolve, reject) => {
    child.once('message', (reply: Reply) => {
      if ('error' in reply) reject(new Error(reply.error))
      else resolve(reply.result)
    })
    void ended.then(() => reject(new Error('a child process ended before it answered')))
    child.send(question)
  })
}

/** The child's side: answers questions by name, one after the other, and ends with its parent. */
export function serve(answers: Readonly<Record<string, (order: never) => unknown>>): void {
  process.on('message', (question: Question) => {
    void answer(answers, question).then((reply) => process.send?.(reply))
  })
  process.on('disconnect', () => process.exit(0))
}

async function answer(
  answers: Readonly<Record<string, (order: never) => unknown>>,
  { what, order }: Question,
): Promise<Reply> {
  try {
    const known = answers[what]
    if (!known) throw new Error(`nothing answers ${what}`)
    return { result: await known(order as never) }
  } catch (error) {
    return { error: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}
