import type { Config } from './config.ts'
import { buildDelivery } from './webhooks/gateways/samples/samples.ts'

export interface WelcomeFacts {
  readonly config: Config
  readonly port: number
  /** Of the internal API's own listener; null without one. */
  readonly internalPort: number | null
  /** Secrets that were made up for development. */
  readonly generated: Readonly<Record<string, string>>
  readonly embedded: boolean
}

/** Tells a person who started the service at a terminal where it is and what to try. Silent in production. */
export function welcome(facts: WelcomeFacts): void {
  if (facts.config.environment === 'production') return
  console.log(welcomeText(facts))
}

const SAMPLE = {
  merchantRef: 'TRIP-1001',
  operationRef: 'TX-1001',
  amountMinor: 15_000n,
  currency: 'EGP',
} as const

/** The text of welcome(), with lines that may be pasted as they are. */
export function welcomeText({ config, port, internalPort, generated, embedded }: WelcomeFacts): string {
  const base = addressOf(config.host, port)
  const internal = config.internal === null ? base : addressOf(config.internal.host, internalPort ?? 0)
  const lines = [
    '',
    `Onceline is ready on ${base}`,
    `  webhooks  ${base}/webhooks/<gateway>   (${config.gateways.size} gateways: onceline gateways list)`,
    `  health    ${base}/health   ${base}/ready   ${base}/metrics`,
    ...(config.environment === 'development'
      ? [`  sockets   ${base.replace('http', 'ws')}   ${base}/playground`]
      : []),
    `  internal  ${internal}/internal/…   (X-API-Key)   ${internal}/docs`,
    ...(embedded ? [`  data      a private database and Redis in ${config.dataDir}`] : []),
    ...secretLines(generated, config.dataDir),
    ...tryLines(config, base),
    '',
  ]
  return lines.join('\n')
}

function addressOf(host: string, port: number): string {
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`
}

/** What a developer pastes. The gateways' are dozens; `onceline webhook send` signs with them. */
const SHOWN = new Set(['JWT_SECRET', 'INTERNAL_API_KEY'])

function secretLines(generated: Readonly<Record<string, string>>, dataDir: string): string[] {
  const names = Object.keys(generated)
  if (names.length === 0) return []
  const shown = names.filter((name) => SHOWN.has(name))
  return [
    `  secrets   made up for development, those of gateways too, and kept in ${dataDir}/secrets.json`,
    ...shown.map((name) => `            ${name}=${generated[name]}`),
  ]
}

/** Kashier signs no timestamp, so a line signed now can be pasted at any time. */
function tryLines(config: Config, base: string): string[] {
  const secret = config.gateways.get('kashier')?.get('default')?.secrets[0]
  if (secret === undefined) return []
  const delivery = buildDelivery('kashier', { ...SAMPLE, kind: 'captured', nowMs: Date.now(), secret })
  const headers = Object.entries(delivery.headers)
    .map(([name, value]) => `-H '${name}: ${value}'`)
    .join(' ')
  return [
    '',
    'Try it: a payment is expected, its webhook comes (paste it twice), and it is captured once.',
    `  npm run -s onceline -- payments register --gateway kashier --ref ${SAMPLE.merchantRef} --amount 150.00 --currency EGP --customer rider-1`,
    `  curl -sS -X POST ${base}${delivery.path} ${headers} -d '${delivery.body.toString()}'`,
    `  npm run -s onceline -- payments show --gateway kashier --ref ${SAMPLE.merchantRef}`,
  ]
}
