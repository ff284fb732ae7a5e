import type { Command } from 'commander'
import { type Id, idToText } from '../base/ids.ts'
import { LARAVEL_TOPIC } from '../laravel/queue.ts'
import { type MessageDetail, readMessage } from '../outbox/list.ts'
import { type AuditEntry, readAudit } from '../webhooks/audit.ts'
import { parseId } from './arguments.ts'
import { callbackDetailJson, callbackStateCell } from './callback-view.ts'
import { type Call, type Cli, handler } from './cli.ts'
import { withContext } from './context.ts'
import { auditJson, timeText } from './event-view.ts'
import { notFound } from './failure.ts'
import type { Printer } from './printer.ts'

interface Options {
  readonly body?: true
}

const EXAMPLES = `
--body prints what the callback says (its "data") and nothing else; with --json it is the member "data".

Example:
  onceline callbacks show 019ab3c0-7d1e-7c55-9f01-2f6a5f0c9e11`

/** `onceline callbacks show` */
export function addCallbacksShow(callbacks: Command, cli: Cli): void {
  callbacks
    .command('show')
    .description('show one callback and what people did to it')
    .argument('<id>', 'the callback: its Idempotency-Key', parseId)
    .option('--body', 'print what it says instead')
    .addHelpText('after', EXAMPLES)
    .action(handler<Options>(cli, show))
}

async function show({ cli, options, args, printer }: Call<Options>): Promise<undefined> {
  const id = args[0] as Id
  const shown = await withContext(cli.env, async ({ pool }) => {
    const message = await readMessage(pool, LARAVEL_TOPIC, id)
    return message === null ? null : { message, history: await readAudit(pool, idToText(id)) }
  })
  if (shown === null) throw notFound(`there is no callback ${idToText(id)}`)
  const { message, history } = shown
  if (options.body === true && !printer.isJson) return printer.raw(Buffer.from(message.payload)) as undefined
  const data = options.body === true ? { data: JSON.parse(message.payload) } : {}
  printer.answer({ callback: callbackDetailJson(message), history: history.map(auditJson), ...data }, () =>
    text(printer, message, history),
  )
}

function text(printer: Printer, message: MessageDetail, history: readonly AuditEntry[]): string[] {
  const deeds = history.map((entry) => [timeText(entry.at), entry.actor, entry.action, entry.reason])
  return [
    ...printer.facts([
      ['callback', idToText(message.id)],
      ['event', message.event],
      ['ordering key', message.orderingKey],
      ['sequence', String(message.sequence)],
      ['state', callbackStateCell(message.state)],
      ['reason', message.reason],
      ['attempts', String(message.attempts)],
      ['last answer', message.responseStatus === null ? null : String(message.responseStatus)],
      ['last error', message.lastError],
      ['written', timeText(message.createdAt)],
      ['first attempt', timeText(message.firstAttemptAt)],
      ['not before', timeText(message.claimableAt)],
      ['next look', timeText(message.nextAt)],
      ['finished', timeText(message.finishedAt)],
      ['trace id', message.traceId],
      ['body', `${Buffer.byteLength(message.payload)} bytes (--body prints them)`],
    ]),
    '',
    printer.paint('bold', 'What people did'),
    ...printer.table(['WHEN', 'WHO', 'WHAT', 'WHY'], deeds, 'nothing'),
  ]
}
