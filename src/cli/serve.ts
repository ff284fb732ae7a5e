import type { Command } from 'commander'
import { type Cli, handler } from './cli.ts'

const EXAMPLES = `
Runs until SIGINT or SIGTERM, then answers what is in flight. Configured by the environment (docs/configuration.md); without
DB_HOST and REDIS_HOST it starts a private database and a private Redis in DATA_DIR. Its log is JSON, one line an entry.

Examples:
  onceline serve
  PORT=8080 LOG_LEVEL=warn onceline serve`

/** `onceline serve` */
export function addServe(program: Command, cli: Cli): void {
  program
    .command('serve')
    .description('run the service')
    .addHelpText('after', EXAMPLES)
    .action(
      handler<object>(cli, async () => {
        // The service's modules take longer to load than most commands take to run.
        const { serve } = await import('../main.ts')
        return serve()
      }),
    )
}
