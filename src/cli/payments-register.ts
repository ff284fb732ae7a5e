import type { Command } from 'commander'
import { type Id, idToText } from '../base/ids.ts'
import { decimalToMinor, isCurrency } from '../base/money.ts'
import { type ExpectedPayment, registerPayment } from '../payments/register.ts'
import { DEFAULT_ACCOUNT } from '../webhooks/gateways/adapter.ts'
import { wakeParked } from '../webhooks/park.ts'
import { parseForeignId, parseRef } from './arguments.ts'
import { type Call, type Cli, handler } from './cli.ts'
import { assertKnownAccount, withContext } from './context.ts'
import { ringFor } from './doorbell.ts'
import { usageError } from './failure.ts'
import { answerRegistration } from './registration-view.ts'

interface Options {
  readonly gateway: string
  readonly account: string
  readonly ref: string
  readonly gatewayRef?: string
  readonly amount: string
  readonly currency: string
  readonly trip?: string
  readonly customer?: string
  readonly driver?: string
}

const EXAMPLES = `
The same payment again changes nothing and succeeds; the same reference with other content is refused (exit 5). Webhooks
that came before the payment are taken up now.

Examples:
  onceline payments register --gateway kashier --ref TRIP-1001 --amount 150.00 --currency EGP
  onceline payments register --gateway paymob --account cairo --ref T-7 --gateway-ref 88123 --amount 99.5 --currency EGP`

/** `onceline payments register` */
export function addPaymentsRegister(payments: Command, cli: Cli): void {
  payments
    .command('register')
    .description('register a payment that we expect')
    .requiredOption('--gateway <name>', 'the gateway')
    .option('--account <name>', 'its account', DEFAULT_ACCOUNT)
    .requiredOption('--ref <ref>', 'our reference, as the gateway was given it', parseRef)
    .option('--gateway-ref <ref>', "the gateway's reference, where it is known", parseRef)
    .requiredOption('--amount <decimal>', 'the amount in major units: 150.00')
    .requiredOption('--currency <code>', 'ISO 4217, upper case: EGP')
    .option('--trip <id>', 'the trip it pays', parseForeignId)
    .option('--customer <id>', 'who pays', parseForeignId)
    .option('--driver <id>', 'who drives', parseForeignId)
    .addHelpText('after', EXAMPLES)
    .action(handler<Options>(cli, register))
}

async function register({ cli, options, printer }: Call<Options>): Promise<undefined> {
  const expected = expectedOf(options)
  const { registration, woken } = await withContext(cli.env, async (context) => {
    assertKnownAccount(context.config, expected, '--gateway/--account')
    const woken: Id[] = []
    const registration = await registerPayment(context.pool, expected, async (refKeys) => {
      woken.push(...(await wakeParked(context.pool, refKeys)))
    })
    await ringFor(context, woken)
    return { registration, woken }
  })
  answerRegistration(printer, registration, woken.map(idToText))
}

function expectedOf(options: Options): ExpectedPayment {
  const { currency } = options
  if (!isCurrency(currency)) throw usageError(`--currency: ${currency} is no ISO 4217 code in upper case`)
  const amountMinor = decimalToMinor(options.amount, currency)
  if (amountMinor === null || amountMinor <= 0n) {
    throw usageError(`--amount: ${options.amount} is no positive amount of ${currency}; write it as 150.00`)
  }
  return {
    gateway: options.gateway,
    account: options.account,
    merchantRef: options.ref,
    gatewayRef: options.gatewayRef ?? null,
    amountMinor,
    currency,
    tripId: options.trip ?? null,
    customerId: options.customer ?? null,
    driverId: options.driver ?? null,
  }
}
