import { userInfo } from 'node:os'
import type { Command } from 'commander'
import { ACTOR_LIMIT_CHARACTERS } from '../webhooks/audit.ts'
import { EXIT } from './exit-codes.ts'
import { usageError } from './failure.ts'
import { Printer, type Streams } from './printer.ts'

/** One run of the program: what it was given, and how it will end. */
export interface Cli {
  readonly env: NodeJS.ProcessEnv
  readonly streams: Streams
  exitCode: number
}

/** Options that every command understands. */
export interface GlobalOptions {
  readonly json?: true
  readonly actor?: string
}

/** What a command's work is given. */
export interface Call<Options> {
  readonly cli: Cli
  readonly options: Options & GlobalOptions
  readonly args: readonly unknown[]
  readonly printer: Printer
}

/** Makes commander's action of a command's work; the work returns the exit code, nothing meaning done. */
export function handler<Options extends object>(
  cli: Cli,
  work: (call: Call<Options>) => Promise<number | undefined>,
): (...given: unknown[]) => Promise<void> {
  return async (...given) => {
    const command = given.at(-1) as Command
    const options = command.optsWithGlobals<Options & GlobalOptions>()
    const printer = new Printer(cli.streams, options.json === true, cli.env)
    const exitCode = await work({ cli, options, args: command.processedArgs, printer })
    cli.exitCode = exitCode ?? EXIT.done
  }
}

/** Whose name the audit bears: --actor, or else the operating system's user. */
export function actorOf({ actor }: GlobalOptions): string {
  const name = (actor ?? systemUser()).trim()
  if (name === '' || name.length > ACTOR_LIMIT_CHARACTERS) {
    throw usageError(`--actor must have 1 to ${ACTOR_LIMIT_CHARACTERS} characters`)
  }
  return name
}

/** A container's user may have no name. */
function systemUser(): string {
  try {
    return userInfo().username
  } catch {
    return `uid-${process.getuid?.() ?? 'unknown'}`
  }
}
