import type { Command } from 'commander'
import { releaseEvents } from '../webhooks/operate.ts'
import { parseIds, parseReason } from './arguments.ts'
import { type Cli, handler } from './cli.ts'
import { type JudgeOptions, judge } from './events-judge.ts'

const RELEASE_HELP = `
You vouch for the events: a parked, unconfirmed, quarantined or dead one is taken at its word, even where its signature
does not reach that far or its amount is not the expected one. Ask the gateway first. The audit keeps your name.

Example:
  onceline events release 019ab3c0-7d1e-7c55-9f01-2f6a5f0c9e11 --reason "seen in Paymob's dashboard, order 5512"`

/** `onceline events release` */
export function addEventsRelease(events: Command, cli: Cli): void {
  events
    .command('release')
    .description("put events back to work with a person's word for them")
    .argument('<ids...>', 'the events', parseIds)
    .requiredOption('--reason <text>', 'why they may be believed, for the audit', parseReason)
    .addHelpText('after', RELEASE_HELP)
    .action(handler<JudgeOptions>(cli, (call) => judge(call, 'release', releaseEvents)))
}
