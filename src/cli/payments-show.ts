import type { Command } from 'commander'
import { idToText } from '../base/ids.ts'
import { entryJson, paymentJson, transitionJson } from '../payments/json.ts'
import {
  balances,
  readEntries,
  readTransitions,
  type StoredEntry,
  type StoredTransition,
} from '../payments/payment-list.ts'
import type { PaymentRow } from '../payments/store.ts'
import { eventJson } from '../webhooks/event-json.ts'
import { type EventSummary, listEvents } from '../webhooks/event-list.ts'
import { parseRef } from './arguments.ts'
import { type Call, type Cli, handler } from './cli.ts'
import { withContext } from './context.ts'
import { amountText, eventTable, timeText } from './event-view.ts'
import { usageError } from './failure.ts'
import { findPayment } from './payment-lookup.ts'
import { paymentFacts } from './payment-view.ts'
import type { Printer } from './printer.ts'

interface Options {
  readonly gateway?: string
  readonly account?: string
  readonly ref?: string
}

const EXAMPLES = `
Examples:
  onceline payments show 019ab3c0-7d1e-7c55-9f01-2f6a5f0c9e11
  onceline payments show --gateway kashier --ref TRIP-1001
  onceline payments show TRIP-1001 --json | jq .balanced`

/** `onceline payments show` */
export function addPaymentsShow(payments: Command, cli: Cli): void {
  payments
    .command('show')
    .description('show a payment, what happened to it, its ledger and its events')
    .argument('[id]', "its id, our reference, or the gateway's", parseRef)
    .option('--ref <ref>', "our reference or the gateway's, instead of the argument", parseRef)
    .option('--gateway <name>', 'whose reference it is; all configured gateways by default')
    .option('--account <name>', 'of which account of the gateway')
    .addHelpText('after', EXAMPLES)
    .action(handler<Options>(cli, show))
}

interface Shown {
  readonly payment: PaymentRow
  readonly transitions: readonly StoredTransition[]
  readonly entries: readonly StoredEntry[]
  readonly events: readonly EventSummary[]
}

/** More events than a payment has; `events list --payment` pages through the rest. */
const EVENT_LIMIT = 200

async function show({ cli, options, args, printer }: Call<Options>): Promise<undefined> {
  const [id] = args as [string | undefined]
  if ((id === undefined) === (options.ref === undefined))
    throw usageError('name an id, or --gateway and --ref')
  const name = { text: id ?? options.ref ?? '', gateway: options.gateway, account: options.account }
  const shown = await withContext(cli.env, async (context): Promise<Shown> => {
    const payment = await findPayment(context, name)
    const transitions = await readTransitions(context.pool, payment.id)
    const entries = await readEntries(context.pool, payment.id)
    const { events } = await listEvents(context.pool, { paymentId: payment.id }, { limit: EVENT_LIMIT })
    return { payment, transitions, entries, events: events.toReversed() }
  })
  printer.answer(json(shown), () => text(printer, shown))
}

function json({ payment, transitions, entries, events }: Shown) {
  return {
    payment: paymentJson(payment),
    transitions: transitions.map(transitionJson),
    ledger: entries.map(entryJson),
    balanced: balances(entries),
    events: events.map(eventJson),
  }
}

function text(printer: Printer, { payment, transitions, entries, events }: Shown): string[] {
  const { operations, currency } = payment.payment
  const title = (words: string): string[] => ['', printer.paint('bold', words)]
  const operationRows = operations.map((one) => [
    one.kind,
    one.ref,
    one.state,
    amountText(one.amountMinor, currency),
  ])
  return [
    ...paymentFacts(printer, payment),
    ...title('What happened'),
    ...transitionTable(printer, transitions),
    ...(operations.length === 0
      ? []
      : [
          ...title('Refunds and disputes'),
          ...printer.table(['WHAT', 'REF', 'STATE', 'AMOUNT'], operationRows, ''),
        ]),
    ...title('Ledger (debit +, credit -)'),
    ...ledgerTable(printer, entries),
    ...title('Events'),
    ...eventTable(printer, events),
  ]
}

function transitionTable(printer: Printer, transitions: readonly StoredTransition[]): string[] {
  return printer.table(
    ['WHEN', 'FACT', 'FROM', 'TO', 'AMOUNT', 'BY EVENT'],
    transitions.map((one) => [
      timeText(one.at),
      one.kind,
      one.from ?? '',
      one.to,
      amountText(one.amountMinor, one.currency),
      one.eventId === null ? '' : idToText(one.eventId),
    ]),
    'nothing yet',
  )
}

function ledgerTable(printer: Printer, entries: readonly StoredEntry[]): string[] {
  const rows = entries.map((entry) => [entry.ledgerAccount, amountText(entry.amountMinor, entry.currency)])
  if (rows.length === 0) return ['no entries']
  const verdict = balances(entries)
    ? printer.paint('green', '✔ balanced: every transition sums to zero')
    : printer.paint('red', '✘ NOT BALANCED: the entries of a transition do not sum to zero')
  return [...printer.table(['ACCOUNT', 'AMOUNT'], rows, ''), verdict]
}
