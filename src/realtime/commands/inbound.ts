import { COMMAND_ID, EVENT_NAME } from '../protocol/fields.ts'

/** A frame of a client, as COMMAND_FRAME describes it. */
export interface InboundFrame {
  /** Null: the client wants no reply to a success. */
  readonly id: string | null
  readonly event: string
  readonly data: Readonly<Record<string, unknown>>
}

export type MalformedReason =
  | 'too_long'
  | 'no_json'
  | 'too_deep'
  | 'ambiguous'
  | 'no_object'
  | 'unknown_member'
  | 'bad_id'
  | 'bad_event'
  | 'bad_data'

/** What a text is. Of a malformed one the id is known where it has one. */
export type Inbound =
  | { readonly kind: 'frame'; readonly frame: InboundFrame }
  | { readonly kind: 'malformed'; readonly reason: MalformedReason; readonly id: string | null }

/** The socket refuses longer ones by their bytes; whoever else calls is held to the same. */
export const MAX_FRAME_CHARACTERS = 16 * 1024
/** A place in a command lies at the third level; nothing that we read is deeper, and nothing that walks a value recurses far. */
export const MAX_DEPTH = 8

const MEMBERS: ReadonlySet<string> = new Set(['id', 'event', 'data'])

/**
 * Reads a client's text. A member that is written twice is refused, at any depth, because whoever else reads the frame may see the
 * other one; and so is `__proto__`. All other names are only names. `data` may be left out. Pure; throws for nothing that a text
 * may hold.
 */
export function readFrame(text: string): Inbound {
  if (text.length > MAX_FRAME_CHARACTERS) return malformed('too_long')
  const shape = shapeOf(text)
  if (shape === null) return malformed('too_deep')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return malformed('no_json')
  }
  if (!isObject(value)) return malformed('no_object')
  const { id = null, event, data = null } = value
  const isId = typeof id === 'string' && COMMAND_ID.test(id)
  if (id !== null && !isId) return malformed('bad_id')
  const known = isId ? id : null
  if (membersIn(value) !== shape.members) return malformed('ambiguous', known)
  if (Object.keys(value).some((name) => !MEMBERS.has(name))) return malformed('unknown_member', known)
  if (typeof event !== 'string' || !EVENT_NAME.test(event)) return malformed('bad_event', known)
  if (data !== null && !isObject(data)) return malformed('bad_data', known)
  return { kind: 'frame', frame: { id: known, event, data: data ?? {} } }
}

function malformed(reason: MalformedReason, id: string | null = null): Inbound {
  return { kind: 'malformed', reason, id }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COLON = 0x3a
const OPEN = new Set([0x7b, 0x5b])
const CLOSE = new Set([0x7d, 0x5d])

/**
 * How many members are written in the text: the colons outside of its strings. Null where it is nested too deeply, which is known
 * before anything is built of it. Of what is no JSON it says something, and JSON.parse says the rest.
 */
function shapeOf(text: string): { readonly members: number } | null {
  let members = 0
  let depth = 0
  let isString = false
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (isString) {
      if (code === BACKSLASH) at += 1
      else if (code === QUOTE) isString = false
    } else if (code === QUOTE) isString = true
    else if (code === COLON) members += 1
    else if (OPEN.has(code)) {
      depth += 1
      if (depth > MAX_DEPTH) return null
    } else if (CLOSE.has(code)) depth -= 1
  }
  return { members }
}

/** How many members were read: fewer than were written where one took another's place. `__proto__` is not counted as any. */
function membersIn(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + membersIn(item), 0)
  let sum = 0
  for (const name of Object.keys(value)) {
    if (name !== '__proto__') sum += 1
    sum += membersIn((value as Readonly<Record<string, unknown>>)[name])
  }
  return sum
}
