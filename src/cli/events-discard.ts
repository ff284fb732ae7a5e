import type { Command } from 'commander'
import { discardEvents } from '../webhooks/operate.ts'
import { parseIds, parseReason } from './arguments.ts'
import { type Cli, handler } from './cli.ts'
import { type JudgeOptions, judge } from './events-judge.ts'

const DISCARD_HELP = `
The events will never have an effect. Their rows and bytes stay, and the audit keeps your name. It cannot be undone.

Example:
  onceline events discard 019ab3c0-7d1e-7c55-9f01-2f6a5f0c9e11 --reason "test payment of another shop"`

/** `onceline events discard` */
export function addEventsDiscard(events: Command, cli: Cli): void {
  events
    .command('discard')
    .description('end events without any effect')
    .argument('<ids...>', 'the events', parseIds)
    .requiredOption('--reason <text>', 'why they must have no effect, for the audit', parseReason)
    .addHelpText('after', DISCARD_HELP)
    .action(handler<JudgeOptions>(cli, (call) => judge(call, 'discard', discardEvents)))
}
