import type { PoolConnection } from '../../../db/pools.ts'
import type { LimitClass } from '../../limits/rules.ts'
import { NOBODY_TOLD, type Told } from '../../matching/trips/announce.ts'
import type { TokenUser } from '../door/token.ts'
import type { CommandData, CommandName } from '../protocol/commands.ts'
import type { CommandError } from '../protocol/frames.ts'

/** What a command may do to the connection that it came over: a Session. */
export interface CommandConnection {
  readonly user: TokenUser
  readonly connectionId: string
  /** How many topics it listens to. */
  readonly topics: number
  listensTo(topic: string): boolean
  /** Lets this connection hear what is published for `ride:<id>`; resolves when it does, or will as soon as Redis is back. */
  subscribe(topic: string): Promise<void>
  unsubscribe(topic: string): void
  /** Replays the feed from this number on, as a connection with `since` does. */
  resume(since: number): void
  /** The client has shown all up to this number. */
  acknowledged(seq: number): void
  /** The connection goes on with this user's token. */
  renew(user: TokenUser): void
}

export type Json = Readonly<Record<string, unknown>>

/** Something that this connection alone is told, at once. */
export interface OwnPush {
  readonly event: string
  readonly data: Json
}

/** What a command comes to. `isSettled`: asked again with the same id it is answered alike, so the answer is kept. */
/** `pushes`: what the connection is told beside the reply; nothing of a command that takes effect once has any. */
export type Outcome =
  | { readonly ok: true; readonly data: Json; readonly pushes?: readonly OwnPush[] }
  | { readonly ok: false; readonly error: CommandError; readonly isSettled: boolean }

/** Who asks, and the name of this one request in logs and callbacks. */
export interface Sender {
  readonly connection: CommandConnection
  readonly user: TokenUser
  readonly traceId: string
}

/** What was written in the transaction of a command, and whom it tells once that is committed. */
export interface Done {
  readonly outcome: Outcome
  readonly told: Told
}

/** A command that may be said again without harm. */
export interface NaturalHandler<Name extends CommandName> {
  readonly kind: 'natural'
  /** The limit that counts it; null: it costs next to nothing, and the socket's own limit of messages is enough. */
  readonly limit: LimitClass | null
  readonly handle: (sender: Sender, data: CommandData<Name>) => Promise<Outcome> | Outcome
  /** What the connection is told beside the reply. */
  readonly pushesOf?: (outcome: Outcome, data: CommandData<Name>) => readonly OwnPush[]
}

/** A command that takes effect once for each user and id. It writes through this connection alone, and may run several times. */
export interface OnceHandler<Name extends CommandName> {
  readonly kind: 'once'
  readonly limit: LimitClass
  /** Of that limit; more than one where guessing must not be cheap. */
  readonly points?: number
  readonly handle: (connection: PoolConnection, sender: Sender, data: CommandData<Name>) => Promise<Done>
  readonly pushesOf?: (outcome: Outcome, data: CommandData<Name>) => readonly OwnPush[]
}

export type Handler<Name extends CommandName> = NaturalHandler<Name> | OnceHandler<Name>

/** By the commands' names; what is missing here is not known to this server. */
export type Handlers = { readonly [Name in CommandName]?: Handler<Name> }

export function ok(data: Json = {}): Outcome {
  return { ok: true, data }
}

/** Settled: the same request meets the same refusal whenever it comes. */
export function refusedForGood(code: string, message: string): Outcome {
  return { ok: false, error: { code, message, retry: false }, isSettled: true }
}

/** Nothing stands in the way of another answer to a later request. */
export function refusedForNow(
  code: string,
  message: string,
  more: Omit<Partial<CommandError>, 'code' | 'message'> = {},
): Outcome {
  return { ok: false, error: { code, message, retry: false, ...more }, isSettled: false }
}

/** Nothing was written, and nobody is told. */
export function nothing(outcome: Outcome): Done {
  return { outcome, told: NOBODY_TOLD }
}
