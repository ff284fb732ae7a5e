import { type Command, Option } from 'commander'
import { listTrips, tripSummaryJson } from '../matching/trips/trip-list.ts'
import { TRIP_STATES, type TripState } from '../matching/trips/trip-state.ts'
import { parseForeignId, parseLimit } from './arguments.ts'
import { type Call, type Cli, handler } from './cli.ts'
import { withContext } from './context.ts'
import { notFound } from './failure.ts'
import { tripTable } from './trip-view.ts'

interface Options {
  readonly state?: TripState
  readonly zone?: string
  readonly limit: number
  readonly after?: string
}

const DEFAULT_LIMIT = 50
const MAX_LIMIT = 1_000

const EXAMPLES = `
Examples:
  onceline trips list --state pending --zone cairo
  onceline trips list --limit 200 --json | jq '.trips[] | select(.driverId == null)'`

/** `onceline trips list` */
export function addTripsList(trips: Command, cli: Cli): void {
  trips
    .command('list')
    .description('list the trips that were told of here, the newest first')
    .addOption(new Option('--state <state>', 'only in this state').choices(TRIP_STATES))
    .option('--zone <id>', 'only of this zone', parseForeignId)
    .option('--limit <n>', `at most so many, up to ${MAX_LIMIT}`, parseLimit(MAX_LIMIT), DEFAULT_LIMIT)
    .option('--after <id>', 'the page after this trip (older ones)', parseForeignId)
    .addHelpText('after', EXAMPLES)
    .action(handler<Options>(cli, list))
}

async function list({ cli, options, printer }: Call<Options>): Promise<undefined> {
  const filter = { state: options.state, zoneId: options.zone }
  const page = await withContext(cli.env, ({ pool }) => listTrips(pool, filter, options))
  if (page === null) throw notFound(`--after: there is no trip ${options.after}`)
  const { trips, next } = page
  printer.answer({ trips: trips.map(tripSummaryJson), next }, () => tripTable(printer, trips))
  if (next !== null) printer.note(`There are older ones: --after ${next}`)
}
