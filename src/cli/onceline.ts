import { CommanderError } from 'commander'
import type { Cli } from './cli.ts'
import { EXIT } from './exit-codes.ts'
import { failureOf } from './failure.ts'
import { Printer, type Streams } from './printer.ts'
import { buildProgram } from './program.ts'

/**
 * Runs one command line (without the program's name) and returns its exit code. Never throws: what goes wrong is printed,
 * as JSON on stderr with --json.
 */
export async function run(
  argv: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
  streams: Streams = process,
): Promise<number> {
  const cli: Cli = { env, streams, exitCode: EXIT.done }
  const isJson = argv.includes('--json')
  if (streams === process) leaveQuietlyWhenNobodyReads()
  try {
    await buildProgram(cli, isJson).parseAsync(argv, { from: 'user' })
    return cli.exitCode
  } catch (error) {
    const failure = failureOf(error)
    if (failure === null) return EXIT.done
    // For people commander has printed its own message by now, with a suggestion.
    const isPrinted = !isJson && error instanceof CommanderError
    if (!isPrinted) new Printer(cli.streams, isJson, env).failure(failure)
    return failure.exitCode
  }
}

/** `onceline events list | head` closes the pipe: that is no error. */
function leaveQuietlyWhenNobodyReads(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(EXIT.done)
      throw error
    })
  }
}
