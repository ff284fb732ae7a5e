import { isAscii } from 'node:buffer'

/** Far more than any gateway sends. */
const MAX_FIELDS = 200

/**
 * Reads `application/x-www-form-urlencoded`. Null for bytes that are not ASCII, for a percent-encoding that is no UTF-8, for
 * more than 200 fields and for a name that comes twice: which of the two would be signed is anybody's guess.
 */
export function parseForm(body: Buffer): ReadonlyMap<string, string> | null {
  if (!isAscii(body)) return null
  const fields = new Map<string, string>()
  const pairs = body
    .toString('latin1')
    .replace(/\+/g, ' ')
    .split('&', MAX_FIELDS + 1)
  if (pairs.length > MAX_FIELDS) return null
  for (const pair of pairs) {
    if (pair === '') continue
    const mark = pair.indexOf('=')
    const name = decode(mark === -1 ? pair : pair.slice(0, mark))
    const value = decode(mark === -1 ? '' : pair.slice(mark + 1))
    if (name === null || value === null || fields.has(name)) return null
    fields.set(name, value)
  }
  return fields
}

/** Most fields hold nothing that is escaped, and looking is cheaper than decoding. */
function decode(text: string): string | null {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}
