import { type Command, Option } from 'commander'
import type { MessageFilter } from '../outbox/list.ts'
import type { OutboxState } from '../outbox/message.ts'
import { parseTime } from './arguments.ts'
import { usageError } from './failure.ts'

/** Options that narrow which callbacks are meant. */
export interface CallbackFilterOptions {
  readonly status?: OutboxState
  readonly event?: string
  readonly key?: string
  readonly since?: Date
  readonly until?: Date
}

/** Gives a command the options that narrow callbacks; `states` are those that it can be asked for. */
export function addCallbackFilter(command: Command, states: readonly OutboxState[]): Command {
  return command
    .addOption(new Option('--status <state>', 'only callbacks in this state').choices(states))
    .option('--event <name>', 'only of this event, such as payment.completed')
    .option('--key <key>', 'only of this ordering key: the trip, else the payment')
    .option('--since <time>', 'written at or after: ISO 8601 (UTC), or an age: 30m, 2h, 7d', parseTime)
    .option('--until <time>', 'written before', parseTime)
}

/** The options as a filter. Throws a usage error for a span that cannot hold anything. */
export function callbackFilterOf(options: CallbackFilterOptions): MessageFilter {
  const { status: state, event, key: orderingKey, since, until } = options
  if (since !== undefined && until !== undefined && since >= until) {
    throw usageError('--since must be before --until')
  }
  return { state, event, orderingKey, since, until }
}
