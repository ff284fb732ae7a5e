import { decimal } from './table.ts'

/** A promise with a number in it. */
export interface Goal {
  readonly name: string
  readonly value: number
  readonly atLeast?: number
  readonly atMost?: number
}

/** Something that was measured came out wrong: no figure of this run means anything. */
export class WrongResult extends Error {}

export interface Output {
  readonly json: boolean
  /** Exit with 1 when a goal is missed. */
  readonly check: boolean
}

/** Says on standard error how far the run is; standard output is for the result alone. */
export function progress(line: string): void {
  process.stderr.write(`${line}\n`)
}

/** Prints the result: one JSON document, or the text and the goals with a tick or a cross. */
export function publish(output: Output, document: object, text: string, goals: readonly Goal[]): void {
  const verdicts = goals.map((goal) => ({ ...goal, met: isMet(goal) }))
  if (output.json) console.log(JSON.stringify({ ...document, goals: verdicts }, null, 2))
  else console.log([text, '', ...verdicts.map(goalLine)].join('\n'))
  if (output.check && verdicts.some(({ met }) => !met)) process.exitCode = 1
}

function isMet({ value, atLeast, atMost }: Goal): boolean {
  return (atLeast === undefined || value >= atLeast) && (atMost === undefined || value <= atMost)
}

function goalLine(goal: Goal & { readonly met: boolean }): string {
  const bound = goal.atLeast === undefined ? `at most ${goal.atMost}` : `at least ${goal.atLeast}`
  return `${goal.met ? '✔' : '✘'} ${goal.name} ${decimal(goal.value, 2)} (goal: ${bound})`
}

/** Runs a benchmark: its failure is one line and exit code 1. */
export async function runBenchmark(work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    const isWrong = error instanceof WrongResult
    process.stderr.write(
      `${isWrong ? `WRONG: ${error.message}` : String(error instanceof Error ? error.stack : error)}\n`,
    )
    process.exitCode = 1
  }
}
