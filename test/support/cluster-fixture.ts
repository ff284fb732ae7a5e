import { createServer, type Server } from 'node:http'
import { Counter, Gauge, Registry } from 'prom-client'
import { createLogger } from '../../src/base/log.ts'
import { clusterMetrics, installWorker, isClusterWorker, runPrimary } from '../../src/cluster.ts'

/** What the cluster is to do, as the only argument. */
export interface FixturePlan {
  readonly workers: number
  readonly shutdownTimeoutMs: number
  /** To how many addresses each worker listens; one by default. */
  readonly listeners?: number
  /** crash: exits before it is installed · hang: never drains · fail: its drain rejects · well: otherwise. */
  readonly worker: 'well' | 'crash' | 'hang' | 'fail'
}

const plan: FixturePlan = JSON.parse(process.argv[2] ?? '')
const log = createLogger({ level: 'info', name: isClusterWorker() ? 'worker' : 'primary' })

if (isClusterWorker()) {
  if (plan.worker === 'crash') process.exit(3)
  work()
} else {
  const code = await runPrimary({
    workers: plan.workers,
    env: { ONCELINE_FIXTURE: 'from the primary' },
    log,
    shutdownTimeoutMs: plan.shutdownTimeoutMs,
    listeners: plan.listeners ?? 1,
    onReady: ([port, ...others]) => log.info({ port, others }, 'ready'),
    onStopped: async () => log.info('data host stopped'),
  })
  log.info({ code }, 'ended')
  process.exitCode = code
}

/** Answers with its pid; `/slow` only once the drain has begun, so that it is in flight then. */
function work(): void {
  const registry = new Registry()
  const answers = new Counter({ name: 'answers_total', help: 'Answers.', registers: [registry] })
  new Gauge({ name: 'undefined_yet', help: 'NaN.', registers: [registry] }).set(Number.NaN)
  const slow: (() => void)[] = []
  const server = createServer((request, response) => {
    answers.inc()
    const end = (text: string): void => {
      response.setHeader('connection', 'close').end(text)
    }
    if (request.url === '/slow') {
      slow.push(() => end('slow but answered'))
      log.info('holding a request')
    } else if (request.url === '/metrics')
      void clusterMetrics().then(end, (error: Error) => end(error.message))
    else end(JSON.stringify({ pid: process.pid, env: process.env.ONCELINE_FIXTURE }))
  })
  installWorker({ log, registry, drain: () => drain(server, slow) })
  server.listen(0, '127.0.0.1', () => {
    for (let more = 1; more < (plan.listeners ?? 1); more += 1) listenToo()
  })
}

/** Another listener, which only says that it is another. */
function listenToo(): void {
  createServer((_, response) => response.setHeader('connection', 'close').end('another'))
    .listen(0, '127.0.0.1')
    .unref()
}

async function drain(server: Server, slow: readonly (() => void)[]): Promise<void> {
  if (plan.worker === 'fail') throw new Error('cannot close')
  const closed = new Promise((resolve) => server.close(resolve))
  for (const finish of slow) finish()
  await closed
  if (plan.worker === 'hang') await new Promise(() => setInterval(() => undefined, 1_000))
}
