import { z } from 'zod'
import { COMMAND_ID, EVENT_NAME, momentMs, seq } from './fields.ts'

const ID = '1 to 64 visible ASCII characters'

/** What a client sends. Whoever wants an answer, or wants to say it again safely, gives it an id of his own. */
export const COMMAND_FRAME = z.strictObject({
  id: z.string(ID).regex(COMMAND_ID, ID).optional(),
  event: z.string(ID).regex(EVENT_NAME, ID),
  data: z.record(z.string(), z.unknown(), 'an object').default({}),
})

/** Why a command has no effect. `retry`: the same frame, with the same id, may be sent again (after `retryAfterMs`). */
export const COMMAND_ERROR = z.object({
  code: z.string().describe('what a program may branch on'),
  message: z.string().describe('for people'),
  retry: z.boolean().describe('true: send the same frame with the same id again'),
  retryAfterMs: z.int().min(0).optional().describe('not before'),
  fields: z
    .array(z.object({ field: z.string(), message: z.string() }))
    .optional()
    .describe('the fields at fault, and what is expected of them'),
  rideId: z.string().optional().describe('the ride that stands in the way'),
})
export type CommandError = z.output<typeof COMMAND_ERROR>

/** The answer to the frame with this id, the same for a repetition word for word. Frames without an id are answered only where they fail. */
export const REPLY_FRAME = z.union([
  z.object({ re: z.string(), ok: z.literal(true), data: z.record(z.string(), z.unknown()) }),
  z.object({ re: z.string().nullable(), ok: z.literal(false), error: COMMAND_ERROR }),
])

/** What a client is told unasked. `seq` only where it stands in the user's feed, `expiresAt` where it means nothing later. */
export const PUSH_FRAME = z.object({
  event: z.string(),
  seq: seq.min(1).optional(),
  data: z.record(z.string(), z.unknown()),
  expiresAt: momentMs.optional(),
})
