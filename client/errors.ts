import type { ErrorData } from './frames.ts'

/**
 * What became of a command that did not succeed. refused: the server says no, for good. not_sent: it never left. unknown: it left, and nobody
 * answered, or the server asks for it again: it may have taken effect. Sent again with the same `id`, it takes effect once whatever happened.
 */
export type Outcome = 'refused' | 'not_sent' | 'unknown'

/** Codes of the client itself; all others are the server's. */
export type LocalCode = 'timeout' | 'closed' | 'offline' | 'queue_full' | 'too_big'

/** Why a command was not answered with success. */
export class CommandError extends Error {
  readonly commandId: string
  readonly outcome: Outcome
  readonly code: LocalCode | (string & {})
  /** The same command, with the same id, may succeed later. */
  readonly retry: boolean
  readonly retryAfterMs: number | null
  readonly fields: readonly { readonly field: string; readonly message: string }[]
  /** Of `ride_open`: the ride that stands in the way. */
  readonly rideId: string | null

  constructor(commandId: string, outcome: Outcome, error: ErrorData) {
    super(error.message)
    this.name = 'CommandError'
    this.commandId = commandId
    this.outcome = outcome
    this.code = error.code
    this.retry = error.retry
    this.retryAfterMs = error.retryAfterMs ?? null
    this.fields = error.fields ?? []
    this.rideId = error.rideId ?? null
  }
}

export function localError(id: string, outcome: Outcome, code: LocalCode, message: string): CommandError {
  return new CommandError(id, outcome, { code, message, retry: code !== 'too_big' })
}
