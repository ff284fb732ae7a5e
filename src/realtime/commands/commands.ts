import { isUnavailable } from '../../../db/errors.ts'
import { type Clock, systemClock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { Sampler } from '../../base/sampler.ts'
import { type FieldError, parseFields } from '../../base/validation.ts'
import { canonicalJson } from '../../idempotency/canonical.ts'
import { fingerprint, recordKey } from '../../idempotency/key.ts'
import type { OnceRequest } from '../../idempotency/once.ts'
import type { Limits } from '../../limits/limits.ts'
import { type Performer, performOnce } from '../../matching/trips/perform.ts'
import { COMMANDS, type CommandData, type CommandName, isCommandName } from '../protocol/commands.ts'
import { AGAIN, type Answered, answeredBy, only, withPushes } from './answered.ts'
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
import { CommandSender } from './command-sender.ts'
import type { DriverLocations } from './driver-location.ts'
import { type InboundFrame, readFrame } from './inbound.ts'
import { malformedReply, replyFrame } from './replies.ts'

export interface CommandsOptions extends Performer {
  readonly handlers: Handlers
  /** Where drivers are, the bulk of what comes: takes the text of a frame at once, or leaves it (false) to be read as any other. Must not throw. */
  readonly locations: Pick<DriverLocations, 'takeText'>
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

const FINGERPRINT_VERSION = 'command-1'
const SILENCE: Received = { reply: null, pushes: [], malformed: false }

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
   * whichever process. The order of a connection's frames is its caller's: he waits for one before he hands over the next. What asks nobody,
   * such as a position, is answered at once and without a promise, since it comes thousands of times a second. Never throws or rejects.
   */
  receive(connection: CommandConnection, text: string): Received | Promise<Received> {
    const { metrics } = this.#options
    const startMs = this.#clock.monotonicMs()
    if (this.#options.locations.takeText(connection.user, text)) {
      metrics.answered('driver:location', 'ok', (this.#clock.monotonicMs() - startMs) / 1_000)
      return SILENCE
    }
    const read = readFrame(text)
    if (read.kind === 'malformed') {
      metrics.malformed(read.reason)
      return { reply: malformedReply(read.id, read.reason), pushes: [], malformed: true }
    }
    const { frame } = read
    const answered = this.#answer(connection, frame)
    if (!(answered instanceof Promise)) return this.#received(frame, answered, startMs)
    return answered.then((late) => this.#received(frame, late, startMs))
  }

  #received({ id, event }: InboundFrame, answered: Answered, startMs: number): Received {
    const { metrics } = this.#options
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

  #answer(connection: CommandConnection, frame: InboundFrame): Answered | Promise<Answered> {
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
    const answered = this.#perform(connection, frame, handler, parsed.value)
    if (!(answered instanceof Promise)) return withPushes(answered, handler, parsed.value)
    return answered.then((late) => withPushes(late, handler, parsed.value))
  }

  #perform(
    connection: CommandConnection,
    frame: InboundFrame,
    handler: Handler<CommandName>,
    data: CommandData<CommandName>,
  ): Answered | Promise<Answered> {
    const sender = new CommandSender(connection)
    if (handler.kind === 'once' || handler.limit !== null)
      return this.#performSlowly(frame, handler, sender, data)
    const failed = (error: unknown) => only(this.#failure(error, frame.event, sender.traceId))
    try {
      const outcome = handler.handle(sender, data)
      return outcome instanceof Promise ? outcome.then(only, failed) : only(outcome)
    } catch (error) {
      return failed(error)
    }
  }

  async #performSlowly(
    frame: InboundFrame,
    handler: Handler<CommandName>,
    sender: Sender,
    data: CommandData<CommandName>,
  ): Promise<Answered> {
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
