import type { Command } from 'commander'
import { atOneMoment } from '../../db/moment.ts'
import { explain } from '../matching/dispatch/explanation.ts'
import { explanationJson } from '../matching/dispatch/explanation-json.ts'
import { readDispatchFacts } from '../matching/dispatch/explanation-reader.ts'
import { parseForeignId } from './arguments.ts'
import { type Call, type Cli, handler } from './cli.ts'
import { withContext } from './context.ts'
import { EXIT, type ExitCode } from './exit-codes.ts'
import { explanationText } from './explanation-view.ts'
import { notFound } from './failure.ts'

interface Options {
  readonly replay?: true
}

const EXAMPLES = `
Every decision with what it was made of: who could be asked and at what cost (seconds, the less the better), who could not and why,
who was asked, and what came of it. Decisions are kept for 30 days.

Exit 1 where --replay comes to something else than what was decided.

Examples:
  onceline trips explain 7f3c1f0a-8a5e-4f52-9c11-2f0e5b7a0001
  onceline trips explain 7f3c1f0a-8a5e-4f52-9c11-2f0e5b7a0001 --replay
  onceline trips explain 7f3c1f0a-8a5e-4f52-9c11-2f0e5b7a0001 --json | jq -r .ending`

/** `onceline trips explain` */
export function addTripsExplain(trips: Command, cli: Cli): void {
  trips
    .command('explain')
    .description('say why just these drivers were asked, and how one was found')
    .argument('<id>', "the trip's id", parseForeignId)
    .option('--replay', 'make each decision again, and say whether it comes to the same')
    .addHelpText('after', EXAMPLES)
    .action(handler<Options>(cli, explainTrip))
}

/** Hundreds of decisions, each with its window, to be made again. */
const EXPLAIN_TIMEOUT_MS = 30_000

async function explainTrip({ cli, options, args, printer }: Call<Options>): Promise<ExitCode> {
  const id = args[0] as string
  const facts = await withContext(cli.env, ({ pool }) =>
    atOneMoment(pool, 'why', EXPLAIN_TIMEOUT_MS, (connection) =>
      readDispatchFacts(connection, id, options.replay === true),
    ),
  )
  if (facts === null) throw notFound(`there is no trip ${id}`)
  const explained = explain(facts)
  printer.answer(explanationJson(facts, explained), () => explanationText(printer, facts, explained))
  return explained.some(({ replay }) => replay?.verdict === 'differs') ? EXIT.failed : EXIT.done
}
