import { PassThrough } from 'node:stream'
import type { Pool } from '../../db/pools.ts'
import { explanationText } from '../../src/cli/explanation-view.ts'
import { Printer, type Streams } from '../../src/cli/printer.ts'
import { explain } from '../../src/matching/dispatch/explanation.ts'
import { explanationJson } from '../../src/matching/dispatch/explanation-json.ts'
import { readDispatchFacts } from '../../src/matching/dispatch/explanation-reader.ts'

const STREAMS = { stdout: new PassThrough(), stderr: new PassThrough() } as unknown as Streams

/** A trip's story as the command line tells it. */
export async function explained(pool: Pool, tripId: string, isReplayed = false) {
  const facts = await readDispatchFacts(pool, tripId, isReplayed)
  if (facts === null) throw new Error('there is no such trip')
  const decisions = explain(facts)
  const text = explanationText(new Printer(STREAMS, false, {}), facts, decisions).join('\n')
  return {
    json: explanationJson(facts, decisions),
    text,
    verdicts: decisions.map(({ replay }) => replay?.verdict),
    replays: decisions.map(({ replay }) => replay),
  }
}
