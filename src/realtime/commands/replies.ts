import type { Outcome, OwnPush } from './command.ts'
import type { MalformedReason } from './inbound.ts'

/** The reply as it goes over the wire and into the key's record: word for word the same for a repetition. */
export function replyFrame(id: string | null, outcome: Outcome): Buffer {
  const rest = outcome.ok ? { ok: true, data: outcome.data } : { ok: false, error: outcome.error }
  return Buffer.from(JSON.stringify({ re: id, ...rest }))
}

/** What a kept reply says. */
export function outcomeIn(reply: Buffer): Outcome {
  const { ok, data, error } = JSON.parse(reply.toString())
  return ok ? { ok, data } : { ok, error, isSettled: true }
}

export function pushFrame({ event, data }: OwnPush): Buffer {
  return Buffer.from(JSON.stringify({ event, data }))
}

const MALFORMED: Readonly<Record<MalformedReason, string>> = {
  too_long: 'A frame has at most 16 KiB.',
  no_json: 'A frame is JSON.',
  too_deep: 'A frame is nested less deeply.',
  ambiguous: 'Each member stands once in its object, and none is `__proto__`.',
  no_object: 'A frame is an object.',
  unknown_member: 'A frame has the members id, event and data.',
  bad_id: '`id` is 1 to 64 visible ASCII characters.',
  bad_event: '`event` is 1 to 64 visible ASCII characters.',
  bad_data: '`data` is an object.',
}

/** The answer to what is no command. */
export function malformedReply(id: string | null, reason: MalformedReason): Buffer {
  const error = { code: 'malformed', message: MALFORMED[reason], retry: false }
  return replyFrame(id, { ok: false, error, isSettled: false })
}
