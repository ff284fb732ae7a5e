import type { Command } from 'commander'
import { type AccountName, pauseGateway } from '../webhooks/gateway-pause.ts'
import { parseAccountName, parseReason } from './arguments.ts'
import { actorOf, type Call, type Cli, handler } from './cli.ts'
import { assertKnownAccount, withContext } from './context.ts'

interface Options {
  readonly reason: string
}

const EXAMPLES = `
Its webhooks are still verified, stored and acknowledged; they wait as "paused" until "gateways resume". Every process
knows within a second.

Examples:
  onceline gateways pause kashier --reason "refunds come twice, asking them"
  onceline gateways pause paymob/cairo --reason "moving to another terminal"`

/** `onceline gateways pause` */
export function addGatewaysPause(gateways: Command, cli: Cli): void {
  gateways
    .command('pause')
    .description("let a gateway account's events wait")
    .argument('<gateway[/account]>', 'the account; "default" where none is named', parseAccountName)
    .requiredOption('--reason <text>', 'why, for the audit', parseReason)
    .addHelpText('after', EXAMPLES)
    .action(handler<Options>(cli, pause))
}

async function pause({ cli, options, args, printer }: Call<Options>): Promise<undefined> {
  const name = args[0] as AccountName
  const deed = { actor: actorOf(options), reason: options.reason }
  await withContext(cli.env, async ({ config, pool }) => {
    assertKnownAccount(config, name, '<gateway[/account]>')
    await pauseGateway(pool, name, deed)
  })
  printer.answer({ ...name, paused: true, ...deed }, () => [`${name.gateway}/${name.account} is paused`])
}
