import { type Id, idToText } from '../base/ids.ts'
import type { OperationReport, RefusedEvent } from '../webhooks/operate.ts'
import { type OperationVerb, REFUSALS } from '../webhooks/permission.ts'
import { EXIT, type ExitCode } from './exit-codes.ts'
import type { Printer } from './printer.ts'

/** A list for people is not longer than a screen; --json has them all. */
const SHOWN_IDS = 20

const DONE_WORDS: Readonly<Record<OperationVerb, string>> = {
  replay: 'back to work',
  release: 'released',
  discard: 'discarded',
}

export interface OperationFacts {
  readonly verb: OperationVerb
  readonly dryRun: boolean
}

/** Prints what an operation did and what it refused; returns the exit code that says the same. */
export function answerOperation(printer: Printer, report: OperationReport, facts: OperationFacts): ExitCode {
  const { done, refused } = report
  printer.answer(
    {
      action: facts.verb,
      dryRun: facts.dryRun,
      count: done.length,
      ids: done.map(idToText),
      refused: refused.map((event) => ({
        id: idToText(event.id),
        code: event.refusal,
        message: messageOf(event),
        state: event.state,
      })),
    },
    () => [headline(done, facts), ...idLines(done), ...refused.map((event) => refusalLine(printer, event))],
  )
  return exitCodeOf(report)
}

function headline(done: readonly Id[], { verb, dryRun }: OperationFacts): string {
  const events = `${done.length} ${done.length === 1 ? 'event' : 'events'}`
  return dryRun
    ? `${events} would be ${DONE_WORDS[verb]}; nothing was changed`
    : `${events} ${DONE_WORDS[verb]}`
}

function idLines(done: readonly Id[]): string[] {
  const lines = done.slice(0, SHOWN_IDS).map((id) => `  ${idToText(id)}`)
  return done.length > SHOWN_IDS
    ? [...lines, `  … and ${done.length - SHOWN_IDS} more (--json lists all)`]
    : lines
}

function refusalLine(printer: Printer, event: RefusedEvent): string {
  return `${printer.paint('red', 'refused')} ${idToText(event.id)}: ${messageOf(event)}`
}

function messageOf({ refusal }: RefusedEvent): string {
  return refusal === 'not_found' ? 'there is no such event' : REFUSALS[refusal]
}

/** Something forbidden weighs more than something missing; nothing at all is "nothing matched". */
function exitCodeOf({ done, refused }: OperationReport): ExitCode {
  if (refused.some(({ refusal }) => refusal !== 'not_found')) return EXIT.refused
  return refused.length > 0 || done.length === 0 ? EXIT.failed : EXIT.done
}
