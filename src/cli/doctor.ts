import type { Command } from 'commander'
import { type Call, type Cli, handler } from './cli.ts'
import { findings } from './doctor-checks.ts'
import { EXIT, type ExitCode } from './exit-codes.ts'
import type { Finding } from './finding.ts'
import type { Printer } from './printer.ts'

const EXAMPLES = `
Looks at the configuration, the database and its durability, Redis, Laravel, the schema, the clocks, the work and the
callbacks that wait.
Exit 0 when nothing is wrong (warnings do not count), 1 otherwise.

Examples:
  onceline doctor
  onceline doctor --json | jq '.checks[] | select(.status != "ok")'`

/** `onceline doctor` */
export function addDoctor(program: Command, cli: Cli): void {
  program
    .command('doctor')
    .description('look for what is wrong and say what to do')
    .addHelpText('after', EXAMPLES)
    .action(handler<object>(cli, examine))
}

async function examine({ cli, printer }: Call<object>): Promise<ExitCode> {
  const checks = await findings(cli.env)
  const ok = checks.every(({ status }) => status !== 'wrong')
  printer.answer({ ok, checks }, () => [
    ...checks.flatMap((finding) => lines(printer, finding)),
    '',
    ok ? 'Nothing is wrong.' : 'Something is wrong; what to do stands above.',
  ])
  return ok ? EXIT.done : EXIT.failed
}

function lines(printer: Printer, { name, status, detail, advice }: Finding): string[] {
  const first = `${mark(printer, status)} ${name}: ${detail}`
  return advice === null ? [first] : [first, `    ${printer.paint('bold', advice)}`]
}

function mark(printer: Printer, status: Finding['status']): string {
  switch (status) {
    case 'ok':
      return printer.paint('green', '✔')
    case 'warning':
      return printer.paint('yellow', '!')
    case 'wrong':
      return printer.paint('red', '✘')
    default:
      return status satisfies never
  }
}
