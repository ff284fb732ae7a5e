import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Suites of a quarter of a minute and more, in the order in which they begin; the others follow, the larger files first. */
const LONGEST = [
  'faults/crash-points',
  'faults/confirm-kill',
  'faults/presence',
  'faults/keys-faults',
  'faults/feed-storm',
  'faults/callbacks',
  'cli-operations',
  'shutdown',
  'callbacks-cli',
  'faults/redis-loss',
  'faults/keys-model',
  'internal-listener',
  'faults/bridge',
  'faults/redis-cluster-service',
  'faults/database-loss',
  'simulation',
  'bridge-trouble',
  'callbacks-trouble',
  'group-commit-outage',
  'cluster',
  'driver-pool-service',
  'realtime-fences',
  'faults/subscriptions-redis-loss',
  'faults/presence-kill',
  'trip-races',
  'faults/keys-poison',
  'webhook-cli',
  'cli',
  'realtime-door-trouble',
  'data-host',
] as const

/** Begins with what takes longest: a suite of minutes that begins last has the machine to itself, and everybody waits for it. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const others = await super.sort(files)
    return others.toSorted((a, b) => placeOf(a) - placeOf(b))
  }
}

function placeOf({ moduleId }: TestSpecification): number {
  const place = LONGEST.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`))
  return place === -1 ? LONGEST.length : place
}
