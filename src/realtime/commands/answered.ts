import { assertNever } from '../../base/assert.ts'
import type { OnceResult } from '../../idempotency/flights.ts'
import type { CommandData, CommandName } from '../protocol/commands.ts'
import { type Handler, type Outcome, refusedForNow } from './command.ts'
import { outcomeIn, pushFrame } from './replies.ts'

/** What a command came to, as it is sent. */
export interface Answered {
  readonly outcome: Outcome
  readonly pushes: readonly Buffer[]
  /** The bytes that were kept, where they were. */
  readonly reply?: Buffer
  readonly isReplay?: boolean
}

/** A key that another process holds, or a database that is away: as long as either usually takes. */
const AGAIN_MS = 2_000
/** What the sender can do about it. */
export const AGAIN = { retry: true, retryAfterMs: AGAIN_MS }
const NO_PUSHES: readonly Buffer[] = []

/** Nothing beside the reply. */
export function only(outcome: Outcome): Answered {
  return { outcome, pushes: NO_PUSHES }
}

/** What the connection is told beside the reply, too. */
export function withPushes(
  answered: Answered,
  handler: Handler<CommandName>,
  data: CommandData<CommandName>,
): Answered {
  const { outcome } = answered
  const own = outcome.ok ? outcome.pushes : undefined
  if (own === undefined && handler.pushesOf === undefined) return answered
  const pushes = [...(own ?? []), ...(handler.pushesOf?.(outcome, data) ?? [])]
  return { ...answered, pushes: pushes.map(pushFrame) }
}

/** What a request under a key came to. */
export function answeredBy(result: OnceResult, outcome: Outcome | null): Answered {
  switch (result.kind) {
    case 'executed':
    case 'refused': {
      const { body } = result.answer
      return { outcome: outcome ?? outcomeIn(body), pushes: [], reply: body }
    }
    case 'replayed': {
      const { body } = result.answer
      return { outcome: outcomeIn(body), pushes: [], reply: body, isReplay: true }
    }
    case 'mismatch':
      return only(refusedForNow('id_reused', 'This id was used for other content. Nothing was done.'))
    case 'in_flight':
      return only(refusedForNow('in_flight', 'The same command is not finished. Send the same again.', AGAIN))
    case 'expired':
      return only(refusedForNow('expired', 'This was done before, and its answer is no longer kept.'))
    default:
      return assertNever(result)
  }
}
