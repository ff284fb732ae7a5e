import { createHash, timingSafeEqual } from 'node:crypto'

export type Comparison = (a: NodeJS.ArrayBufferView, b: NodeJS.ArrayBufferView) => boolean

/**
 * Which of these keys was given: its index, or null for none. Takes the same time whatever was given and whichever key it
 * is: digests are compared, so that lengths do not matter, and always with every key.
 */
export function matchingKey(
  given: string,
  keys: readonly string[],
  isSame: Comparison = timingSafeEqual,
): number | null {
  const digest = digestOf(given)
  // Not findIndex, which would end at the first match and so tell the current key from the previous one.
  const matches = keys.map((key) => isSame(digest, digestOf(key)))
  const index = matches.indexOf(true)
  return index === -1 ? null : index
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
