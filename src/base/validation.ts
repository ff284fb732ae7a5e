import type { z } from 'zod'

/** A field at fault: `destination.latitude`, or '' for the whole body; and what is expected there, never the value. */
export interface FieldError {
  readonly field: string
  readonly message: string
}

export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly errors: readonly FieldError[] }

/** More errors than a person reads at once; a body of a thousand wrong fields gets no answer of a thousand lines. */
const MAX_ERRORS = 20

/** Parses a request's content at the border. Unknown fields of a strict object are at fault by their own names. */
export function parseFields<T>(schema: z.ZodType<T>, input: unknown): Parsed<T> {
  const parsed = schema.safeParse(input)
  if (parsed.success) return { ok: true, value: parsed.data }
  const errors = parsed.error.issues.flatMap((issue): FieldError[] => {
    const at = issue.path.map(String)
    if (issue.code !== 'unrecognized_keys') return [{ field: at.join('.'), message: issue.message }]
    return issue.keys.map((key) => ({ field: [...at, key].join('.'), message: 'unknown field' }))
  })
  return { ok: false, errors: errors.slice(0, MAX_ERRORS) }
}
