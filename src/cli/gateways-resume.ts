import type { Command } from 'commander'
import { type AccountName, resumeGateway } from '../webhooks/gateway-pause.ts'
import { parseAccountName, parseReason } from './arguments.ts'
import { actorOf, type Call, type Cli, handler } from './cli.ts'
import { withContext } from './context.ts'
import { notFound } from './failure.ts'

interface Options {
  readonly reason?: string
}

const EXAMPLES = `
What waited goes back to work within some ten seconds.

Example:
  onceline gateways resume kashier --reason "they confirmed the refunds"`

/** `onceline gateways resume` */
export function addGatewaysResume(gateways: Command, cli: Cli): void {
  gateways
    .command('resume')
    .description('end a pause')
    .argument('<gateway[/account]>', 'the account; "default" where none is named', parseAccountName)
    .option('--reason <text>', 'why, for the audit', parseReason)
    .addHelpText('after', EXAMPLES)
    .action(handler<Options>(cli, resume))
}

/** The account need not be configured any more: a pause outlives its variables. */
async function resume({ cli, options, args, printer }: Call<Options>): Promise<undefined> {
  const name = args[0] as AccountName
  const deed = { actor: actorOf(options), reason: options.reason ?? '' }
  const wasPaused = await withContext(cli.env, ({ pool }) => resumeGateway(pool, name, deed))
  if (!wasPaused) throw notFound(`${name.gateway}/${name.account} is not paused`)
  printer.answer({ ...name, paused: false, ...deed }, () => [
    `${name.gateway}/${name.account} is resumed; what waited goes back to work within some ten seconds`,
  ])
}
