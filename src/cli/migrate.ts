import type { Command } from 'commander'
import { migrate } from '../../db/migrate.ts'
import { type MigrationStatus, migrationStatus } from '../../db/migration-status.ts'
import { type Call, type Cli, handler } from './cli.ts'
import { withContext } from './context.ts'
import { timeText } from './event-view.ts'
import { EXIT, type ExitCode } from './exit-codes.ts'
import type { Cell, Colour } from './printer.ts'

interface Options {
  readonly status?: true
}

const EXAMPLES = `
Forward only, and safe to run from several machines at once: the others wait. Nothing is changed where a table of ours
would stand in the way of one that Onceline did not create.
With --status: exit 0 when the schema is up to date, 1 when it is not.

Examples:
  onceline migrate
  onceline migrate --status --json`

/** `onceline migrate` */
export function addMigrate(program: Command, cli: Cli): void {
  program
    .command('migrate')
    .description('bring the database schema up to date')
    .option('--status', 'only say what is applied and what is pending')
    .addHelpText('after', EXAMPLES)
    .action(handler<Options>(cli, (call) => (call.options.status ? showStatus(call) : apply(call))))
}

async function apply({ cli, printer }: Call<Options>): Promise<undefined> {
  const report = await withContext(cli.env, ({ database }) => migrate(database), { migrates: false })
  printer.answer(report, () => [
    ...report.applied.map((name) => `${printer.paint('green', 'applied')} ${name}`),
    `${report.applied.length} applied, ${report.alreadyThere} were there already`,
  ])
}

async function showStatus({ cli, printer }: Call<Options>): Promise<ExitCode> {
  const all = await withContext(cli.env, ({ pool }) => migrationStatus(pool), { migrates: false })
  const upToDate = all.every(({ status }) => status === 'done')
  printer.answer({ upToDate, migrations: all }, () =>
    printer.table(['MIGRATION', 'STATUS', 'APPLIED'], all.map(row), 'no migrations'),
  )
  return upToDate ? EXIT.done : EXIT.failed
}

const COLOURS: Readonly<Record<MigrationStatus['status'], Colour>> = {
  done: 'green',
  pending: 'yellow',
  interrupted: 'yellow',
  edited: 'red',
  missing: 'red',
}

function row({ name, status, at }: MigrationStatus): Cell[] {
  return [name, { text: status, colour: COLOURS[status] }, timeText(at)]
}
