import { type Command, Option } from 'commander'
import { type Id, idToText } from '../base/ids.ts'
import { paymentSummaryJson } from '../payments/json.ts'
import { listPayments, type PaymentFilter } from '../payments/payment-list.ts'
import { PAYMENT_STATES } from '../payments/state.ts'
import { parseForeignId, parseId, parseLimit } from './arguments.ts'
import { type Call, type Cli, handler } from './cli.ts'
import { withContext } from './context.ts'
import { paymentTable } from './payment-view.ts'

interface Options {
  readonly gateway?: string
  readonly account?: string
  readonly state?: string
  readonly trip?: string
  readonly limit: number
  readonly after?: Id
}

const DEFAULT_LIMIT = 50
const MAX_LIMIT = 1_000

const EXAMPLES = `
Examples:
  onceline payments list --state captured --gateway stripe
  onceline payments list --trip 5f0c0f0e-6a3e-4b52-9d3b-0d7a4a0c1f55 --json`

/** `onceline payments list` */
export function addPaymentsList(payments: Command, cli: Cli): void {
  payments
    .command('list')
    .description('list payments, the newest first')
    .option('--gateway <name>', 'only of this gateway')
    .option('--account <name>', 'only of this account of the gateway')
    .addOption(new Option('--state <state>', 'only in this state').choices(PAYMENT_STATES))
    .option('--trip <id>', 'only of this trip', parseForeignId)
    .option('--limit <n>', `at most so many, up to ${MAX_LIMIT}`, parseLimit(MAX_LIMIT), DEFAULT_LIMIT)
    .option('--after <id>', 'the page after this payment (older ones)', parseId)
    .addHelpText('after', EXAMPLES)
    .action(handler<Options>(cli, list))
}

async function list({ cli, options, printer }: Call<Options>): Promise<undefined> {
  const { gateway, account, state, trip: tripId } = options
  const filter: PaymentFilter = { gateway, account, state, tripId }
  const { payments, hasMore } = await withContext(cli.env, ({ pool }) => listPayments(pool, filter, options))
  const last = payments.at(-1)
  const next = hasMore && last ? idToText(last.id) : null
  printer.answer({ payments: payments.map(paymentSummaryJson), next }, () => paymentTable(printer, payments))
  if (next !== null) printer.note(`There are older ones: --after ${next}`)
}
