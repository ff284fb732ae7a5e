import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type Command, Option } from 'commander'
import { decimalToMinor, isCurrency, minorToDecimal } from '../base/money.ts'
import type { Config } from '../config.ts'
import { loadOrCreateDevKey } from '../dev-key.ts'
import { EVENT_KINDS, type EventKind } from '../payments/fact.ts'
import type { AccountName } from '../webhooks/gateway-pause.ts'
import { adapters } from '../webhooks/gateways/registry.ts'
import { buildDelivery, type SampleDelivery, samples } from '../webhooks/gateways/samples/samples.ts'
import { parseAccountName, parseRef } from './arguments.ts'
import { type Call, type Cli, handler } from './cli.ts'
import { readConfigForUse } from './context.ts'
import { EXIT } from './exit-codes.ts'
import { CliError, usageError } from './failure.ts'

interface Options {
  readonly to?: string
  readonly amount: string
  readonly currency?: string
  readonly ref?: string
  readonly gatewayRef?: string
  readonly operation?: string
  readonly secret?: string
  readonly body?: string
  readonly print?: true
}

const SEND_TIMEOUT_MS = 10_000

const EXAMPLES = `
For development and staging: it is signed with --secret, or with the account's first secret (in development the one that was made
up). --body sends a file's bytes as they are, with a signature of their own, where the gateway signs bytes.

Examples:
  onceline webhook send kashier captured --ref TRIP-1001 --amount 150.00
  onceline webhook send stripe refunded --ref TRIP-1001 --gateway-ref pi_1 --amount 20 --currency EGP
  onceline webhook send paymob/cairo captured --to https://staging.example.org --print`

/** `onceline webhook send` */
export function addWebhookSend(webhook: Command, cli: Cli): void {
  webhook
    .command('send')
    .description('build a delivery as the gateway would, sign it, and post it')
    .argument('<gateway>', 'the gateway, or <gateway>/<account>', parseAccountName)
    .argument('<event>', `what it tells: ${EVENT_KINDS.join(', ')}`)
    .option('--to <url>', "where Onceline is (default: this machine's, as configured)")
    .option('--amount <decimal>', 'the amount in major units', '100.00')
    .option('--currency <code>', 'ISO 4217 (default: one in which the gateway is used)')
    .option('--ref <ref>', 'our reference (default: made up)', parseRef)
    .option('--gateway-ref <ref>', "the gateway's reference of the payment", parseRef)
    .option(
      '--operation <ref>',
      "the gateway's id of this capture, refund or dispute (default: made up)",
      parseRef,
    )
    .option('--secret <text>', 'sign with this one')
    .option('--body <file>', 'send these bytes instead')
    .addOption(new Option('--print', 'print the request as a curl command instead of sending it'))
    .addHelpText('after', EXAMPLES)
    .action(handler<Options>(cli, send))
}

async function send(call: Call<Options>): Promise<number> {
  const { cli, options, args, printer } = call
  const config = readConfigForUse(cli.env)
  const delivery = build(config, args[0] as AccountName, String(args[1]), options)
  const url = new URL(delivery.path, options.to ?? localUrl(config)).toString()
  if (options.print === true) {
    printer.answer({ url, headers: delivery.headers, body: delivery.body.toString() }, () => [
      curl(url, delivery),
    ])
    return EXIT.done
  }
  const { status, text, named } = await post(url, delivery)
  const answer = jsonOrText(text)
  const eventIds = named ?? idsIn(answer)
  printer.answer({ url, status, answer, eventIds }, () => [
    `${status} ${printer.line(text)}`,
    ...eventIds.map((id) => `see: onceline events show ${printer.line(id)}`),
  ])
  return status < 300 ? EXIT.done : EXIT.failed
}

function build(
  config: Config,
  { gateway, account }: AccountName,
  event: string,
  options: Options,
): SampleDelivery {
  const adapter = adapters.get(gateway)
  const sample = samples.get(gateway)
  if (adapter === undefined || sample === undefined)
    throw usageError(`<gateway>: ${gateway} is unknown; known are ${[...samples.keys()].join(', ')}`)
  const kind = EVENT_KINDS.find((one) => one === event)
  if (kind === undefined || !sample.kinds.includes(kind))
    throw usageError(`<event>: ${adapter.about.title} tells of ${sample.kinds.join(', ')}`)
  const configured = config.gateways.get(gateway)?.get(account)
  const secret = options.secret ?? configured?.secrets[0] ?? ''
  if (secret === '' && adapter.secretsOptional !== true)
    throw usageError(`--secret: ${gateway}/${account} has none that could sign`)
  const spec = {
    ...payment(options, sample.currency, kind),
    nowMs: Date.now(),
    secret,
    settings: configured?.settings ?? {},
    ...(adapter.secretForm === 'none' ? { privateKey: loadOrCreateDevKey(config.dataDir) } : {}),
    ...(account === 'default' ? {} : { account }),
  }
  const built = buildDelivery(gateway, spec)
  if (options.body === undefined) return built
  const signed = sample.sign(readFileSync(options.body), spec)
  if (signed === null) throw usageError(`--body: ${adapter.about.title} could not sign such a body`)
  return { ...built, ...signed, headers: { ...built.headers, ...signed.headers } }
}

function payment(options: Options, usual: string, kind: EventKind) {
  const { currency = usual } = options
  if (!isCurrency(currency)) throw usageError(`--currency: ${currency} is no ISO 4217 code in upper case`)
  const amountMinor = decimalToMinor(options.amount, currency)
  if (amountMinor === null || amountMinor <= 0n)
    throw usageError(
      `--amount: ${options.amount} is no positive amount of ${currency}; write it as ${minorToDecimal(10_000n, currency)}`,
    )
  const made = randomBytes(6).toString('hex')
  return {
    kind,
    merchantRef: options.ref ?? `TRIP-${made}`,
    ...(options.gatewayRef === undefined ? {} : { gatewayRef: options.gatewayRef }),
    operationRef: options.operation ?? `TX-${made}`,
    amountMinor,
    currency,
  }
}

function localUrl({ host, port }: Config): string {
  const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`
}

interface Posted {
  readonly status: number
  readonly text: string
  /** The events, where the answer's body is the gateway's and not ours. */
  readonly named: readonly string[] | null
}

async function post(url: string, { headers, body }: SampleDelivery): Promise<Posted> {
  try {
    const signal = AbortSignal.timeout(SEND_TIMEOUT_MS)
    const init: RequestInit = {
      method: 'POST',
      headers,
      body: new Uint8Array(body),
      redirect: 'manual',
      signal,
    }
    const response = await fetch(url, init)
    const named = response.headers.get('x-onceline-event-ids')?.split(',') ?? null
    return { status: response.status, text: await response.text(), named }
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
    const message = `${url} cannot be reached: ${cause instanceof Error ? cause.message : String(cause)}`
    throw new CliError({ code: 'unreachable', message, exitCode: EXIT.unreachable })
  }
}

function idsIn(answer: unknown): readonly string[] {
  const { eventIds } = Object(answer) as { eventIds?: unknown }
  return Array.isArray(eventIds) ? eventIds.map(String) : []
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function curl(url: string, { headers, body }: SampleDelivery): string {
  const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`
  const lines = Object.entries(headers).map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`)
  return ['curl -sS -X POST', quoted(url), ...lines, '--data-binary', quoted(body.toString())].join(' ')
}
