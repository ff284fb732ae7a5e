/** What a push bears beside its data. */
export interface PushMeta {
  readonly event: string
  /** Its number in the user's feed, where it is kept there. */
  readonly seq?: number
  /** Means nothing after this moment of the server's clock (milliseconds since 1970). */
  readonly expiresAt?: number
}

export interface ErrorData {
  readonly code: string
  readonly message: string
  readonly retry: boolean
  readonly retryAfterMs?: number
  readonly fields?: readonly { readonly field: string; readonly message: string }[]
  readonly rideId?: string
}

export type ReplyData = Readonly<Record<string, unknown>>

export type ServerFrame =
  | { readonly kind: 'push'; readonly meta: PushMeta; readonly data: ReplyData }
  | { readonly kind: 'reply'; readonly re: string | null; readonly data: ReplyData }
  | { readonly kind: 'failure'; readonly re: string | null; readonly error: ErrorData }
  | { readonly kind: 'unknown' }

const UNKNOWN: ServerFrame = { kind: 'unknown' }

/** Reads one text frame of the server. What it does not understand is `unknown`; it never throws. */
export function parseFrame(text: string): ServerFrame {
  const frame = objectOf(text)
  if (frame === null) return UNKNOWN
  if (typeof frame.event === 'string') return pushOf(frame.event, frame)
  return 're' in frame ? replyOf(frame) : UNKNOWN
}

function pushOf(event: string, { data, seq, expiresAt }: Readonly<Record<string, unknown>>): ServerFrame {
  if (!isObject(data)) return UNKNOWN
  if (seq !== undefined && !isPositive(seq)) return UNKNOWN
  const meta = {
    event,
    ...(isPositive(seq) ? { seq } : {}),
    ...(isPositive(expiresAt) ? { expiresAt } : {}),
  }
  return { kind: 'push', meta, data }
}

function replyOf({ re, ok, data, error }: Readonly<Record<string, unknown>>): ServerFrame {
  if (re !== null && typeof re !== 'string') return UNKNOWN
  if (ok === true) return { kind: 'reply', re, data: isObject(data) ? data : {} }
  if (ok !== false || !isObject(error) || typeof error.code !== 'string') return UNKNOWN
  const { code, message, retry, retryAfterMs, fields, rideId } = error
  return {
    kind: 'failure',
    re,
    error: {
      code,
      message: typeof message === 'string' ? message : code,
      retry: retry === true,
      ...(typeof retryAfterMs === 'number' && retryAfterMs >= 0 ? { retryAfterMs } : {}),
      ...(Array.isArray(fields) ? { fields } : {}),
      ...(typeof rideId === 'string' ? { rideId } : {}),
    },
  }
}

function objectOf(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : null
  } catch {
    return null
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isPositive(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1
}
