import type { Command } from 'commander'
import { type Id, idToText } from '../base/ids.ts'
import { attachGatewayRef } from '../payments/register.ts'
import { wakeParked } from '../webhooks/park.ts'
import { parseRef } from './arguments.ts'
import { type Call, type Cli, handler } from './cli.ts'
import { withContext } from './context.ts'
import { ringFor } from './doorbell.ts'
import { notFound } from './failure.ts'
import { findPayment } from './payment-lookup.ts'
import { answerRegistration } from './registration-view.ts'

interface Options {
  readonly gatewayRef: string
  readonly gateway?: string
  readonly account?: string
}

const EXAMPLES = `
For gateways whose webhooks bear only their own reference (Paymob's order id, Stripe's PaymentIntent). Webhooks that came
before are taken up now. A payment that has another reference keeps it (exit 5).

Examples:
  onceline payments attach TRIP-1001 --gateway-ref 88123
  onceline payments attach 019ab3c0-7d1e-7c55-9f01-2f6a5f0c9e11 --gateway-ref pi_3Pq`

/** `onceline payments attach` */
export function addPaymentsAttach(payments: Command, cli: Cli): void {
  payments
    .command('attach')
    .description("give a payment the gateway's reference")
    .argument('<payment>', 'its id or our reference', parseRef)
    .requiredOption('--gateway-ref <ref>', "the gateway's reference", parseRef)
    .option('--gateway <name>', 'whose payment it is; all configured gateways by default')
    .option('--account <name>', 'of which account of the gateway')
    .addHelpText('after', EXAMPLES)
    .action(handler<Options>(cli, attach))
}

async function attach({ cli, options, args, printer }: Call<Options>): Promise<undefined> {
  const name = { text: args[0] as string, gateway: options.gateway, account: options.account }
  const { registration, woken } = await withContext(cli.env, async (context) => {
    const payment = await findPayment(context, name)
    const woken: Id[] = []
    const registration = await attachGatewayRef(
      context.pool,
      payment.id,
      options.gatewayRef,
      async (refKeys) => {
        woken.push(...(await wakeParked(context.pool, refKeys)))
      },
    )
    await ringFor(context, woken)
    return { registration, woken }
  })
  if (registration === null) throw notFound(`there is no payment ${name.text}`)
  answerRegistration(printer, registration, woken.map(idToText))
}
