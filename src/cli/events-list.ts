import type { Command } from 'commander'
import { type Id, idToText } from '../base/ids.ts'
import { EVENT_STATES } from '../webhooks/event.ts'
import { eventJson } from '../webhooks/event-json.ts'
import { listEvents } from '../webhooks/event-list.ts'
import { parseId, parseLimit } from './arguments.ts'
import { type Call, type Cli, handler } from './cli.ts'
import { withContext } from './context.ts'
import { addEventFilter, type EventFilterOptions, filterOf } from './event-options.ts'
import { eventTable } from './event-view.ts'

interface Options extends EventFilterOptions {
  readonly payment?: Id
  readonly limit: number
  readonly after?: Id
}

const DEFAULT_LIMIT = 50
const MAX_LIMIT = 1_000

const EXAMPLES = `
Examples:
  onceline events list --status dead --since 2h
  onceline events list --gateway paymob --account cairo --limit 200 --json
  onceline events list --payment 019ab3c0-7d1e-7c55-9f01-2f6a5f0c9e11`

/** `onceline events list` */
export function addEventsList(events: Command, cli: Cli): void {
  addEventFilter(events.command('list').description('list events, the newest first'), EVENT_STATES)
    .option('--payment <id>', 'only events of this payment', parseId)
    .option('--limit <n>', `at most so many, up to ${MAX_LIMIT}`, parseLimit(MAX_LIMIT), DEFAULT_LIMIT)
    .option('--after <id>', 'the page after this event (older ones)', parseId)
    .addHelpText('after', EXAMPLES)
    .action(handler<Options>(cli, list))
}

async function list({ cli, options, printer }: Call<Options>): Promise<undefined> {
  const filter = filterOf(options)
  const page = await withContext(cli.env, ({ pool }) => listEvents(pool, filter, options))
  const last = page.events.at(-1)
  const next = page.hasMore && last ? idToText(last.id) : null
  printer.answer({ events: page.events.map(eventJson), next }, () => eventTable(printer, page.events))
  if (next !== null) printer.note(`There are older ones: --after ${next}`)
}
