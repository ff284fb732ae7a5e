/** A number that a double may not carry, as it was written. */
class LongNumber {
  readonly source: string

  constructor(source: string) {
    this.source = source
  }
}

/** Doubles carry this many decimal digits exactly. */
const MAX_EXACT_CHARACTERS = 15

/**
 * One text for all ways to write the same JSON value: members sorted by name, no blanks, numbers in their shortest form.
 * Numbers that a double would round stay as they were written, so that two long amounts never look alike. Throws
 * SyntaxError on what is no JSON, and RangeError where it is nested too deeply to be walked.
 */
export function canonicalJson(text: string): string {
  return write(JSON.parse(text, keepLongNumbers))
}

function keepLongNumbers(_name: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value
  const source = context?.source ?? String(value)
  return source.length <= MAX_EXACT_CHARACTERS && Number.isFinite(value) ? value : new LongNumber(source)
}

function write(value: unknown): string {
  if (value instanceof LongNumber) return value.source
  if (Array.isArray(value)) return `[${value.map(write).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${write(member)}`)
  return `{${members.join(',')}}`
}
