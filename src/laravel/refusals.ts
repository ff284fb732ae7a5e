import { type Problem, problem } from '../base/problem.ts'
import type { FieldError } from '../base/validation.ts'
import { replyOf } from '../idempotency/answer.ts'
import type { OnceResult } from '../idempotency/flights.ts'

/** A keyed request refused before anything was done: the key is free, and the same key may come with a corrected request. */
export async function refusal(occurrence: Problem): Promise<OnceResult> {
  const { status, headers = {}, body } = await replyOf(problem(occurrence))
  return { kind: 'refused', answer: { status, headers, body } }
}

/** The fields of a request that are not as the schema says. */
export function invalid(errors: readonly FieldError[], requestId: string): Problem {
  return {
    status: 400,
    code: 'invalid_request',
    detail: `Not as it should be: ${errors.map(({ field }) => field || 'the body').join(', ')}.`,
    requestId,
    errors,
  }
}
