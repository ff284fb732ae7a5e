import type { Command } from 'commander'
import type { Pool } from '../../db/pools.ts'
import { type Id, idToText } from '../base/ids.ts'
import { LARAVEL_TOPIC } from '../laravel/queue.ts'
import { listMessages, readMessage } from '../outbox/list.ts'
import { OUTBOX_STATES } from '../outbox/message.ts'
import { parseId, parseLimit } from './arguments.ts'
import { addCallbackFilter, type CallbackFilterOptions, callbackFilterOf } from './callback-options.ts'
import { callbackJson, callbackTable } from './callback-view.ts'
import { type Call, type Cli, handler } from './cli.ts'
import { withContext } from './context.ts'
import { notFound } from './failure.ts'

interface Options extends CallbackFilterOptions {
  readonly limit: number
  readonly after?: Id
}

const DEFAULT_LIMIT = 50
const MAX_LIMIT = 1_000

const EXAMPLES = `
Examples:
  onceline callbacks list --status dead --since 2h
  onceline callbacks list --key 2c1f9a50-7d1e-4c55-9f01-2f6a5f0c9e11 --json`

/** `onceline callbacks list` */
export function addCallbacksList(callbacks: Command, cli: Cli): void {
  addCallbackFilter(callbacks.command('list').description('list callbacks, the newest first'), OUTBOX_STATES)
    .option('--limit <n>', `at most so many, up to ${MAX_LIMIT}`, parseLimit(MAX_LIMIT), DEFAULT_LIMIT)
    .option('--after <id>', 'the page after this callback (older ones)', parseId)
    .addHelpText('after', EXAMPLES)
    .action(handler<Options>(cli, list))
}

async function list({ cli, options, printer }: Call<Options>): Promise<undefined> {
  const filter = callbackFilterOf(options)
  const page = await withContext(cli.env, async ({ pool }) => {
    const before = options.after === undefined ? undefined : await sequenceOf(pool, options.after)
    return listMessages(pool, LARAVEL_TOPIC, filter, { limit: options.limit, before })
  })
  const last = page.messages.at(-1)
  const next = page.hasMore && last ? idToText(last.id) : null
  printer.answer({ callbacks: page.messages.map(callbackJson), next }, () =>
    callbackTable(printer, page.messages),
  )
  if (next !== null) printer.note(`There are older ones: --after ${next}`)
}

async function sequenceOf(pool: Pool, id: Id): Promise<number> {
  const message = await readMessage(pool, LARAVEL_TOPIC, id)
  if (message === null) throw notFound(`there is no callback ${idToText(id)}`)
  return message.sequence
}
