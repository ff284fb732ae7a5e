/**
 * The same ASCII text as one piece. V8 keeps what was joined as a tree of its parts, and a slice as a window on its whole; where a hundred
 * thousand such texts are kept, their parts are megabytes.
 */
export function flatText(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1')
}
