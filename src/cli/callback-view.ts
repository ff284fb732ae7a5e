import { type Id, idToText } from '../base/ids.ts'
import { CALLBACK_REFUSALS, type CallbackReport, type CallbackVerb } from '../laravel/callback-operate.ts'
import type { MessageDetail, MessageSummary } from '../outbox/list.ts'
import type { OutboxState } from '../outbox/message.ts'
import { timeText } from './event-view.ts'
import { EXIT, type ExitCode } from './exit-codes.ts'
import type { Cell, Colour, Printer } from './printer.ts'

/** A callback as JSON. */
export function callbackJson(message: MessageSummary) {
  const { id, createdAt, finishedAt, ...rest } = message
  return {
    id: idToText(id),
    event: rest.event,
    orderingKey: rest.orderingKey,
    sequence: rest.sequence,
    state: rest.state,
    reason: rest.reason,
    attempts: rest.attempts,
    responseStatus: rest.responseStatus,
    createdAt: createdAt.toISOString(),
    finishedAt: finishedAt?.toISOString() ?? null,
  }
}

/** All that is stored of a callback but what it says. */
export function callbackDetailJson(message: MessageDetail) {
  return {
    ...callbackJson(message),
    lastError: message.lastError,
    traceId: message.traceId,
    firstAttemptAt: message.firstAttemptAt?.toISOString() ?? null,
    claimableAt: message.claimableAt?.toISOString() ?? null,
    nextAt: message.nextAt?.toISOString() ?? null,
  }
}

const COLOURS: Readonly<Partial<Record<OutboxState, Colour>>> = {
  done: 'green',
  dead: 'red',
  sending: 'yellow',
  discarded: 'dim',
}

/** A callback's state in its colour. */
export function callbackStateCell(state: OutboxState): Cell {
  const colour = COLOURS[state]
  return colour === undefined ? state : { text: state, colour }
}

/** Callbacks as a table. */
export function callbackTable(printer: Printer, messages: readonly MessageSummary[]): string[] {
  return printer.table(
    ['ID', 'WRITTEN', 'EVENT', 'KEY', 'STATE', 'WHY', 'ANSWER', 'TRIES'],
    messages.map((message) => [
      idToText(message.id),
      timeText(message.createdAt),
      message.event,
      message.orderingKey,
      callbackStateCell(message.state),
      message.reason ?? '',
      String(message.responseStatus ?? '-'),
      String(message.attempts),
    ]),
    'no callbacks',
  )
}

/** A list for people is not longer than a screen; --json has them all. */
const SHOWN_IDS = 20
const DONE_WORDS: Readonly<Record<CallbackVerb, string>> = {
  replay: 'back to work',
  discard: 'discarded',
}

/** Prints what an operation did and what it refused; returns the exit code that says the same. */
export function answerCallbacks(
  printer: Printer,
  { done, refused }: CallbackReport,
  { verb, dryRun }: { readonly verb: CallbackVerb; readonly dryRun: boolean },
): ExitCode {
  const named = refused.map(({ id, refusal, state }) => ({
    id: idToText(id),
    code: refusal,
    message: CALLBACK_REFUSALS[refusal],
    state,
  }))
  const count = `${done.length} ${done.length === 1 ? 'callback' : 'callbacks'}`
  const headline = dryRun
    ? `${count} would be ${DONE_WORDS[verb]}; nothing was changed`
    : `${count} ${DONE_WORDS[verb]}`
  printer.answer(
    { action: verb, dryRun, count: done.length, ids: done.map(idToText), refused: named },
    () => [
      headline,
      ...idLines(done),
      ...named.map(({ id, message }) => `${printer.paint('red', 'refused')} ${id}: ${message}`),
    ],
  )
  if (refused.some(({ refusal }) => refusal !== 'not_found')) return EXIT.refused
  return refused.length > 0 || done.length === 0 ? EXIT.failed : EXIT.done
}

function idLines(done: readonly Id[]): string[] {
  const lines = done.slice(0, SHOWN_IDS).map((id) => `  ${idToText(id)}`)
  const more = done.length - SHOWN_IDS
  return more > 0 ? [...lines, `  … and ${more} more (--json lists all)`] : lines
}
