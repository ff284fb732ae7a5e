import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { run } from '../../src/cli/onceline.ts'
import type { Streams } from '../../src/cli/printer.ts'
import { addressVariables } from '../../src/config/addresses.ts'
import type { TestDatabase } from './database.ts'
import { linked } from './linked.ts'

const CLI = await linked('bin/onceline.js')

/** How a command ended and what it said. */
export interface CliEnd {
  readonly code: number | null
  readonly stdout: Buffer
  readonly stderr: string
}

export type CliEnv = Readonly<Record<string, string>>

/** The environment that points a command at a suite's servers. */
export function envOf({ address, redis }: Pick<TestDatabase, 'address' | 'redis'>): CliEnv {
  return { NODE_ENV: 'test', ...addressVariables(address, redis) }
}

/** Runs `onceline` in a process of its own, with nothing in its environment but PATH, HOME and what is given. */
export async function onceline(env: CliEnv, ...args: readonly string[]): Promise<CliEnd> {
  const { PATH = '', HOME = '' } = process.env
  const child = spawn(process.execPath, [CLI.program, ...args], {
    env: { PATH, HOME, ...CLI.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
  const [code] = await once(child, 'close')
  return { code, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() }
}

/** Runs a command with --json in this process, where a suite runs many: none of them has to compile the program. */
export async function oncelineHere(
  env: CliEnv,
  ...args: readonly string[]
): Promise<{ code: number; json: Json }> {
  const [out, err] = [new PassThrough(), new PassThrough()]
  const streams = { stdout: out, stderr: err } as unknown as Streams
  const code = await run([...args, '--json'], { ...env }, streams)
  const text = String(out.read() ?? err.read() ?? '')
  return { code, json: JSON.parse(text) }
}

// biome-ignore lint/suspicious/noExplicitAny: an answer is read member by member, and a wrong member fails its test.
type Json = any

/** Runs a command with --json; its answer, or else its error, is read as JSON. */
export async function oncelineJson(
  env: CliEnv,
  ...args: readonly string[]
): Promise<{ code: number | null; json: Json }> {
  const { code, stdout, stderr } = await onceline(env, ...args, '--json')
  const text = stdout.length > 0 ? stdout.toString() : stderr
  try {
    return { code, json: JSON.parse(text) }
  } catch {
    throw new Error(
      `onceline ${args.join(' ')} ended with ${code} and did not answer in JSON: ${text}${stderr}`,
    )
  }
}
