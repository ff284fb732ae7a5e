import { type Command, Option } from 'commander'
import type { Id } from '../base/ids.ts'
import type { EventState } from '../webhooks/event.ts'
import type { EventFilter } from '../webhooks/event-filter.ts'
import { parseTime } from './arguments.ts'
import { usageError } from './failure.ts'

/** Options that narrow which events are meant. */
export interface EventFilterOptions {
  readonly status?: EventState
  readonly gateway?: string
  readonly account?: string
  readonly since?: Date
  readonly until?: Date
}

/** Gives a command the options that narrow events; `states` are those that it can be asked for. */
export function addEventFilter(command: Command, states: readonly EventState[]): Command {
  return command
    .addOption(new Option('--status <state>', 'only events in this state').choices(states))
    .option('--gateway <name>', 'only of this gateway')
    .option('--account <name>', 'only of this account of the gateway')
    .option('--since <time>', 'received at or after: ISO 8601 (UTC), or an age: 30m, 2h, 7d', parseTime)
    .option('--until <time>', 'received before', parseTime)
}

/** The options as a filter. Throws a usage error for a span that cannot hold anything. */
export function filterOf(options: EventFilterOptions & { readonly payment?: Id }): EventFilter {
  const { status: state, gateway, account, since, until, payment: paymentId } = options
  if (since !== undefined && until !== undefined && since >= until) {
    throw usageError('--since must be before --until')
  }
  return { state, gateway, account, since, until, paymentId }
}
