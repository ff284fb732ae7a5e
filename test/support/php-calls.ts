import { join } from 'node:path'
import { findPhp, type Php, runPhp } from './php.ts'

/** `verify` is OncelineSignature's, `mint` OncelineToken's behind its secret; all others need a client, so a target. */
export type Call = readonly [method: string, ...args: unknown[]]

/** What PHP's call gave: one of the two. */
export interface Outcome {
  // biome-ignore lint/suspicious/noExplicitAny: an answer is read member by member, and a wrong member fails its test.
  readonly returned?: any
  readonly thrown?: Readonly<Record<string, unknown>>
}

/** The client's arguments; the options are named as in PHP. */
export interface CallTarget {
  readonly url: string
  readonly apiKey: string
  readonly options: Readonly<Record<string, number>>
}

const SCRIPT = join(import.meta.dirname, '../fixtures/onceline-calls.php')

/** findPhp(), and a loud word where there is none: a suite that does not run must not look like one that did. */
export function phpOrNotice(suite: string): Php | undefined {
  const php = findPhp()
  if (php === undefined)
    console.error(`\n*** PHP 8.1 or newer could not be had on this machine: ${suite} DID NOT RUN. ***\n`)
  return php
}

/** Lets PHP make the calls, one after the other, in one process. Throws when PHP warns of anything. */
export async function callsInPhp(
  php: Php | undefined,
  calls: readonly Call[],
  target?: CallTarget,
): Promise<Outcome[]> {
  if (php === undefined) throw new Error('there is no PHP')
  const order = { ...target, calls: calls.map(([method, ...args]) => ({ method, args })) }
  const run = await runPhp(php, [SCRIPT], { stdin: JSON.stringify(order) })
  if (run.status !== 0 || run.stderr !== '')
    throw new Error(`PHP ended with ${run.status}: ${run.stderr}${run.stdout}`)
  return JSON.parse(run.stdout) as Outcome[]
}
