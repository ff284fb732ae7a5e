import { z } from 'zod'
import type { AnswerBody } from './callback-request.ts'

/** What Laravel shows the rider of his driver. null: it says nothing of it. */
export interface AnsweredDetails {
  /** Its own code, which the driver asks for at the start. */
  readonly otp: string | null
  readonly driver: Readonly<Record<string, unknown>> | null
}

/** empty: it says nothing that anybody is told. ignored: it is not what it may be. */
export type AnswerRead =
  | { readonly kind: 'details'; readonly details: AnsweredDetails }
  | { readonly kind: 'empty' }
  | { readonly kind: 'ignored' }

/** A driver with all that belongs to him has room in it; it stays in the rider's feed, and goes to his phone, as it is. */
export const MAX_ANSWER_BYTES = 16 * 1_024
/** Whoever reads it, databases and phones, goes so deep. */
const MAX_DEPTH = 16

/** An array without members is what PHP makes of an object without any. */
const unlisted = (value: unknown): unknown => (Array.isArray(value) && value.length === 0 ? null : value)
const otp = z
  .union([z.string(), z.int().nonnegative()])
  .transform(String)
  .refine((text) => /^[\x21-\x7e]{0,16}$/.test(text))
  .nullish()
  .transform((text) => text || null)
const ANSWER = z.preprocess(
  (value) => unlisted(value) ?? {},
  z.looseObject({ otp, driver: z.preprocess(unlisted, z.record(z.string(), z.unknown()).nullish()) }),
)

/** What the answer to `ride.accepted` says. Pure; whatever it is, it never throws. */
export function readAnswer({ type, text, isWhole }: AnswerBody): AnswerRead {
  if (text === '' && isWhole) return { kind: 'empty' }
  const isJson = /^application\/json\s*(?:;|$)/i.test(type)
  if (!isJson || !isWhole || Buffer.byteLength(text) > MAX_ANSWER_BYTES) return { kind: 'ignored' }
  const value = parsed(text)
  const answer = ANSWER.safeParse(value)
  if (!answer.success || !isShallow(value, MAX_DEPTH)) return { kind: 'ignored' }
  const { otp: code, driver = null } = answer.data
  return code === null && driver === null
    ? { kind: 'empty' }
    : { kind: 'details', details: { otp: code, driver } }
}

/** What is no JSON stays the text that it is, which is no answer. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function isShallow(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  return levels > 0 && Object.values(value).every((member) => isShallow(member, levels - 1))
}
