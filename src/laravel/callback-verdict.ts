import { type Backoff, backoffMs } from '../base/backoff.ts'
import type { Health } from '../base/circuit.ts'
import { retryAfterMs } from '../base/retry-after.ts'
import type { Settlement } from '../outbox/message.ts'
import type { CallbackAnswer } from './callback-request.ts'

/** The word for metrics and logs. */
export type CallbackOutcome =
  | 'done'
  | 'already_done'
  | 'retry'
  | 'rejected'
  | 'redirected'
  | 'exhausted'
  | 'interrupted'

export interface Verdict {
  readonly outcome: CallbackOutcome
  readonly settlement: Settlement
  readonly health: Health
  /** How long the host asked to be left alone; 0 where it did not. */
  readonly holdMs: number
}

export interface Trial {
  /** Counted from 1, this one included. */
  readonly attempt: number
  readonly triedForMs: number
  /** It was sent to see whether Laravel is back. */
  readonly isProbe: boolean
  readonly nowMs: number
  readonly backoff: Backoff
}

/** A message is given up after a day of trying. */
export const TRYING_MS = 24 * 3_600_000
/**
 * And not before so many attempts: while the circuit is open nothing is tried, so a day of a dead Laravel is no day of
 * trying. With the back-off a day has some fifty.
 */
export const MIN_ATTEMPTS = 12
/** Answers below 500 that may be another one later: Request Timeout, Too Early, Too Many Requests. */
const PASSING_REFUSALS: readonly number[] = [408, 425, 429]
/** What an exception in Laravel's own code gives: it is there, and perhaps only this message is what it cannot take. */
const INTERNAL_SERVER_ERROR = 500

/** What becomes of a message after this answer. Pure. */
export function judge(answer: CallbackAnswer, trial: Trial): Verdict {
  switch (answer.kind) {
    case 'interrupted':
      return { outcome: 'interrupted', settlement: { kind: 'released' }, health: 'unknown', holdMs: 0 }
    case 'timed_out':
      return again({ status: null, error: 'no answer in time', health: 'ill', holdMs: 0 }, trial)
    case 'unreachable':
      return again({ status: null, error: `unreachable: ${answer.error}`, health: 'ill', holdMs: 0 }, trial)
    case 'answered':
      return judgeStatus(answer, trial)
  }
}

function judgeStatus(answer: Extract<CallbackAnswer, { kind: 'answered' }>, trial: Trial): Verdict {
  const { status, retryAfter, message } = answer
  const words = message === null ? `answered ${status}` : `answered ${status}: ${message}`
  if (status >= 200 && status < 300) return finished('done', { kind: 'done', status })
  if (status === 409) return finished('already_done', { kind: 'done', status })
  if (status >= 500 || PASSING_REFUSALS.includes(status)) {
    const health = status === INTERNAL_SERVER_ERROR ? 'erring' : 'ill'
    return again({ status, error: words, health, holdMs: retryAfterMs(retryAfter, trial.nowMs) }, trial)
  }
  if (status >= 300 && status < 400) {
    const error = `${words}: a redirection, which is not followed; LARAVEL_API_URL must be the final address`
    return finished('redirected', { kind: 'dead', reason: 'redirected', status, error })
  }
  return finished('rejected', { kind: 'dead', reason: 'rejected', status, error: words })
}

function finished(outcome: CallbackOutcome, settlement: Settlement): Verdict {
  return { outcome, settlement, health: 'well', holdMs: 0 }
}

interface Failure {
  readonly status: number | null
  readonly error: string
  readonly health: 'ill' | 'erring'
  readonly holdMs: number
}

/**
 * While Laravel is away the circuit says when to try again, so a probe that found it away costs its message nothing: it is
 * neither an attempt nor does it wait beyond Laravel's return.
 */
function again({ status, error, health, holdMs }: Failure, trial: Trial): Verdict {
  if (trial.isProbe && health === 'ill') {
    const settlement: Settlement = { kind: 'away', delayMs: holdMs, status, error }
    return { outcome: 'retry', settlement, health, holdMs }
  }
  if (trial.triedForMs >= TRYING_MS && trial.attempt >= MIN_ATTEMPTS) {
    const settlement: Settlement = { kind: 'dead', reason: 'attempts_exhausted', status, error }
    return { outcome: 'exhausted', settlement, health, holdMs }
  }
  const delayMs = Math.max(backoffMs(trial.attempt, trial.backoff), holdMs)
  return { outcome: 'retry', settlement: { kind: 'retry', delayMs, status, error }, health, holdMs }
}
