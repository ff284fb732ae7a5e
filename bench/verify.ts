import { Command } from 'commander'
import type { Delivery } from '../src/webhooks/gateways/adapter.ts'
import { adapters } from '../src/webhooks/gateways/registry.ts'
import { buildDelivery, newSecret, samples } from '../src/webhooks/gateways/samples/samples.ts'
import { sampleAccount, signingWith } from '../test/support/gateway-accounts.ts'
import { bareWork } from './bare-verify.ts'
import { processorLine } from './machine.ts'
import { type Goal, type Output, progress, publish, runBenchmark, WrongResult } from './report.ts'
import { median } from './statistics.ts'
import { count, decimal, table } from './table.ts'

interface Options extends Output {
  readonly rounds: number
  readonly ms: number
  readonly bytes: number
}

const GOAL = 0.5
/** Their verification is one of RSA, which costs what it costs. */
const RSA = new Set(['bkash', 'paypal'])

const command = new Command('bench:verify')
  .description(
    'Verifications a second of each adapter, from the delivery to its events, beside JSON.parse and the bare HMAC of the same bytes (or what stands for them: bench/bare-verify.ts); ' +
      'of each the same thread, in turns.',
  )
  .option('--rounds <n>', 'interleaved rounds; medians are shown', Number, 9)
  .option('--ms <n>', 'of each measurement', Number, 150)
  .option('--bytes <n>', 'a body has at least so many, where its form allows padding', Number, 1_500)
  .option('--json', 'print one JSON document', false)
  .option('--check', 'exit with 1 when a goal is missed', false)

/** Of one gateway: medians over the rounds. */
interface VerifyFigures {
  readonly gateway: string
  readonly bodyBytes: number
  readonly perSecond: number
  readonly barePerSecond: number
  readonly ratio: number
  /** Processor time of one verification; of the thread, so that waiting for the processor does not count. */
  readonly cpuMicros: number
}

function main(options: Options): void {
  const figures = [...adapters.keys()].sort().map((gateway) => {
    progress(gateway)
    return measure(gateway, options)
  })
  const machine = processorLine()
  const document = { benchmark: 'verify', machine, settings: { ...options }, figures }
  publish(options, document, describe(machine, figures), goalsOf(figures))
}

function measure(gateway: string, { rounds, ms, bytes }: Options): VerifyFigures {
  const { verify, bare, bodyBytes } = contestants(gateway, bytes)
  const runs = Array.from({ length: rounds }, (_, round) => {
    const [first, second] = round % 2 === 0 ? [verify, bare] : [bare, verify]
    const times = new Map([
      [first, rate(first, ms)],
      [second, rate(second, ms)],
    ])
    return { verified: times.get(verify) ?? NOTHING, bare: times.get(bare) ?? NOTHING }
  })
  return {
    gateway,
    bodyBytes,
    perSecond: median(runs.map(({ verified }) => verified.perSecond)),
    barePerSecond: median(runs.map((run) => run.bare.perSecond)),
    ratio: median(runs.map((run) => run.bare.cpuMicros / run.verified.cpuMicros)),
    cpuMicros: median(runs.map(({ verified }) => verified.cpuMicros)),
  }
}

/** The adapter's whole work on one delivery, and the least that anybody could do with the same bytes. */
function contestants(gateway: string, bytes: number) {
  const adapter = adapters.get(gateway)
  const sample = samples.get(gateway)
  if (!adapter || !sample) throw new WrongResult(`there is no ${gateway}`)
  const secret = newSecret(gateway)
  const nowMs = Date.now()
  const kind = sample.kinds.includes('captured') ? 'captured' : (sample.kinds[0] ?? 'captured')
  const built = buildDelivery(gateway, {
    kind,
    merchantRef: 'trip-1',
    gatewayRef: 'order-1',
    operationRef: 'op-1',
    amountMinor: 12_345n,
    currency: sample.currency,
    nowMs,
    bodyBytes: bytes,
    ...signingWith(gateway, secret),
  })
  const delivery: Delivery = {
    body: built.body,
    headers: built.headers,
    query: new URLSearchParams(built.query),
  }
  const account = sampleAccount(gateway, secret)
  const verify = () => {
    if (adapter.receive(delivery, account, nowMs).kind !== 'accepted')
      throw new WrongResult(`${gateway} refuses its sample`)
  }
  return { verify, bare: bareWork(gateway, delivery, secret), bodyBytes: built.body.length }
}

const NOTHING = { perSecond: 0, cpuMicros: Number.POSITIVE_INFINITY }
/** So many between two looks at the clock. */
const BATCH = 50

function rate(work: () => void, ms: number): typeof NOTHING {
  for (let index = 0; index < BATCH; index += 1) work()
  const cpu = process.cpuUsage()
  const startMs = performance.now()
  let done = 0
  do {
    for (let index = 0; index < BATCH; index += 1) work()
    done += BATCH
  } while (performance.now() - startMs < ms)
  const seconds = (performance.now() - startMs) / 1_000
  const { user, system } = process.cpuUsage(cpu)
  return { perSecond: done / seconds, cpuMicros: (user + system) / done }
}

function describe(machine: string, figures: readonly VerifyFigures[]): string {
  const rows = figures.map((one) => [
    one.gateway,
    count(one.bodyBytes),
    count(one.perSecond),
    count(one.barePerSecond),
    decimal(one.ratio, 2),
    decimal(one.cpuMicros, 1),
  ])
  return [
    machine,
    '',
    table(['gateway', 'bytes', 'verified/s', 'bare/s', 'ratio (CPU)', 'CPU µs'], rows),
  ].join('\n')
}

function goalsOf(figures: readonly VerifyFigures[]): readonly Goal[] {
  return figures
    .filter(({ gateway }) => !RSA.has(gateway))
    .map(({ gateway, ratio }) => ({ name: `${gateway} to bare`, value: ratio, atLeast: GOAL }))
}

await runBenchmark(async () => main(command.parse().opts<Options>()))
