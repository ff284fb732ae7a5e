import type { Command } from 'commander'
import { atOneMoment } from '../../db/moment.ts'
import type { PoolConnection } from '../../db/pools.ts'
import { READ_TIMEOUT_MS } from '../../db/transaction.ts'
import { searchJson } from '../matching/dispatch/explanation-json.ts'
import { type OngoingSearch, readOngoingSearch } from '../matching/dispatch/search-reader.ts'
import { type OfferStory, offerStoryJson, readOfferStories } from '../matching/offers/offer-history.ts'
import { readTripHistory, type TripHistory } from '../matching/trips/history.ts'
import { tripHistoryJson } from '../matching/trips/json.ts'
import { parseForeignId } from './arguments.ts'
import { type Call, type Cli, handler } from './cli.ts'
import { withContext } from './context.ts'
import { notFound } from './failure.ts'
import type { Printer } from './printer.ts'
import { offerTable, searchFacts, stepTable, tripFacts } from './trip-view.ts'

const EXAMPLES = `
Why just these drivers were asked: onceline trips explain <id>.

Examples:
  onceline trips show 7f3c1f0a-8a5e-4f52-9c11-2f0e5b7a0001
  onceline trips show 7f3c1f0a-8a5e-4f52-9c11-2f0e5b7a0001 --json | jq .offers`

/** `onceline trips show` */
export function addTripsShow(trips: Command, cli: Cli): void {
  trips
    .command('show')
    .description('show a trip, what happened to it, who was asked, and how a driver is looked for')
    .argument('<id>', 'its id', parseForeignId)
    .addHelpText('after', EXAMPLES)
    .action(handler<object>(cli, show))
}

interface Shown {
  readonly history: TripHistory
  readonly offers: readonly OfferStory[]
  readonly search: OngoingSearch | null
}

/** More than anybody reads. */
const OFFER_LIMIT = 1_000

async function show({ cli, args, printer }: Call<object>): Promise<undefined> {
  const id = args[0] as string
  const shown = await withContext(cli.env, ({ pool }) =>
    atOneMoment(pool, 'trip', READ_TIMEOUT_MS, (connection) => readShown(connection, id)),
  )
  if (shown === null) throw notFound(`there is no trip ${id}`)
  printer.answer(json(shown), () => text(printer, shown))
}

async function readShown(connection: PoolConnection, id: string): Promise<Shown | null> {
  const history = await readTripHistory(connection, id)
  if (history === null) return null
  const offers = await readOfferStories(connection, history.trip.id, OFFER_LIMIT)
  return { history, offers, search: await readOngoingSearch(connection, history.trip.id) }
}

function json({ history, offers, search }: Shown) {
  const { trip, transitions } = tripHistoryJson(history)
  return { trip, transitions, offers: offers.map(offerStoryJson), search: searchJson(search) }
}

function text(printer: Printer, { history, offers, search }: Shown): string[] {
  const title = (words: string): string[] => ['', printer.paint('bold', words)]
  return [
    ...tripFacts(printer, history.trip),
    ...title('What happened'),
    ...stepTable(printer, history.transitions),
    ...title('Who was asked'),
    ...offerTable(printer, offers),
    ...title('The search'),
    ...searchFacts(printer, search),
  ]
}
