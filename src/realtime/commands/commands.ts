import { isUnavailable } from '../../../db/errors.ts'
import { assertNever } from '../../base/assert.ts'
import { type Clock, systemClock } from '../../base/clock.ts'
import { idToText, newId } from '../../base/ids.ts'
import type { Log } from '../../base/log.ts'
import type { Sampler } from '../../base/sampler.ts'
import { type FieldError, parseFields } from '../../base/validation.ts'
import { canonicalJson } from '../../idempotency/canonical.ts'
import type { OnceResult } from '../../idempotency/flights.ts'
import { fingerprint, recordKey } from '../../idempotency/key.ts'
import type { OnceRequest } from '../../idempotency/once.ts'
import type { Limits } from '../../limits/limits.ts'
import { type Performer, performOnce } from '../../matching/trips/perform.ts'
import { COMMANDS, type CommandData, type CommandName, isCommandName } from '../protocol/commands.ts'
import {
  type CommandConnection,
  type Handler,
  type Handlers,
  type Json,
  type OnceHandler,
  type Outcome,
  refusedForNow,
  type Sender,
} from './command.ts'
import type { CommandMetrics } from './command-metrics.ts'
import { type InboundFrame, readFrame } from './inbound.ts'
import { malformedReply, outcomeIn, pushFrame, replyFrame } from './replies.ts'

export interface CommandsOptions extends Performer {
  readonly handlers: Handlers
  readonly limits: Limits
  readonly metrics: CommandMetrics
  readonly log: Log
  /** Lines about defects, which a client could provoke. */
  readonly defects: Sampler
  readonly clock?: Clock
  /** A driver's command was carried out, or found to have been. Must not throw. */
  readonly onDriverActed?: (driverId: string) => void
}

/** What a frame is answered: JSON texts, each a frame. Nothing where a command without an id succeeded. */
export interface Received {
  readonly reply: Buffer | null
  /** What this connection is told beside the reply, after it. */
  readonly pushes: readonly Buffer[]
  /** The frame was no command: whoever sends many such is no client of ours. */
  readonly malformed: boolean
}

interface Answered {
  readonly outcome: Outcome
  readonly pushes: readonly Buffer[]
  /** The bytes that were kept, where they were. */
  readonly reply?: Buffer
  readonly isReplay?: boolean
}

const FINGERPRINT_VERSION = 'command-1'
/** A key that another process holds, or a database that is away: as long as either usually takes. */
const AGAIN_MS = 2_000

/** Judges and performs what clients send. */
export class Commands {
  readonly #options: CommandsOptions
  readonly #clock: Clock

  constructor(options: CommandsOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
  }

  /**
   * Performs one frame of a connection, and says what to send. A repeated id is answered word for word as it was the first time, by
   * whichever process. The order of a connection's frames is its caller's: he waits for one before he hands over the next. Never throws.
   */
  async receive(connection: CommandConnection, text: string): Promise<Received> {
    const { metrics } = this.#options
    const startMs = this.#clock.monotonicMs()
    const read = readFrame(text)
    if (read.kind === 'malformed') {
      metrics.malformed(read.reason)
      return { reply: malformedReply(read.id, read.reason), pushes: [], malformed: true }
    }
    const { id, event } = read.frame
    const answered = await this.#answer(connection, read.frame)
    const { outcome, pushes, isReplay = false } = answered
    const seconds = (this.#clock.monotonicMs() - startMs) / 1_000
    metrics.answered(isCommandName(event) ? event : 'unknown', wordOf(outcome, isReplay), seconds)
    const isSilent = id === null && outcome.ok
    return {
      reply: isSilent ? null : (answered.reply ?? replyFrame(id, outcome)),
      pushes,
      malformed: false,
    }
  }

  async #answer(connection: CommandConnection, frame: InboundFrame): Promise<Answered> {
    const { event } = frame
    const name = isCommandName(event) ? event : null
    const handler = name === null ? undefined : (this.#options.handlers[name] as Handler<CommandName>)
    if (name === null || handler === undefined)
      return only(refusedForNow('unknown_event', 'There is no such command.'))
    if (!(COMMANDS[name].from as readonly string[]).includes(connection.user.userType))
      return only(refusedForNow('forbidden', 'This command is not for this kind of user.'))
    if (handler.kind === 'once' && frame.id === null)
      return only(
        refusedForNow('id_required', 'This command takes effect once for each `id`, and needs one.'),
      )
    const parsed = parseFields<CommandData<CommandName>>(COMMANDS[name].data, frame.data)
    if (!parsed.ok) return only(invalid(parsed.errors))
    const answered = await this.#perform(connection, frame, handler, parsed.value)
    const { outcome } = answered
    const own = outcome.ok ? (outcome.pushes ?? []) : []
    const pushes = [...own, ...(handler.pushesOf?.(outcome, parsed.value) ?? [])]
    return { ...answered, pushes: pushes.map(pushFrame) }
  }

  async #perform(
    connection: CommandConnection,
    frame: InboundFrame,
    handler: Handler<CommandName>,
    data: CommandData<CommandName>,
  ): Promise<Answered> {
    const sender = { connection, user: connection.user, traceId: idToText(newId()) }
    try {
      const limited = await this.#limited(handler, sender)
      if (limited !== null) return only(limited)
      if (handler.kind === 'natural') return only(await handler.handle(sender, data))
      return await this.#once(frame, handler, sender, data)
    } catch (error) {
      return only(this.#failure(error, frame.event, sender.traceId))
    }
  }

  /** Null: it may pass. */
  async #limited(handler: Handler<CommandName>, { user }: Sender): Promise<Outcome | null> {
    if (handler.limit === null) return null
    const points = handler.kind === 'once' ? handler.points : 1
    const { allowed, retryAfterMs } = await this.#options.limits.take(handler.limit, user.userId, points)
    if (allowed) return null
    const again = { retry: true, retryAfterMs: Math.ceil(retryAfterMs) }
    return refusedForNow('rate_limited', 'Too many commands; wait.', again)
  }

  async #once(
    frame: InboundFrame,
    handler: OnceHandler<CommandName>,
    sender: Sender,
    data: CommandData<CommandName>,
  ): Promise<Answered> {
    let outcome: Outcome | null = null
    const result = await performOnce(this.#options, requestOf(frame, sender), async (connection) => {
      const done = await handler.handle(connection, sender, data)
      outcome = done.outcome
      const keep = outcome.ok || outcome.isSettled
      return {
        reply: { status: outcome.ok ? 200 : 409, body: replyFrame(frame.id, outcome), keep },
        told: done.told,
      }
    })
    if (sender.user.userType === 'driver') this.#options.onDriverActed?.(sender.user.userId)
    return answeredBy(result, outcome)
  }

  /** What the sender can do about it is the same in both cases: ask again, and the id tells what became of it. */
  #failure(err: unknown, event: string, traceId: string): Outcome {
    if (isUnavailable(err))
      return refusedForNow('unavailable', 'It is not known what was done. Send the same again.', AGAIN)
    const permission = this.#options.defects.allow()
    if (permission) this.#options.log.error({ err, event, traceId, ...permission }, 'a command failed')
    return refusedForNow('internal', 'Something is wrong here. Send the same again later.', AGAIN)
  }
}

const AGAIN = { retry: true, retryAfterMs: AGAIN_MS }
function only(outcome: Outcome): Answered {
  return { outcome, pushes: [] }
}

function wordOf(outcome: Outcome, isReplay: boolean): string {
  if (isReplay) return 'replayed'
  return outcome.ok ? 'ok' : outcome.error.code
}

function invalid(fields: readonly FieldError[]): Outcome {
  return refusedForNow('invalid', 'The data is not what this command takes.', { fields: [...fields] })
}

/** A user's ids are his own, for each command by itself: whichever connection, process or kind of app sends them. */
function requestOf({ id, event, data }: InboundFrame, { user }: Sender): OnceRequest {
  const { userId, userType } = user
  return {
    key: recordKey({ kind: 'command', tenant: userType, actor: userId, operation: event, key: id ?? '' }),
    fingerprint: fingerprint(FINGERPRINT_VERSION, [canonicalOf(data)]),
  }
}

function canonicalOf(data: Json): string {
  return canonicalJson(JSON.stringify(data))
}

function answeredBy(result: OnceResult, outcome: Outcome | null): Answered {
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
