import type { Command } from 'commander'
import { type Id, idToText } from '../base/ids.ts'
import { type AuditEntry, readAudit } from '../webhooks/audit.ts'
import { eventJson } from '../webhooks/event-json.ts'
import {
  type EventDetail,
  type EventSummary,
  listConflicts,
  readEvent,
  readEventBody,
} from '../webhooks/event-list.ts'
import { readPayout, type StoredPayout } from '../webhooks/payouts.ts'
import { parseId } from './arguments.ts'
import { type Call, type Cli, handler } from './cli.ts'
import { withContext } from './context.ts'
import {
  amountText,
  auditJson,
  eventDetailJson,
  eventTable,
  payoutJson,
  stateCell,
  timeText,
} from './event-view.ts'
import { notFound } from './failure.ts'
import type { Printer } from './printer.ts'

interface Options {
  readonly body?: true
}

interface Shown {
  readonly event: EventDetail
  /** What is known by now of the payout that it is about. */
  readonly payout: StoredPayout | null
  readonly history: readonly AuditEntry[]
  readonly conflicts: readonly EventSummary[]
  readonly body: Buffer | null
}

const EXAMPLES = `
--body prints the delivery as it was stored and nothing else; with --json it is a member of the answer ("body", or
"bodyBase64" where the bytes are not UTF-8). It may hold personal data.

Examples:
  onceline events show 019ab3c0-7d1e-7c55-9f01-2f6a5f0c9e11
  onceline events show 019ab3c0-7d1e-7c55-9f01-2f6a5f0c9e11 --body | jq .`

/** `onceline events show` */
export function addEventsShow(events: Command, cli: Cli): void {
  events
    .command('show')
    .description('show one event, what people did to it, and what it conflicts with')
    .argument('<id>', 'the event', parseId)
    .option('--body', 'print the bytes of the delivery instead')
    .addHelpText('after', EXAMPLES)
    .action(handler<Options>(cli, show))
}

async function show({ cli, options, args, printer }: Call<Options>): Promise<undefined> {
  const id = args[0] as Id
  const shown = await withContext(cli.env, async ({ pool }): Promise<Shown | null> => {
    const event = await readEvent(pool, id)
    if (event === null) return null
    const payout = event.operationRef === null ? null : await readPayout(pool, event, event.operationRef)
    const history = await readAudit(pool, idToText(id))
    const conflicts = await listConflicts(pool, event)
    const body = options.body === true ? await readEventBody(pool, id) : null
    return { event, payout, history, conflicts, body }
  })
  if (shown === null) throw notFound(`there is no event ${idToText(id)}`)
  if (shown.body !== null && !printer.isJson) printer.raw(shown.body)
  else printer.answer(json(shown), () => text(printer, shown))
}

function json({ event, payout, history, conflicts, body }: Shown) {
  return {
    event: eventDetailJson(event),
    ...(payout === null ? {} : { payout: payoutJson(payout) }),
    history: history.map(auditJson),
    conflicts: conflicts.map(eventJson),
    ...(body === null ? {} : bodyJson(body)),
  }
}

function bodyJson(body: Buffer): { body: string } | { bodyBase64: string } {
  try {
    return { body: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body) }
  } catch {
    return { bodyBase64: body.toString('base64') }
  }
}

function text(printer: Printer, { event, payout, history, conflicts }: Shown): string[] {
  const lines = [...about(printer, event, payout)]
  if (conflicts.length > 0) {
    lines.push(
      '',
      printer.paint('bold', 'The same event id with other money'),
      ...eventTable(printer, conflicts),
    )
  }
  const deeds = history.map((entry) => [timeText(entry.at), entry.actor, entry.action, entry.reason])
  lines.push('', printer.paint('bold', 'What people did'))
  lines.push(...printer.table(['WHEN', 'WHO', 'WHAT', 'WHY'], deeds, 'nothing'))
  return lines
}

function about(printer: Printer, event: EventDetail, payout: StoredPayout | null): string[] {
  return printer.facts([
    ['event', idToText(event.id)],
    ['gateway', `${event.gateway}/${event.account}`],
    ['state', stateCell(event.state)],
    ['outcome', event.outcome],
    ['reason', event.reason],
    ['hold', event.hold],
    ['may settle', event.maySettle ? 'yes' : 'only after the gateway or a person confirmed it'],
    ['approved', event.approved ? 'by a person' : 'no'],
    ['event id', event.eventId],
    ['type', event.type],
    ['means', event.kind],
    ['amount', amountText(event.amountMinor, event.currency)],
    ['merchant ref', event.merchantRef],
    ['gateway ref', event.gatewayRef],
    ['operation ref', event.operationRef],
    ['payout', payout === null ? null : `${payout.state} since ${timeText(payout.updatedAt)}`],
    ['payment', event.paymentId === null ? null : idToText(event.paymentId)],
    ['conflicts with', event.conflictsWith === null ? null : idToText(event.conflictsWith)],
    ['attempts', String(event.attempts)],
    ['last error', event.lastError],
    ['occurred', timeText(event.occurredAt)],
    ['received', timeText(event.receivedAt)],
    ['next look', timeText(event.nextAt)],
    ['finished', timeText(event.finishedAt)],
    ['request id', event.requestId],
    ['signature', event.signature],
    ['event key', event.eventKey.toString('hex')],
    ['digest', event.digest.toString('hex')],
    ['body', `${event.bodyBytes} bytes (--body prints them)`],
  ])
}
