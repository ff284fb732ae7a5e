/**
 * Runs the database suites on MySQL 9.7 LTS. `--if-available` (as `npm test` calls it) passes, loudly, where the package
 * cannot be had; without it that is a failure.
 */
import { spawnSync } from 'node:child_process'

const CANNOT_BE_HAD = 3
/** Suites whose outcome cannot depend on the engine; they ran on MariaDB. */
const ENGINE_FREE = [
  'asyncapi',
  'attack-table',
  'attack-table-fields',
  'browser/playground',
  'browser/report',
  'cli',
  'cluster',
  'configuration-docs',
  'constant-time',
  'currencies',
  'dev-secrets',
  'development',
  'dispatch-rules',
  'dispatch-solver',
  'faults/limits-redis-loss',
  'faults/mutants',
  'faults/redis-cluster',
  'faults/redis-cluster-service',
  'faults/seats-redis-loss',
  'faults/subscriptions-redis-loss',
  'faults/tickets-redis-loss',
  'feed-publish',
  'gateway-api',
  'gateway-docs',
  'internal-access',
  'internal-listener',
  'limits',
  'linearizability',
  'linearizability-bids',
  'linearizability-property',
  'log-redaction',
  'no-float',
  'openapi',
  'php-client',
  'php-signatures',
  'php-token',
  'prepare',
  'realtime-door',
  'realtime-door-limits',
  'realtime-door-seats',
  'realtime-door-tickets',
  'realtime-door-tokens',
  'realtime-door-trouble',
  'realtime-frames',
  'realtime-load',
  'realtime-rfc6455',
  'realtime-rfc6455-ends',
  'realtime-slow',
  'realtime-texts',
  'ring',
  'seats',
  'signed-envelopes',
  'signed-parts',
  'subscriptions',
  'subscriptions-churn',
  'ticket-routes',
  'tickets',
  'tickets-service',
]

const isOptional = process.argv.includes('--if-available')
const install = run(['db/embedded/install.ts', '--engine', 'mysql'])
if (install === CANNOT_BE_HAD && isOptional) {
  console.log(
    "\n*** MySQL 9.7 could not be had on this machine: its suites DID NOT RUN. MariaDB's did. ***\n",
  )
} else if (install !== 0) process.exitCode = install
else {
  const excluded = ENGINE_FREE.flatMap((name) => ['--exclude', `test/${name}.test.ts`])
  process.exitCode = run(['node_modules/vitest/vitest.mjs', 'run', '--project', 'servers', ...excluded], {
    ONCELINE_TEST_ENGINE: 'mysql',
  })
}

function run(args: string[], env: Record<string, string> = {}): number {
  return spawnSync(process.execPath, args, { stdio: 'inherit', env: { ...process.env, ...env } }).status ?? 1
}
