import { type App, type AppOptions, createApp } from '../../src/app.ts'
import { createLogger, type LogLevel } from '../../src/base/log.ts'
import { collectSecrets, withheldValues } from '../../src/config/secrets.ts'
import type { GatewayAccount } from '../../src/webhooks/gateways/adapter.ts'
import type { SampleSpec } from '../../src/webhooks/gateways/samples/sample.ts'
import {
  buildDelivery,
  newSecret,
  SAMPLE_GATEWAYS,
  type SampleDelivery,
} from '../../src/webhooks/gateways/samples/samples.ts'
import type { TestDatabase } from './database.ts'
import { sampleAccount, signingWith } from './gateway-accounts.ts'

export interface TestAppOptions extends Partial<AppOptions> {
  readonly logLevel?: LogLevel
  /** Accounts beside the default ones. */
  readonly otherAccounts?: readonly GatewayAccount[]
  /** False: events are stored, and nobody works on them. */
  readonly working?: boolean
}

/** The whole service on a test's database and a port of its own, with secrets that the test knows. */
export interface TestApp {
  readonly app: App
  readonly port: number
  readonly url: string
  readonly secrets: Secrets
  readonly internalKey: string
  /** Every log line so far, as it was written. */
  readonly lines: string[]
  /** A signed delivery, by default the capture of 10,000 piastres. */
  delivery(gateway: string, spec: DeliverySpec): SampleDelivery
  /** Posts a delivery as it is. */
  post(delivery: SampleDelivery, headers?: Readonly<Record<string, string>>): Promise<Answer>
  /** Every line of /metrics that starts so. */
  metrics(start: string): Promise<string[]>
  stop(): Promise<void>
}

export type DeliverySpec = Partial<SampleSpec> & Pick<SampleSpec, 'merchantRef'>

export interface Answer {
  readonly status: number
  readonly headers: Headers
  /** The body, read as JSON; what is no JSON is a defect here. */
  readonly body: Record<string, unknown>
}

/** Of each gateway's default account; these four are always there. */
type Secrets = Readonly<Record<'stripe' | 'kashier' | 'paymob' | 'standard-webhooks', string>> &
  Readonly<Record<string, string | undefined>>

const INTERNAL_KEY = 'internal-key-4f1c9a7be2d8'
const STOP_TIMEOUT_MS = 5_000

export async function openApp(
  database: Pick<TestDatabase, 'address' | 'redis'>,
  options: TestAppOptions = {},
): Promise<TestApp> {
  const { logLevel = 'info', otherAccounts = [], working = true, ...appOptions } = options
  const secrets = Object.fromEntries(SAMPLE_GATEWAYS.map((name) => [name, newSecret(name)])) as Secrets
  const lines: string[] = []
  const gateways = accountBook(secrets, otherAccounts)
  const known = withheldValues(collectSecrets({ INTERNAL_API_KEY: INTERNAL_KEY }, gateways))
  const app = createApp({
    database: database.address,
    redis: database.redis,
    accounts: gateways,
    internalKeys: [INTERNAL_KEY],
    callbacks: false,
    workerConcurrency: 2,
    maxAttempts: 12,
    log: createLogger({
      level: logLevel,
      secrets: known,
      destination: { write: (line) => void lines.push(line) },
    }),
    ...appOptions,
  })
  const port = await app.listen(0, '127.0.0.1')
  if (working) app.work()
  const url = `http://127.0.0.1:${port}`
  return {
    app,
    port,
    url,
    secrets,
    internalKey: INTERNAL_KEY,
    lines,
    delivery: (gateway, spec) => deliveryOf(gateway, { ...signingWith(gateway, secrets[gateway]), ...spec }),
    post: ({ path, headers, body }, more = {}) => post(url + path, body, { ...headers, ...more }),
    metrics: async (start) => {
      const text = await (await fetch(`${url}/metrics`)).text()
      return text.split('\n').filter((line) => line.startsWith(start))
    },
    stop: () => app.stop(STOP_TIMEOUT_MS),
  }
}

function accountBook(
  secrets: Secrets,
  others: readonly GatewayAccount[],
): Map<string, Map<string, GatewayAccount>> {
  const book = new Map<string, Map<string, GatewayAccount>>()
  for (const gateway of SAMPLE_GATEWAYS) {
    book.set(gateway, new Map([['default', sampleAccount(gateway, secrets[gateway])]]))
  }
  for (const account of others) book.get(account.gateway)?.set(account.account, account)
  return book
}

let lastOperation = 0

function deliveryOf(gateway: string, spec: DeliverySpec & { secret: string }): SampleDelivery {
  lastOperation += 1
  return buildDelivery(gateway, {
    kind: 'captured',
    operationRef: `${process.pid}${lastOperation}`,
    amountMinor: 10_000n,
    currency: 'EGP',
    nowMs: Date.now(),
    ...spec,
  })
}

async function post(url: string, body: Buffer, headers: Readonly<Record<string, string>>): Promise<Answer> {
  const response = await fetch(url, { method: 'POST', body: new Uint8Array(body), headers })
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Answer['body'],
  }
}
