const MAX_KEY_LENGTH = 255
const VISIBLE = /^[\x21-\x7e]+$/
/** RFC 8941, 3.3.3: a string; only the quote and the backslash are escaped. */
const QUOTED = /^"((?:[^"\\]|\\["\\])*)"$/

/**
 * Reads the value of an Idempotency-Key header: an RFC 8941 string (draft-ietf-httpapi-idempotency-key-header, 2.1), or
 * the same key bare, as most clients send it. Null unless it is 1 to 255 visible ASCII characters.
 */
export function parseKeyHeader(value: string): string | null {
  const text = value.trim()
  const key = text.startsWith('"') ? QUOTED.exec(text)?.[1]?.replace(/\\(["\\])/g, '$1') : text
  if (key === undefined || key.length > MAX_KEY_LENGTH) return null
  return VISIBLE.test(key) ? key : null
}
