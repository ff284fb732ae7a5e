import { CommanderError } from 'commander'
import { DataHostError } from '../../db/embedded/data-host.ts'
import { ServerStartError } from '../../db/embedded/server-process.ts'
import { isConnectionLost } from '../../db/errors.ts'
import { MigrationError } from '../../db/migrate.ts'
import { EXIT, type ExitCode } from './exit-codes.ts'

/** Why a command did not do what it was asked, for a person and for a script. */
export interface Failure {
  readonly code: string
  readonly message: string
  readonly exitCode: ExitCode
  readonly problems?: readonly string[]
}

/** Ends a command with a failure. */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly failure: Failure

  constructor(failure: Failure) {
    super(failure.message)
    this.failure = failure
  }
}

/** Wrong usage that only the command itself can see; the message names the option. */
export function usageError(message: string): CliError {
  return new CliError({ code: 'usage', message, exitCode: EXIT.usage })
}

/** There is nothing of that name. */
export function notFound(message: string): CliError {
  return new CliError({ code: 'not_found', message, exitCode: EXIT.failed })
}

/** The state of things forbids it. */
export function refusedByState(code: string, message: string): CliError {
  return new CliError({ code, message, exitCode: EXIT.refused })
}

/** The database said no before it looked at anything: who we are, or where. */
const NO_ENTRY = new Set(['ER_ACCESS_DENIED_ERROR', 'ER_DBACCESS_DENIED_ERROR', 'ER_BAD_DB_ERROR'])

/** What an error means; null when commander has only shown what was asked for (help, the version). */
export function failureOf(error: unknown): Failure | null {
  if (error instanceof CliError) return error.failure
  if (error instanceof CommanderError) return error.exitCode === 0 ? null : usageFailure(error)
  const message = messageOf(error)
  if (error instanceof DataHostError || error instanceof ServerStartError) {
    return { code: 'data_host', message, exitCode: EXIT.unreachable }
  }
  if (error instanceof MigrationError) return { code: 'migration', message, exitCode: EXIT.refused }
  const { code } = Object(error) as { code?: string }
  if (code === 'ER_NO_SUCH_TABLE') {
    const advice = 'tables are missing in this database; run: onceline migrate'
    return { code: 'migrations_pending', message: advice, exitCode: EXIT.refused }
  }
  if (isConnectionLost(error) || (code !== undefined && NO_ENTRY.has(code))) {
    return {
      code: 'database_unreachable',
      message: `the database cannot be reached: ${message}`,
      exitCode: EXIT.unreachable,
    }
  }
  return { code: 'failed', message, exitCode: EXIT.failed }
}

function usageFailure(error: CommanderError): Failure {
  const message =
    error.code === 'commander.help'
      ? 'a command is missing; see --help'
      : error.message.replace(/^error: /, '')
  return { code: 'usage', message, exitCode: EXIT.usage }
}

/** A refused connection to a name with several addresses has an empty message and its causes inside. */
function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join(', ')
  if (error instanceof Error) return error.message === '' ? error.name : error.message
  return String(error)
}
