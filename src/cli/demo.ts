import type { Command } from 'commander'
import { type Cli, handler } from './cli.ts'
import { readConfig } from './context.ts'

const EXAMPLES = `
Starts two Onceline processes on private servers below DATA_DIR, and tells and checks a story in under a minute. Exit 0 only
if every claim holds. It touches no configured database.

Example:
  onceline demo`

/** `onceline demo` */
export function addDemo(program: Command, cli: Cli): void {
  program
    .command('demo')
    .description('see it work: duplicates, forgeries, crashes, one effect each')
    .addHelpText('after', EXAMPLES)
    .action(
      handler<object>(cli, async ({ options }) => {
        const { dataDir } = readConfig(cli.env)
        const { runDemo } = await import('./demo/run.ts')
        return runDemo({ dataDir, json: options.json === true })
      }),
    )
}
